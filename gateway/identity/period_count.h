// PeriodCount: a count of one period (a day, a month), which is zero in every other: the period's
// number and the count in one atomic word, so that it begins anew by itself.
//
// Periods are those of the calendar in UTC: days since 1970, months since the year 0.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "gateway/base/time.h"

namespace ringpost::identity {

inline uint32_t UtcDay(WallTime now) {
  auto days = std::chrono::floor<std::chrono::days>(now.time_since_epoch()).count();
  return static_cast<uint32_t>(std::max<int64_t>(days, 0));
}

inline uint32_t UtcMonth(WallTime now) {
  std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(now)};
  return static_cast<uint32_t>(static_cast<int>(date.year())) * 12 +
         static_cast<unsigned>(date.month()) - 1;
}

inline WallTime NextUtcDay(WallTime now) {
  return std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
}

inline WallTime NextUtcMonth(WallTime now) {
  std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(now)};
  auto next = std::chrono::year_month(date.year(), date.month()) + std::chrono::months(1);
  return std::chrono::sys_days(next / 1);
}

class PeriodCount {
 public:
  uint32_t Of(uint32_t period) const {
    uint64_t word = word_.load(std::memory_order_acquire);
    return PeriodOf(word) == period ? static_cast<uint32_t>(word) : 0;
  }
  uint32_t period() const { return PeriodOf(word_.load(std::memory_order_relaxed)); }

  // Stays at the greatest there can be.
  void Add(uint32_t period, uint32_t amount) {
    uint64_t before = word_.load(std::memory_order_relaxed), after;
    do {
      uint64_t count = PeriodOf(before) == period ? static_cast<uint32_t>(before) : 0;
      after = uint64_t{period} << 32 | std::min<uint64_t>(count + amount, UINT32_MAX);
    } while (!word_.compare_exchange_weak(before, after, std::memory_order_acq_rel));
  }

  // As it is kept.
  uint64_t word() const { return word_.load(std::memory_order_relaxed); }
  void set_word(uint64_t word) { word_.store(word, std::memory_order_release); }

 private:
  static uint32_t PeriodOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
  std::atomic<uint64_t> word_;
};

}  // namespace ringpost::identity
