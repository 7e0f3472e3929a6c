#include "gateway/reactor/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringpost::reactor {
namespace {

int CloseWithErrno(int fd) {
  int error = errno;
  close(fd);
  return -error;
}

}  // namespace

int OpenTcpSocket(const Endpoint& peer, const IpAddress* source) {
  int fd = socket(peer.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (source) {
    // The port is chosen at connect, for the pair of addresses: thousands of connections to
    // different peers can then share one source port.
    int on = 1;
    sockaddr_storage address;
    socklen_t length = Endpoint{*source, 0}.ToSockaddr(&address);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) return CloseWithErrno(fd);
  }
  SetNoDelay(fd);
  return fd;
}

void SetNoDelay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool IsSocket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

void SetBlocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

Endpoint PeerOfSocket(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint::FromSockaddr(address).value_or(Endpoint{});
}

Endpoint LocalOfSocket(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return Endpoint::FromSockaddr(address).value_or(Endpoint{});
}

}  // namespace ringpost::reactor
