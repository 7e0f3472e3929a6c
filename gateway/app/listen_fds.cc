#include "gateway/app/listen_fds.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

constexpr int kFirstFd = 3;  // SD_LISTEN_FDS_START

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value ? value : "";
  ::unsetenv(name);
  return taken;
}

int IntOption(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

ListenFds ListenFds::FromEnvironment() {
  std::string pid = TakeVariable("LISTEN_PID");
  std::string count = TakeVariable("LISTEN_FDS");
  std::string names = TakeVariable("LISTEN_FDNAMES");
  return From(pid, count, names, kFirstFd);
}

ListenFds ListenFds::From(std::string_view pid, std::string_view count, std::string_view names,
                          int first_fd) {
  ListenFds fds;
  if (pid.empty() && count.empty()) return fds;
  if (ParseDecimal(pid) != static_cast<uint64_t>(::getpid())) {
    // Meant for another process, which let us inherit its environment.
    fds.problems_.push_back("LISTEN_PID is not this process: its sockets are left alone");
    return fds;
  }
  auto number = ParseDecimal(count);
  if (!number || *number > limits::kListenFdsMax) {
    fds.problems_.push_back("LISTEN_FDS is not a number up to " +
                            std::to_string(limits::kListenFdsMax) + ": no socket is taken over");
    return fds;
  }
  for (uint64_t i = 0; i < *number; ++i) {
    size_t colon = names.find(':');
    std::string_view name = names.substr(0, colon);
    names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
    fds.Add(first_fd + static_cast<int>(i),
            name.empty() ? "unknown" : Printable(name, limits::kPathBytesMax));
  }
  return fds;
}

void ListenFds::Add(int fd, std::string name) {
  auto problem = [&](const char* what) {
    problems_.push_back("descriptor " + std::to_string(fd) + " (" + name + ") " + what);
  };
  if (::fcntl(fd, F_GETFD) < 0) return problem("is not open");
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return problem("is not a socket");
  }
  auto endpoint = Endpoint::FromSockaddr(storage);
  if (!endpoint) return problem("is not bound to an IP address");
  if (IntOption(fd, SO_TYPE) != SOCK_STREAM || IntOption(fd, SO_ACCEPTCONN) != 1) {
    return problem("is not a listening stream socket");
  }
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  sockets_.push_back({fd, std::move(name), *endpoint});
}

ListenFds& ListenFds::operator=(ListenFds&& other) noexcept {
  if (this == &other) return *this;
  CloseRest();
  sockets_ = std::exchange(other.sockets_, {});
  problems_ = std::exchange(other.problems_, {});
  return *this;
}

std::optional<ListenFds::Socket> ListenFds::Take(const Endpoint& endpoint) {
  for (auto it = sockets_.begin(); it != sockets_.end(); ++it) {
    if (it->endpoint != endpoint) continue;
    Socket taken = std::move(*it);
    sockets_.erase(it);
    return taken;
  }
  return std::nullopt;
}

std::vector<std::string> ListenFds::CloseRest() {
  std::vector<std::string> names;
  for (Socket& socket : sockets_) {
    ::close(socket.fd);
    if (IsFromStore(socket)) names.push_back(std::move(socket.name));
  }
  sockets_.clear();
  return names;
}

namespace {

std::string ListenFdPrefix(const Endpoint& endpoint) {
  std::string name = "ringpost-" + endpoint.ToString() + "-";
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

}  // namespace

std::string ListenFdName(const Endpoint& endpoint, uint32_t index) {
  return ListenFdPrefix(endpoint) + std::to_string(index);
}

bool IsFromStore(const ListenFds::Socket& socket) {
  std::string prefix = ListenFdPrefix(socket.endpoint);
  return socket.name.starts_with(prefix) &&
         ParseDecimal(std::string_view(socket.name).substr(prefix.size())).has_value();
}

}  // namespace ringpost::app
