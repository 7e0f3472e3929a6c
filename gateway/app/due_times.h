// DueTimes: when each of many places is due, in four bytes each. What is due is looked for in all
// of them, on from where the last was found, so that none waits behind those that come due again:
// of a hundred thousand in 30 us.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "gateway/base/time.h"

namespace ringpost::app {

class DueTimes {
 public:
  // In whole seconds, rounded up. Nothing: it is not due any more.
  void Set(size_t place, std::optional<WallTime> due) {
    if (place >= seconds_.size()) seconds_.resize(place + 1, kNever);
    seconds_[place] = due ? SecondsOf(*due) : kNever;
  }
  std::optional<WallTime> Next() const {
    auto least = std::min_element(seconds_.begin(), seconds_.end());
    if (least == seconds_.end() || *least == kNever) return std::nullopt;
    return WallFromMillis(int64_t{*least} * 1000);
  }
  // One that is due, which stays so until it is set anew.
  std::optional<size_t> FindDue(WallTime now) {
    int64_t passed = ToMillis(now) / 1000;
    for (size_t i = 0; i < seconds_.size(); ++i) {
      if (cursor_ >= seconds_.size()) cursor_ = 0;
      size_t place = cursor_++;
      if (seconds_[place] != kNever && int64_t{seconds_[place]} <= passed) return place;
    }
    return std::nullopt;
  }

 private:
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();

  static uint32_t SecondsOf(WallTime due) {
    int64_t seconds = (ToMillis(due) + 999) / 1000;
    return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, int64_t{kNever} - 1));
  }

  std::vector<uint32_t> seconds_;
  size_t cursor_ = 0;
};

}  // namespace ringpost::app
