#include "gateway/delivery/retry.h"

#include <algorithm>

#include "gateway/base/check.h"

namespace ringpost::delivery {

Millis RetryPolicy::WaitAfter(uint32_t attempts, uint64_t random) const {
  RP_CHECK(!steps.empty() && attempts > 0);
  Millis step = steps[std::min<size_t>(attempts - 1, steps.size() - 1)];
  uint64_t spread_ms = static_cast<uint64_t>(step.count()) * jitter_percent / 100;
  uint64_t extra_ms =
      static_cast<uint64_t>((static_cast<unsigned __int128>(random) * (spread_ms + 1)) >> 64);
  return step + Millis(static_cast<int64_t>(extra_ms));
}

}  // namespace ringpost::delivery
