// Sockets, epoll and the clock for the bench programs. Plain system calls, nothing shared with the
// gateway.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::bench {

inline constexpr uint64_t kNanosPerSecond = 1'000'000'000;

// CLOCK_MONOTONIC in nanoseconds: the same clock for every program on the machine.
uint64_t NowNanos();

// A numeric address with its port.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;
};

// "127.0.0.1:2525" or "[::1]:2525". False when it is neither; names are not looked up.
bool ParseEndpoint(std::string_view text, Endpoint* out);

// A listening socket, non-blocking, or -1 with errno set. With `shared` several may listen
// (SO_REUSEPORT).
int ListenOn(const Endpoint& endpoint, bool shared);

// Begins to connect, non-blocking; -1 with errno set. With `source_index` > 0 and an IPv4 loopback
// endpoint the connection comes from 127.0.0.(1 + source_index), which widens the range of ports.
int BeginConnect(const Endpoint& endpoint, unsigned source_index);

// The error of a connect that has become writable; 0 when it worked.
int ConnectError(int fd);

// Raises the limit of open files as far as the kernel lets us; returns what it is now.
uint64_t RaiseOpenFileLimit();

// The processor time this process has used so far, user and system, in nanoseconds.
uint64_t ProcessCpuNanos();

// Whoever owns a descriptor in a Poller.
class PollHandler {
 public:
  virtual ~PollHandler() = default;
  // May not destroy the handler, nor another that is in the same Poller.
  virtual void OnEvents(uint32_t events) = 0;
};

// One epoll instance, level-triggered. Handlers stay valid until their descriptor is closed and the
// Wait that was running has returned.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void Add(int fd, uint32_t events, PollHandler* handler);
  void Modify(int fd, uint32_t events, PollHandler* handler);
  // Waits until something happens or the clock reads `until_nanos`, and calls the handlers.
  void Wait(uint64_t until_nanos);

 private:
  static constexpr int kEventsMax = 256;
  int fd_;
  epoll_event events_[kEventsMax];
};

}  // namespace ringpost::bench
