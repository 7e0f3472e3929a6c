#include "gateway/app/control_mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "gateway/base/limits.h"

namespace ringpost::app {

void PendingCommand::AddressTo(const std::shared_ptr<ControlMailbox>& box,
                               PendingCommand* command) {
  command->mailbox = box;
  command->reply_to = &box->inbox();
  command->progress = &command->so_far;
  command->done = [](QueueCommand* answered) {
    std::unique_ptr<PendingCommand> pending(static_cast<PendingCommand*>(answered));
    std::shared_ptr<ControlMailbox> to = std::move(pending->mailbox);
    if (to->on_command) to->on_command(std::move(pending));
  };
}

void ReloadReply::Send(const std::shared_ptr<ControlMailbox>& box, uint64_t client,
                       const ReloadOutcome& outcome) {
  auto* reply = new ReloadReply;
  reply->mailbox = box;
  reply->client = client;
  reply->outcome = outcome;
  reply->run = [](Posted* posted) {
    std::unique_ptr<ReloadReply> arrived(static_cast<ReloadReply*>(posted));
    std::shared_ptr<ControlMailbox> to = std::move(arrived->mailbox);
    if (to->on_reload) to->on_reload(*arrived);
  };
  box->inbox().Post(reply);
}

void IdentityReply::Send(const std::shared_ptr<ControlMailbox>& box, uint64_t client,
                         const identity::Json& answer) {
  auto* reply = new IdentityReply;
  reply->mailbox = box;
  reply->client = client;
  reply->answer = answer;
  reply->run = [](Posted* posted) {
    std::unique_ptr<IdentityReply> arrived(static_cast<IdentityReply*>(posted));
    std::shared_ptr<ControlMailbox> to = std::move(arrived->mailbox);
    if (to->on_identity) to->on_identity(*arrived);
  };
  box->inbox().Post(reply);
}

StatusOr<std::shared_ptr<ControlMailbox>> ControlMailbox::Make() {
  int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return MakeStatus(StatusCode::kUnavailable, "cannot make an eventfd");
  return std::shared_ptr<ControlMailbox>(new ControlMailbox(fd));
}

ControlMailbox::ControlMailbox(int wake_fd) : wake_fd_(wake_fd) {
  inbox_.SetWake([](void* context) { static_cast<ControlMailbox*>(context)->Wake(); }, this);
}

ControlMailbox::~ControlMailbox() { ::close(wake_fd_); }

void ControlMailbox::Wake() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_fd_, &one, sizeof one);
}

void ControlMailbox::ClearWake() {
  uint64_t wakes;
  [[maybe_unused]] ssize_t n = ::read(wake_fd_, &wakes, sizeof wakes);
}

void ControlMailbox::AddTraceLine(std::string_view line) {
  std::string copy(line);
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (trace_bytes_ + copy.size() > limits::kControlTraceBytesMax) {
      ++trace_.dropped;
      return;
    }
    first = trace_.lines.empty();
    trace_bytes_ += copy.size();
    trace_.lines.push_back(std::move(copy));
  }
  if (first) Wake();
}

ControlMailbox::TraceLines ControlMailbox::TakeTraceLines() {
  std::lock_guard<std::mutex> lock(mutex_);
  trace_bytes_ = 0;
  return std::exchange(trace_, {});
}

}  // namespace ringpost::app
