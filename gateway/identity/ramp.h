// Ramp: how many recipients a new account may have a day: so many on its first, twice as many on
// each day after it, until the ramp ends. So a stranger's list, or a stolen account, cannot do much
// before somebody looks.
//
// Days are the calendar's in UTC; what is counted is quota_table.h's.
//
// Threads: functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::identity {

struct Ramp {
  uint32_t first_day = 0;  // recipients; 0: no ramp
  uint32_t days = 0;       // how long it lasts
  uint32_t begins = 0;     // a day, counted from 1970; 0: not said yet
  bool limited() const { return first_day > 0; }
  bool operator==(const Ramp&) const = default;
};

// Of the day of `now`; 0: none, it has ended.
uint32_t RampLimit(const Ramp& ramp, WallTime now);

// A day as it is written, "2026-11-28". Nothing: it is none.
std::string FormatDay(uint32_t day);
std::optional<uint32_t> ParseDay(std::string_view text);

}  // namespace ringpost::identity
