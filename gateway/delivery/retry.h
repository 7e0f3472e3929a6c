// RetryPolicy: when a deferred recipient is tried again.
//
// `steps` are the waits after the first, second, ... failed attempt; the last one repeats. Jitter
// spreads messages that failed together, so that a next hop that comes back is not met by all of
// them at once: a wait is lengthened by up to jitter_percent, never shortened (RFC 5321
// section 4.5.4.1 asks for patience).
//
// Sans-IO: the random number is an argument, so the same number gives the same wait.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"

namespace ringpost::delivery {

struct RetryPolicy {
  std::vector<Seconds> steps = {Seconds(60),   Seconds(300),  Seconds(900),
                                Seconds(1800), Seconds(3600), Seconds(14'400)};
  uint32_t jitter_percent = limits::kRetryJitterPercentDefault;

  // The wait after failed attempt number `attempts` (1: the first). `random`: 64 uniform bits.
  Millis WaitAfter(uint32_t attempts, uint64_t random) const;
};

}  // namespace ringpost::delivery
