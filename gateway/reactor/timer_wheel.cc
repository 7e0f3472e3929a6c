#include "gateway/reactor/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "gateway/base/check.h"

namespace ringpost::reactor {
namespace {

void Unlink(TimerLink* link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  link->previous = link->next = nullptr;
}

void LinkBefore(TimerLink* position, TimerLink* link) {
  link->previous = position->previous;
  link->next = position;
  position->previous->next = link;
  position->previous = link;
}

void MakeEmpty(TimerLink* head) { head->previous = head->next = head; }
bool IsEmpty(const TimerLink& head) { return head.next == &head; }

// Moves all of `from` to `to`, which is not yet a list.
void TakeList(TimerLink* from, TimerLink* to) {
  if (IsEmpty(*from)) return MakeEmpty(to);
  *to = *from;
  to->previous->next = to;
  to->next->previous = to;
  MakeEmpty(from);
}

int64_t ToMs(MonoTime time) { return time.time_since_epoch().count(); }

}  // namespace

Timer::~Timer() { Cancel(); }

void Timer::Cancel() {
  if (scheduled()) Unlink(this);
}

TimerWheel::TimerWheel(MonoTime start) : now_ms_(ToMs(start)) {
  RP_CHECK(now_ms_ >= 0);
  MakeEmpty(&overdue_);
  for (auto& level : slots_) {
    for (TimerLink& slot : level) MakeEmpty(&slot);
  }
}

TimerWheel::~TimerWheel() { RP_CHECK(empty()); }

void TimerWheel::Schedule(Timer* timer, MonoTime due) {
  timer->Cancel();
  timer->due_ms_ = ToMs(due);
  Place(timer);
}

void TimerWheel::Place(Timer* timer) {
  if (timer->due_ms_ <= now_ms_) return LinkBefore(&overdue_, timer);
  for (int level = 0; level < kLevels; ++level) {
    int shift = level * kSlotBits;
    int64_t slot = timer->due_ms_ >> shift;
    int64_t distance = slot - (now_ms_ >> shift);
    if (distance >= kSlots) {
      if (level + 1 < kLevels) continue;
      // Beyond the wheel's 12 days: waits in the farthest slot and is placed again from there.
      slot = (now_ms_ >> shift) + kSlots - 1;
    }
    auto index = static_cast<size_t>(slot & (kSlots - 1));
    LinkBefore(&slots_[static_cast<size_t>(level)][index], timer);
    occupied_[static_cast<size_t>(level)] |= uint64_t{1} << index;
    return;
  }
}

std::optional<int64_t> TimerWheel::NextTick() const {
  std::optional<int64_t> next;
  for (int level = 0; level < kLevels; ++level) {
    int shift = level * kSlotBits;
    int64_t current = now_ms_ >> shift;
    uint64_t& bits = occupied_[static_cast<size_t>(level)];
    // Bit d of `ahead` is the slot d further on. Slot 0 is empty: its timers fired or went down a
    // level.
    for (uint64_t ahead = std::rotr(bits, static_cast<int>(current & (kSlots - 1))); ahead != 0;
         ahead &= ahead - 1) {
      int64_t slot = current + std::countr_zero(ahead);
      auto index = static_cast<size_t>(slot & (kSlots - 1));
      if (IsEmpty(slots_[static_cast<size_t>(level)][index])) {  // all were cancelled
        bits &= ~(uint64_t{1} << index);
        continue;
      }
      int64_t tick = slot << shift;
      next = std::min(next.value_or(tick), tick);
      break;
    }
  }
  return next;
}

size_t TimerWheel::Advance(MonoTime now) {
  int64_t target = std::max(ToMs(now), now_ms_);
  size_t fired = FireList(&overdue_);
  for (auto tick = NextTick(); tick && *tick <= target; tick = NextTick()) {
    now_ms_ = *tick;
    for (int level = kLevels - 1; level > 0; --level) {
      if ((now_ms_ & ((int64_t{1} << level * kSlotBits) - 1)) == 0) Cascade(level);
    }
    auto index = static_cast<size_t>(now_ms_ & (kSlots - 1));
    occupied_[0] &= ~(uint64_t{1} << index);
    fired += FireList(&slots_[0][index]);
  }
  now_ms_ = target;
  return fired;
}

size_t TimerWheel::FireList(TimerLink* list) {
  // Off the wheel first: a timer that schedules itself for now must wait for the next Advance.
  TimerLink due;
  TakeList(list, &due);
  size_t fired = 0;
  while (!IsEmpty(due)) {
    auto* timer = static_cast<Timer*>(due.next);
    Unlink(timer);
    ++fired;
    timer->fn_(timer);
  }
  return fired;
}

void TimerWheel::Cascade(int level) {
  auto index = static_cast<size_t>(now_ms_ >> level * kSlotBits & (kSlots - 1));
  TimerLink moving;
  TakeList(&slots_[static_cast<size_t>(level)][index], &moving);
  occupied_[static_cast<size_t>(level)] &= ~(uint64_t{1} << index);
  while (!IsEmpty(moving)) {
    auto* timer = static_cast<Timer*>(moving.next);
    Unlink(timer);
    // What is due at this very tick goes to the slot that fires next, not among the overdue.
    if (timer->due_ms_ == now_ms_) {
      LinkBefore(&slots_[0][static_cast<size_t>(now_ms_ & (kSlots - 1))], timer);
    } else {
      Place(timer);
    }
  }
}

std::optional<MonoTime> TimerWheel::NextDue() const {
  if (!IsEmpty(overdue_)) return MonoTime(Millis(now_ms_));
  auto tick = NextTick();
  if (!tick) return std::nullopt;
  return MonoTime(Millis(*tick));
}

bool TimerWheel::empty() const { return IsEmpty(overdue_) && !NextTick(); }

}  // namespace ringpost::reactor
