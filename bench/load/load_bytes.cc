// Bytes in and out of a connection of `load`, in clear and under TLS.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "bench/load/load_connection.h"
#include "bench/load/load_worker.h"

namespace ringpost::bench {
namespace {

// More is sealed when this has left: a body of many megabytes is not in memory twice.
constexpr size_t kSealedBytesMax = 256 * 1024;

}  // namespace

void LoadConnection::Read() {
  const std::string_view bytes = worker_->Receive(fd_);
  if (bytes.data() == nullptr) return;
  if (bytes.empty()) {
    return Ended(/*unasked=*/due_.empty() || due_.front().step != Step::kQuit);
  }
  tls_ != nullptr ? TakeSealed(bytes) : replies_.Append(bytes);
  const uint64_t now = worker_->now();
  while (fd_ >= 0) {
    const std::optional<ReplyLine> reply = replies_.Next();
    if (!reply) break;
    OnReply(*reply, now);
  }
  if (fd_ < 0) return;
  if (replies_.broken()) return Ended(/*unasked=*/true);
  // After its close_notify nothing more will come; the end of the stream would say so too.
  if (tls_ != nullptr && tls_->state() == TlsLink::State::kEnded) {
    return Ended(/*unasked=*/due_.empty() || due_.front().step != Step::kQuit);
  }
  Flush();
}

// --- TLS

void LoadConnection::StartTls() {
  replies_.Reset();  // what came in clear behind the 220 is no reply to what comes next
  tls_ = TlsLink::Client(worker_->tls_context(), std::to_string(number_));
  Flush();
}

void LoadConnection::TakeSealed(std::string_view bytes) {
  const bool secured = tls_->state() == TlsLink::State::kOpen;
  const TlsLink::State state =
      tls_->Take(bytes, [this](std::string_view said) { replies_.Append(said); });
  if (state == TlsLink::State::kFailed) {
    tls_->Send(fd_);  // the alert
    return Ended(/*unasked=*/true);
  }
  if (secured || state == TlsLink::State::kHandshake) return;
  LoadStats& stats = worker_->stats();
  ++stats.tls_handshakes;
  if (tls_->resumed()) ++stats.tls_resumed;
  if (options_->tls != TlsMode::kStartTls) return;
  Queue("EHLO load.example\r\n");
  Expect(Step::kEhlo);
}

// --- Out

void LoadConnection::Flush() {
  // Read before the send: on loopback the answer may be there when it returns.
  uint64_t text_nanos = 0;
  while (fd_ >= 0) {
    std::array<iovec, 2 * kSlots + 1> parts;
    size_t count = 0;
    size_t skip = sent_bytes_;
    const auto add = [&](std::string_view piece) {
      const size_t skipped = std::min(skip, piece.size());
      skip -= skipped;
      piece.remove_prefix(skipped);
      if (!piece.empty()) parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
    };
    size_t at = 0;
    for (const Insert& insert : inserts_) {
      add(std::string_view(head_).substr(at, insert.at - at));
      add(insert.body);
      at = insert.at;
    }
    add(std::string_view(head_).substr(at));
    if (count == 0) break;
    if (!inserts_.empty()) text_nanos = NowNanos();
    const ssize_t sent = Send({parts.data(), count});
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return Watch(EPOLLIN | EPOLLOUT);
    if (sent < 0) return Ended(/*unasked=*/true);
    sent_bytes_ += static_cast<size_t>(sent);
  }
  if (fd_ < 0) return;
  head_.clear();
  inserts_.clear();
  sent_bytes_ = 0;
  if (tls_ != nullptr && tls_->Send(fd_) == TlsLink::Sent::kBroken) return Ended(/*unasked=*/true);
  Watch(tls_ != nullptr && tls_->unsent() ? EPOLLIN | EPOLLOUT : EPOLLIN);
  if (text_nanos == 0) return;
  for (const Due& due : due_) {
    uint64_t& sent_at = slots_[due.slot].text_sent_nanos;
    if (due.step == Step::kFinal && sent_at == 0) sent_at = text_nanos;
  }
}

ssize_t LoadConnection::Send(std::span<const iovec> parts) {
  if (tls_ != nullptr) return Seal(parts);
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(parts.data());
  header.msg_iovlen = parts.size();
  return sendmsg(fd_, &header, MSG_NOSIGNAL);
}

// Like sendmsg: how much was taken, or -1 with errno set. Takes nothing while what was sealed
// before, or the handshake, has not left.
ssize_t LoadConnection::Seal(std::span<const iovec> parts) {
  TlsLink::Sent sent = tls_->Send(fd_);
  size_t taken = 0;
  if (sent == TlsLink::Sent::kAll && tls_->state() == TlsLink::State::kOpen) {
    std::array<std::string_view, 2 * kSlots + 1> views;
    size_t count = 0;
    for (const iovec& part : parts) {
      const size_t bytes = std::min(part.iov_len, kSealedBytesMax - taken);
      views[count++] = {static_cast<const char*>(part.iov_base), bytes};
      taken += bytes;
    }
    tls_->Seal({views.data(), count});
    sent = tls_->Send(fd_);
  }
  if (sent == TlsLink::Sent::kBroken) return -1;
  if (taken > 0) return static_cast<ssize_t>(taken);
  errno = EAGAIN;
  return -1;
}

void LoadConnection::Watch(uint32_t events) {
  if (watched_ == events) return;
  watched_ = events;
  worker_->poller().Modify(fd_, events, this);
}

}  // namespace ringpost::bench
