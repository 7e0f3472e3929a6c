// Waker: how a thread of the store sleeps until there is work. Signal costs a system call only when
// the thread is really asleep. Used by one sleeping thread; signalled from any.
#pragma once

#include <atomic>
#include <cstdint>

#include "gateway/base/time.h"

namespace ringpost::storage {

class Waker {
 public:
  // The signature Inbox::SetWake asks for; `context` is a Waker.
  static void WakeFn(void* context) { static_cast<Waker*>(context)->Signal(); }

  void Signal() { Signal(kAsleep, kNapping); }
  // Does not end a Nap: for work that may wait as long as that.
  void SignalLazily() { Signal(kAsleep, kAsleep); }
  // Sleeps until a signal that has not been consumed by an earlier Wait, or until the time is over.
  void Wait(Millis at_most) { Sleep(kAsleep, at_most); }
  void Nap(Millis at_most) { Sleep(kNapping, at_most); }

 private:
  enum State : uint32_t { kRunning, kAsleep, kNapping, kSignalled };
  void Signal(State first, State second);
  void Sleep(State how, Millis at_most);
  std::atomic<uint32_t> state_{kRunning};
};

}  // namespace ringpost::storage
