#include "storage/waker.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace ringpost::storage {
namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));  // the futex is the atomic itself

void Futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), operation, value, timeout, nullptr, 0);
}

}  // namespace

void Waker::Signal(State first, State second) {
  uint32_t state = state_.load(std::memory_order_relaxed);
  // A napper that is not to be woken looks at its work when the nap is over.
  do {
    if (state != kRunning && state != kSignalled && state != first && state != second) return;
  } while (!state_.compare_exchange_weak(state, kSignalled, std::memory_order_acq_rel));
  if (state == kAsleep || state == kNapping) Futex(&state_, FUTEX_WAKE_PRIVATE, 1, nullptr);
}

void Waker::Sleep(State how, Millis at_most) {
  uint32_t running = kRunning;
  if (state_.compare_exchange_strong(running, how, std::memory_order_acq_rel)) {
    MonoTime end = ReadMonoClock() + at_most;
    // A futex may wake for no reason; the state says whether it was a signal.
    while (state_.load(std::memory_order_acquire) == how) {
      int64_t left = (end - ReadMonoClock()).count();
      if (left <= 0) break;
      timespec timeout{left / 1000, left % 1000 * 1'000'000};
      Futex(&state_, FUTEX_WAIT_PRIVATE, how, &timeout);
    }
  }
  state_.exchange(kRunning, std::memory_order_acq_rel);
}

}  // namespace ringpost::storage
