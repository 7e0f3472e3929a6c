#include "gateway/app/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "gateway/base/limits.h"

namespace ringpost::app {

ControlClient::ControlClient(int fd, uint64_t id, ControlPeer peer, MonoTime now)
    : fd_(fd),
      id_(id),
      peer_(peer),
      work_since_(now),
      idle_since_(now),
      line_since_(now),
      sent_since_(now) {}

ControlClient::~ControlClient() { CloseNow(); }

void ControlClient::CloseNow() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  out_.clear();
  out_sent_ = 0;
}

short ControlClient::poll_events() const {
  int events = 0;
  if (!end_of_input_ && !closing_ && in_.size() < limits::kControlRequestBytesMax) events |= POLLIN;
  if (!out_.empty()) events |= POLLOUT;
  return static_cast<short>(events);
}

bool ControlClient::Read(MonoTime now) {
  char buffer[4096];
  while (!end_of_input_ && in_.size() < limits::kControlRequestBytesMax) {
    size_t room = std::min(sizeof buffer, limits::kControlRequestBytesMax - in_.size());
    ssize_t n = ::recv(fd_, buffer, room, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (n == 0) {
      end_of_input_ = true;  // it may still read: answers in hand are sent
      break;
    }
    if (in_.empty()) line_since_ = now;
    in_.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

std::optional<std::string> ControlClient::NextLine(MonoTime now) {
  if (work_ != Work::kNone || closing_ || !out_.empty()) return std::nullopt;
  size_t end = in_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = in_.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  in_.erase(0, end + 1);
  idle_since_ = line_since_ = now;
  return line;
}

bool ControlClient::line_too_long() const {
  return in_.size() >= limits::kControlRequestBytesMax && in_.find('\n') == std::string::npos;
}

void ControlClient::Send(std::string_view line) {
  if (out_.empty()) send_clock_stale_ = true;
  out_.append(line);
}

bool ControlClient::SendIfRoom(std::string_view line) {
  if (out_.size() - out_sent_ + line.size() > limits::kControlUnsentBytesMax) return false;
  Send(line);
  return true;
}

bool ControlClient::Write(MonoTime now) {
  if (std::exchange(send_clock_stale_, false)) sent_since_ = now;
  while (out_sent_ < out_.size()) {
    ssize_t n = ::send(fd_, out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      if (out_sent_ > limits::kControlUnsentBytesMax) {
        out_.erase(0, out_sent_);
        out_sent_ = 0;
      }
      return true;
    }
    out_sent_ += static_cast<size_t>(n);
    sent_since_ = idle_since_ = now;
  }
  out_.clear();
  out_sent_ = 0;
  if (closing_) return false;
  bool waiting_line = in_.find('\n') != std::string::npos;
  return !end_of_input_ || work_ != Work::kNone || waiting_line;
}

MonoTime ControlClient::deadline() const {
  if (!out_.empty()) return sent_since_ + Seconds(limits::kControlSendSeconds);
  if (work_ != Work::kNone) return MonoTime::max();  // the server ends what takes too long
  if (!in_.empty()) return line_since_ + Seconds(limits::kControlRequestSeconds);
  return idle_since_ + Seconds(limits::kControlIdleSeconds);
}

void ControlClient::Begin(Work work, ControlRequest request, MonoTime now) {
  work_ = work;
  request_ = std::move(request);
  work_since_ = now;
}

void ControlClient::End(MonoTime now) {
  work_ = Work::kNone;
  gather.reset();
  lines_dropped = 0;
  idle_since_ = line_since_ = now;
}

}  // namespace ringpost::app
