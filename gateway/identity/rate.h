// Rate: a limit on how often something may happen, as one number: the generic cell rate algorithm
// in its virtual scheduling form (ITU-T I.371; ATM Forum TM 4.0 section 4.4.3).
//
// `count` in `period`, evenly: after a pause `count` at once, then one every period/count. What is
// refused does not count. More than `count` at once is taken where nothing is owed, and then a
// whole period is: a message to 100 recipients passes a limit of 50, once.
//
// The state is a time on the wall, so that it can be kept over a restart. A clock that is set
// forward forgives; one that is set back makes nobody wait longer than a period.
//
// Threads: plain data; the owner's.
#pragma once

#include <cstdint>

#include "gateway/base/time.h"

namespace ringpost::identity {

struct RateLimit {
  uint32_t count = 0;  // 0: no limit
  Seconds period{1};   // at least that
  bool limited() const { return count > 0; }
  bool operator==(const RateLimit&) const = default;
};

class Rate {
 public:
  Rate() = default;
  // As state_ns() gave it.
  explicit Rate(int64_t state_ns) : due_ns_(state_ns) {}

  // Zero: taken. Else nothing is taken, and this is how long until it would be.
  Millis Take(const RateLimit& limit, WallTime now, uint32_t amount = 1);
  // The same, and nothing is taken.
  Millis Wait(const RateLimit& limit, WallTime now, uint32_t amount = 1) const;
  int64_t state_ns() const { return due_ns_; }

 private:
  // When all that was taken would have come, had it come evenly; nanoseconds since 1970.
  int64_t due_ns_ = 0;
};

}  // namespace ringpost::identity
