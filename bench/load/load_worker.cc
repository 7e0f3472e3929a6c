#include "bench/load/load_worker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>

namespace ringpost::bench {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr uint64_t kRetryNanos = 50'000'000;
constexpr uint64_t kRoundNanosMax = 100'000'000;
// Without a reply, and with messages left, for so long: the run gives up.
constexpr uint64_t kPatienceNanos = 60 * kNanosPerSecond;
constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// The part of `total` that falls to worker `number` of `threads`.
uint64_t Share(uint64_t total, unsigned number, unsigned threads) {
  return total / threads + (number < total % threads ? 1 : 0);
}

}  // namespace

LoadWorker::LoadWorker(const LoadOptions* options, const MessageMaker* maker, unsigned number)
    : options_(options),
      maker_(maker),
      rate_(options->rate / options->threads),
      messages_left_(options->messages == 0 ? kUnlimited
                                            : Share(options->messages, number, options->threads)),
      next_index_(number),
      buffer_(kReadBytes) {
  if (options->tls != TlsMode::kNone) tls_context_ = MakeClientContext(options->resume);
  const uint64_t count = Share(options->connections, number, options->threads);
  for (uint64_t i = 0; i < count; ++i) {
    const auto global = static_cast<unsigned>(i * options->threads + number);
    connections_.push_back(std::make_unique<LoadConnection>(options_, this, global));
  }
}

LoadWorker::~LoadWorker() {
  if (acked_fd_ >= 0) close(acked_fd_);
}

bool LoadWorker::Prepare() {
  if (options_->acked_path.empty()) return true;
  acked_fd_ = open(options_->acked_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return acked_fd_ >= 0;
}

bool LoadWorker::Run() {
  const bool finished = RunRounds();
  stats_.unanswered = stats_.started - stats_.accepted - stats_.refused;
  return finished;
}

bool LoadWorker::RunRounds() {
  start_nanos_ = now_ = last_progress_nanos_ = NowNanos();
  if (options_->seconds > 0) {
    end_nanos_ = start_nanos_ + static_cast<uint64_t>(options_->seconds * 1e9);
  }
  alive_ = static_cast<unsigned>(connections_.size());
  // Connected before the first message is due, unless every message brings its own connection.
  for (const auto& connection : connections_) {
    open_loop() && options_->session_per_message ? Rest(connection.get()) : connection->Open();
  }
  uint64_t give_up = 0;
  while (alive_ > 0) {
    poller_.Wait(NextWake());
    now_ = NowNanos();
    AddArrivals();
    WakeRetries();
    WakeResting();
    WriteAcknowledged();
    if (give_up == 0 && Finished()) {
      give_up = now_ + static_cast<uint64_t>(options_->drain_seconds * 1e9);
    }
    if (give_up != 0 && now_ >= give_up) return false;
    if (now_ - last_progress_nanos_ > kPatienceNanos) return false;
  }
  return true;
}

uint64_t LoadWorker::NextWake() const {
  uint64_t wake = now_ + kRoundNanosMax;
  if (!retries_.empty()) wake = std::min(wake, retries_.front().first);
  if (open_loop() && !TimeIsOver() && messages_left_ > 0) {
    wake = std::min(
        wake, start_nanos_ + static_cast<uint64_t>(static_cast<double>(arrivals_) / rate_ * 1e9));
  }
  if (end_nanos_ != 0 && !TimeIsOver()) wake = std::min(wake, end_nanos_);
  return wake;
}

void LoadWorker::AddArrivals() {
  if (!open_loop()) return;
  while (messages_left_ > 0) {
    const uint64_t due =
        start_nanos_ + static_cast<uint64_t>(static_cast<double>(arrivals_) / rate_ * 1e9);
    if (due > now_ || (end_nanos_ != 0 && due >= end_nanos_)) break;
    backlog_.push_back(due);
    ++arrivals_;
    --messages_left_;
  }
  stats_.backlog_max = std::max<uint64_t>(stats_.backlog_max, backlog_.size());
}

bool LoadWorker::NextMessage(Message* message) {
  if (open_loop()) {
    if (backlog_.empty()) return false;
    message->planned_nanos = backlog_.front();
    backlog_.pop_front();
  } else {
    if (Finished()) return false;
    --messages_left_;
    message->planned_nanos = 0;
  }
  maker_->Make(next_index_, message);
  next_index_ += options_->threads;
  return true;
}

bool LoadWorker::Finished() const {
  if (open_loop()) return (TimeIsOver() || messages_left_ == 0) && backlog_.empty();
  return TimeIsOver() || messages_left_ == 0;
}

void LoadWorker::Rest(LoadConnection* connection) { resting_.push_back(connection); }

void LoadWorker::Retry(LoadConnection* connection) {
  retries_.emplace_back(now_ + kRetryNanos, connection);
}

void LoadWorker::Forget(LoadConnection* connection) {
  resting_.erase(std::remove(resting_.begin(), resting_.end(), connection), resting_.end());
}

void LoadWorker::WakeRetries() {
  while (!retries_.empty() && retries_.front().first <= now_) {
    LoadConnection* const connection = retries_.front().second;
    retries_.pop_front();
    Finished() ? Gone() : connection->Open();
  }
}

// Closed loop: a resting connection is one whose session is over, and goes on at once. Open loop:
// one is woken for each message that is due. When no more will come, all are, to say QUIT.
void LoadWorker::WakeResting() {
  size_t count = resting_.size();
  if (open_loop() && !Finished()) count = std::min(count, backlog_.size());
  std::vector<LoadConnection*> woken(resting_.end() - static_cast<ptrdiff_t>(count),
                                     resting_.end());
  resting_.resize(resting_.size() - count);
  for (LoadConnection* connection : woken) connection->Go();
}

void LoadWorker::Acknowledged(const Message& message) {
  last_progress_nanos_ = now_;
  if (acked_fd_ < 0) return;
  for (size_t i = 0; i < message.recipients.size(); ++i) {
    if (!message.accepted[i]) continue;
    acked_ += message.id;
    acked_ += ' ';
    acked_ += message.recipients[i];
    acked_ += '\n';
  }
}

void LoadWorker::WriteAcknowledged() {
  if (acked_.empty()) return;
  if (write(acked_fd_, acked_.data(), acked_.size()) != static_cast<ssize_t>(acked_.size())) {
    std::perror(options_->acked_path.c_str());
  }
  acked_.clear();
}

std::string_view LoadWorker::Receive(int fd) {
  now_ = NowNanos();
  const ssize_t count = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (count > 0) return {buffer_.data(), static_cast<size_t>(count)};
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  return std::string_view("");
}

}  // namespace ringpost::bench
