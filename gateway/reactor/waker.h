// Waker: brings a sleeping loop back, from any thread, at the cost of one system call, and of none
// while the loop is awake.
//
// The loop says that it is about to sleep (PrepareSleep), looks once more whether there is work,
// and sleeps; a poster puts its work down and calls Wake. Both sides change `asleep_` by exchange,
// so one of them sees the other: either the loop finds the work, or the poster finds it asleep and
// writes to the eventfd.
#pragma once

#include <atomic>

namespace ringpost::reactor {

class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // The descriptor the ring polls. It is never read: an edge-triggered poll fires at each write.
  int fd() const { return fd_; }

  // The loop's side.
  void PrepareSleep() { asleep_.exchange(true, std::memory_order_acq_rel); }
  void Awake() { asleep_.store(false, std::memory_order_relaxed); }

  // The posters' side: true where it falls to the caller to signal.
  bool MustSignal() { return asleep_.exchange(false, std::memory_order_acq_rel); }
  void Signal();

 private:
  int fd_;
  std::atomic<bool> asleep_{false};
};

}  // namespace ringpost::reactor
