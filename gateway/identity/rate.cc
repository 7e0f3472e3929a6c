#include "gateway/identity/rate.h"

#include <algorithm>
#include <chrono>

namespace ringpost::identity {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

struct Outcome {
  Millis wait{0};
  int64_t due_ns = 0;  // where it is taken
};

Outcome Judge(int64_t due_ns, const RateLimit& limit, WallTime now, uint32_t amount) {
  int64_t now_ns = ToMillis(now) * kNanosPerMilli;
  int64_t period_ns = std::chrono::nanoseconds(limit.period).count();
  int64_t owed_ns = std::clamp<int64_t>(due_ns - now_ns, 0, period_ns);
  int64_t asked_ns = std::min(period_ns / limit.count * amount, period_ns);
  int64_t over_ns = owed_ns + asked_ns - period_ns;
  Outcome outcome;
  outcome.due_ns = now_ns + owed_ns + asked_ns;
  if (over_ns > 0) outcome.wait = Millis((over_ns + kNanosPerMilli - 1) / kNanosPerMilli);
  return outcome;
}

}  // namespace

Millis Rate::Take(const RateLimit& limit, WallTime now, uint32_t amount) {
  if (!limit.limited()) return Millis(0);
  // More than a period is never owed: the clock was set back, or the period made shorter.
  due_ns_ = std::min(
      due_ns_, ToMillis(now) * kNanosPerMilli + std::chrono::nanoseconds(limit.period).count());
  Outcome outcome = Judge(due_ns_, limit, now, amount);
  if (outcome.wait == Millis(0)) due_ns_ = outcome.due_ns;
  return outcome.wait;
}

Millis Rate::Wait(const RateLimit& limit, WallTime now, uint32_t amount) const {
  return limit.limited() ? Judge(due_ns_, limit, now, amount).wait : Millis(0);
}

}  // namespace ringpost::identity
