// TimerWheel: all the time-outs of a shard, with no timeout request per connection.
//
// A Timer is embedded in its owner and linked into the wheel: no allocation. Timers fire at or
// after their time, never before, within one tick (kTickMillis). Hierarchical wheel after Varghese
// and Lauck (1987): schedule and cancel cost O(1). Five levels of 64 slots reach 12 days; later
// timers are placed again on the way. Stretches without timers are skipped, not ticked through.
//
// Every timer must be cancelled or gone before the wheel is.
//
// Threads: the shard's own. A timer may schedule or cancel itself and others while it fires.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gateway/base/time.h"

namespace ringpost::reactor {

struct TimerLink {
  TimerLink* previous = nullptr;
  TimerLink* next = nullptr;
};

class Timer : public TimerLink {
 public:
  using Fn = void (*)(Timer*);
  explicit Timer(Fn fn) : fn_(fn) {}
  ~Timer();  // cancels itself
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool scheduled() const { return next != nullptr; }
  void Cancel();
  MonoTime due() const { return MonoTime(Millis(due_ms_)); }

 private:
  friend class TimerWheel;
  Fn fn_;
  int64_t due_ms_ = 0;
};

class TimerWheel {
 public:
  static constexpr int64_t kTickMillis = 1;

  explicit TimerWheel(MonoTime start);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Schedules, or reschedules, `timer` for `due`; a time already past fires at the next Advance.
  void Schedule(Timer* timer, MonoTime due);
  // Fires all that is due at `now`; returns how many fired.
  size_t Advance(MonoTime now);
  // The latest time at which Advance must be called again; nothing when no timer is scheduled. May
  // be early.
  std::optional<MonoTime> NextDue() const;
  bool empty() const;

 private:
  static constexpr int kLevels = 5;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;

  void Place(Timer* timer);
  size_t FireList(TimerLink* list);
  void Cascade(int level);
  // The next tick at which a slot must be fired or moved down a level.
  std::optional<int64_t> NextTick() const;

  int64_t now_ms_;     // all ticks up to this one are done
  TimerLink overdue_;  // scheduled for a time already past
  std::array<std::array<TimerLink, kSlots>, kLevels> slots_;
  // One bit per slot that may hold timers; stale bits (all cancelled) are cleared when met.
  mutable std::array<uint64_t, kLevels> occupied_{};
};

}  // namespace ringpost::reactor
