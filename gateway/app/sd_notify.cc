#include "gateway/app/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value ? value : "";
  ::unsetenv(name);
  return taken;
}

// STATUS= is one line: a line feed in it would begin another assignment.
std::string OneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\n' || c == '\r' || c == '\0') c = ' ';
  }
  return line;
}

bool IsStoreName(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  for (char c : name) {
    if (c < 0x21 || c > 0x7e || c == ':') return false;
  }
  return true;
}

Status ErrnoStatus(std::string_view what, int error) {
  char buffer[128];
  return MakeStatus(StatusCode::kUnavailable,
                    std::string(what) + ": " + strerror_r(error, buffer, sizeof buffer));
}

}  // namespace

ServiceNotifier ServiceNotifier::FromEnvironment() {
  ServiceNotifier notifier;
  notifier.address_ = TakeVariable("NOTIFY_SOCKET");
  std::string interval = TakeVariable("WATCHDOG_USEC");
  std::string pid = TakeVariable("WATCHDOG_PID");
  auto micros = ParseDecimal(interval);
  // WATCHDOG_PID names the process that is watched; without it, whoever was started is.
  bool ours = pid.empty() || ParseDecimal(pid) == static_cast<uint64_t>(::getpid());
  if (ours && micros && *micros > 0 && *micros <= INT64_MAX) {
    notifier.watchdog_ = std::chrono::microseconds(static_cast<int64_t>(*micros));
  }
  return notifier;
}

ServiceNotifier ServiceNotifier::To(std::string address) {
  ServiceNotifier notifier;
  notifier.address_ = std::move(address);
  return notifier;
}

Status ServiceNotifier::Ready(std::string_view status_text) const {
  return Send("READY=1\nSTATUS=" + OneLine(status_text));
}
Status ServiceNotifier::Reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t micros = static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  return Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}
Status ServiceNotifier::Stopping(std::string_view status_text) const {
  return Send("STOPPING=1\nSTATUS=" + OneLine(status_text));
}
Status ServiceNotifier::Watchdog() const { return Send("WATCHDOG=1"); }
Status ServiceNotifier::ExtendTimeout(std::chrono::microseconds more) const {
  return Send("EXTEND_TIMEOUT_USEC=" + std::to_string(more.count()));
}
Status ServiceNotifier::StoreFds(std::string_view name, std::span<const int> fds) const {
  if (!IsStoreName(name)) {
    return MakeStatus(StatusCode::kInvalidArgument, "not a name for stored descriptors");
  }
  if (fds.empty() || fds.size() > limits::kNotifyFdsMax) {
    return MakeStatus(StatusCode::kInvalidArgument, "between 1 and " +
                                                        std::to_string(limits::kNotifyFdsMax) +
                                                        " descriptors can be stored at once");
  }
  return Send("FDSTORE=1\nFDNAME=" + std::string(name), fds);
}
Status ServiceNotifier::RemoveFds(std::string_view name) const {
  if (!IsStoreName(name)) {
    return MakeStatus(StatusCode::kInvalidArgument, "not a name for stored descriptors");
  }
  return Send("FDSTOREREMOVE=1\nFDNAME=" + std::string(name));
}

Status ServiceNotifier::Send(std::string_view datagram, std::span<const int> fds) const {
  if (address_.empty()) return OkStatus();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if ((address_[0] != '/' && address_[0] != '@') || address_.size() < 2 ||
      address_.size() >= sizeof to.sun_path) {
    return MakeStatus(StatusCode::kInvalidArgument,
                      "NOTIFY_SOCKET is neither a path nor an abstract name: " +
                          Printable(address_, sizeof to.sun_path));
  }
  std::memcpy(to.sun_path, address_.data(), address_.size());
  socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  if (address_[0] == '@') {
    to.sun_path[0] = '\0';  // the abstract space: the name's length counts, not a NUL
  } else {
    ++size;
  }

  iovec text{const_cast<char*>(datagram.data()), datagram.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = size;
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  std::vector<char> control;
  if (!fds.empty()) {
    control.resize(CMSG_SPACE(fds.size_bytes()));
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }

  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return ErrnoStatus("cannot make a socket to the service manager", errno);
  ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  int error = errno;
  ::close(fd);
  if (sent < 0) return ErrnoStatus("cannot tell the service manager", error);
  return OkStatus();
}

}  // namespace ringpost::app
