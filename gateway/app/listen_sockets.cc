#include "gateway/app/listen_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"

namespace ringpost::app {
namespace {

constexpr Millis kProbeEvery{20};

std::string WhyNot(const Endpoint& endpoint, int error) {
  std::string text = "cannot listen on " + endpoint.ToString() + ": " + std::strerror(error);
  switch (error) {
    case EADDRINUSE:
      return text +
             "; stop the program that has it (ss -ltnp shows which), or change the address "
             "of the [[listener]]";
    case EACCES:
      return text + "; ports below 1024 need CAP_NET_BIND_SERVICE (or root)";
    case EADDRNOTAVAIL:
      return text + "; no interface of this machine has that address";
    default:
      return text;
  }
}

// A TCP socket bound to `endpoint`; -errno on failure.
int BoundSocket(const Endpoint& endpoint, bool reuse_port) {
  sockaddr_storage address;
  socklen_t size = endpoint.ToSockaddr(&address);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  bool ready = !reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  if (ready && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int OpenOne(const Endpoint& endpoint) {
  int fd = BoundSocket(endpoint, true);
  if (fd < 0) return fd;
  if (listen(fd, limits::kListenBacklog) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

// The first name of `endpoint` that none of `sockets` has.
std::string FreeName(const Endpoint& endpoint, const std::vector<ListenSocket>& sockets) {
  for (uint32_t index = 0;; ++index) {
    std::string name = ListenFdName(endpoint, index);
    bool taken = std::any_of(sockets.begin(), sockets.end(),
                             [&](const ListenSocket& socket) { return socket.name == name; });
    if (!taken) return name;
  }
}

// One more descriptor for each shard that has none, of the sockets that there are in turn.
Status Duplicate(const Endpoint& endpoint, uint32_t count, std::vector<ListenSocket>* sockets) {
  for (size_t from = 0; sockets->size() < count; ++from) {
    int fd = fcntl((*sockets)[from].fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return MakeStatus(StatusCode::kUnavailable, WhyNot(endpoint, errno));
    sockets->push_back({fd, ""});
  }
  return OkStatus();
}

}  // namespace

void CloseAll(const std::vector<ListenSocket>& sockets) {
  for (const ListenSocket& socket : sockets) close(socket.fd);
}

StatusOr<std::vector<ListenSocket>> TakeListeners(const Endpoint& endpoint, uint32_t count,
                                                  ListenFds* handed_over) {
  std::vector<ListenSocket> sockets;
  bool of_a_unit = false;
  while (sockets.size() < count) {
    auto socket = handed_over->Take(endpoint);
    if (!socket) break;
    // The ring waits for a connection only on a blocking socket.
    fcntl(socket->fd, F_SETFL, fcntl(socket->fd, F_GETFL) & ~O_NONBLOCK);
    bool stored = IsFromStore(*socket);
    of_a_unit = of_a_unit || !stored;
    sockets.push_back({socket->fd, stored ? socket->name : ""});
  }
  Status whole = of_a_unit ? Duplicate(endpoint, count, &sockets) : OkStatus();
  if (whole.ok()) return sockets;
  CloseAll(sockets);
  return whole;
}

// SO_REUSEPORT lets a second daemon of the same user share the port, and take half of its mail. So
// a bind without it asks whether anybody listens.
Status ProbeListener(const Endpoint& endpoint, MonoTime patience) {
  int fd = BoundSocket(endpoint, false);
  while (fd == -EADDRINUSE && ReadMonoClock() < patience) {
    std::this_thread::sleep_for(kProbeEvery);
    fd = BoundSocket(endpoint, false);
  }
  if (fd < 0) return MakeStatus(StatusCode::kUnavailable, WhyNot(endpoint, -fd));
  close(fd);
  return OkStatus();
}

Status OpenListeners(const Endpoint& endpoint, uint32_t count, std::vector<ListenSocket>* sockets) {
  if (sockets->empty()) {
    Status free = ProbeListener(endpoint);
    if (!free.ok()) return free;
  }
  while (sockets->size() < count) {
    int fd = OpenOne(endpoint);
    if (fd < 0) return MakeStatus(StatusCode::kUnavailable, WhyNot(endpoint, -fd));
    sockets->push_back({fd, FreeName(endpoint, *sockets)});
  }
  return OkStatus();
}

}  // namespace ringpost::app
