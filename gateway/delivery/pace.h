// Pace: how fast something may go on, over all shards: one number, without a lock.
//
// The generic cell rate algorithm in its virtual scheduling form (ITU-T I.371, annex A): `count` in
// `period`, evenly, with a burst of what one second brings, and of one at least. So "10/s" lets ten
// go at once and then one each 100 ms; "1000/h" one each 3.6 s: mailbox providers count short
// times, and an hour's worth in its first second is what they call a burst.
//
// Over any time of length t no more than t * count / period + burst() are taken, by all threads
// together; where one's `now` is a little behind another's, fewer.
//
// What was taken is owed as a time: where a limit is changed for a looser one, what was owed under
// the old one is waited for first, an interval of it and a second at most (or see Forget).
//
// It is not identity::Rate, which limits who sends to us: that keeps wall time over restarts, and a
// whole period's count may come at once.
//
// Threads: any. Time is an argument.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::delivery {

struct PaceLimit {
  uint32_t count = 0;  // 0: no limit
  Seconds period{1};   // at least that, limits::kPacePeriodSecondsMax at most

  bool limited() const { return count > 0; }
  uint32_t burst() const;
  // From one to the next; at least a nanosecond.
  int64_t interval_ns() const;
  // Whether it lets fewer through in the long run. Any limit is stricter than none.
  bool StricterThan(const PaceLimit& other) const;
  bool operator==(const PaceLimit&) const = default;

  // "10/s", "600/m", "1000/h", "20000/d", "100/5m"; "none": no limit. nullopt: none of these, or
  // out of bounds.
  static std::optional<PaceLimit> Parse(std::string_view text);
  // The form above: "1000/h"; "none".
  std::string ToString() const;
};

class Pace {
 public:
  // True: it may go on, and is counted.
  bool Take(const PaceLimit& limit, MonoTime now);
  // The earliest time at which Take would be true, were nothing taken meanwhile: `now`, or later.
  MonoTime NextAllowed(const PaceLimit& limit, MonoTime now) const;
  // Nothing is owed any more: the limit is another.
  void Forget() { due_ns_.store(INT64_MIN, std::memory_order_relaxed); }

 private:
  // When all that was taken would have come, had it come evenly.
  std::atomic<int64_t> due_ns_{INT64_MIN};
};

}  // namespace ringpost::delivery
