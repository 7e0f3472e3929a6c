// Time as a value. Code that decides takes the time as an argument; only the reactor and app read
// clocks.
//
// MonoTime never jumps and means nothing after a restart: time-outs, rates. WallTime is what is
// stored and shown: schedules, records. Both are milliseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ringpost {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

struct MonoClock {
  using rep = int64_t;
  using period = std::milli;
  using duration = Millis;
  using time_point = std::chrono::time_point<MonoClock, Millis>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

inline int64_t ToMillis(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime WallFromMillis(int64_t ms) { return WallTime(Millis(ms)); }

// Reads the machine's clocks. Not for sans-IO code.
MonoTime ReadMonoClock();
WallTime ReadWallClock();

// RFC 3339 with milliseconds, UTC: 2026-11-24T07:16:24.123Z.
std::string FormatRfc3339(WallTime time);
// RFC 5322 section 3.3 date-time in UTC: Tue, 24 Nov 2026 07:16:24 +0000.
std::string FormatRfc5322Date(WallTime time);

}  // namespace ringpost
