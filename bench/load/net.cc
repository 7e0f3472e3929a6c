#include "bench/load/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ringpost::bench {
namespace {

constexpr int kListenBacklog = 4096;

int NewSocket(const Endpoint& endpoint) {
  const int fd =
      socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

int CloseKeepingErrno(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

uint64_t NowNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

bool ParseEndpoint(std::string_view text, Endpoint* out) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  uint16_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return false;
  std::string host(text.substr(0, colon));
  *out = Endpoint();
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out->address);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out->length = sizeof(*v6);
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6->sin6_addr) == 1;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out->address);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  out->length = sizeof(*v4);
  return inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1;
}

int ListenOn(const Endpoint& endpoint, bool shared) {
  const int fd = NewSocket(endpoint);
  if (fd < 0) return -1;
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.length) != 0 ||
      listen(fd, kListenBacklog) != 0) {
    return CloseKeepingErrno(fd);
  }
  return fd;
}

int BeginConnect(const Endpoint& endpoint, unsigned source_index) {
  const int fd = NewSocket(endpoint);
  if (fd < 0) return -1;
  if (source_index > 0 && endpoint.address.ss_family == AF_INET) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source_index);
    const int one = 1;
    // The port is chosen at connect, when the whole four-tuple is known.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    if (bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0) {
      return CloseKeepingErrno(fd);
    }
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.length) != 0 &&
      errno != EINPROGRESS) {
    return CloseKeepingErrno(fd);
  }
  return fd;
}

int ConnectError(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

uint64_t RaiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  // Root may go past the hard limit, up to fs.nr_open; others up to the hard limit.
  const rlimit wanted{1 << 20, 1 << 20};
  if (limit.rlim_max < wanted.rlim_max && setrlimit(RLIMIT_NOFILE, &wanted) == 0) return 1 << 20;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

uint64_t ProcessCpuNanos() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(used.tv_nsec);
}

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) {
    std::perror("epoll_create1");
    std::exit(1);
  }
}

Poller::~Poller() { close(fd_); }

void Poller::Add(int fd, uint32_t events, PollHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    std::perror("epoll_ctl add");
    std::exit(1);
  }
}

void Poller::Modify(int fd, uint32_t events, PollHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  if (epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event) != 0) {
    std::perror("epoll_ctl mod");
    std::exit(1);
  }
}

void Poller::Wait(uint64_t until_nanos) {
  const uint64_t now = NowNanos();
  const uint64_t left = until_nanos > now ? until_nanos - now : 0;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(std::min<uint64_t>(left / kNanosPerSecond, 3600));
  timeout.tv_nsec = static_cast<long>(left % kNanosPerSecond);
  const int count = epoll_pwait2(fd_, events_, kEventsMax, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    static_cast<PollHandler*>(events_[i].data.ptr)->OnEvents(events_[i].events);
  }
}

}  // namespace ringpost::bench
