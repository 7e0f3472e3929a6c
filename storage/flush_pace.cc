#include "storage/flush_pace.h"

#include <algorithm>

#include "gateway/base/limits.h"

namespace ringpost::storage {
namespace {

// How often RocksDB is given its share: the writes between two syncs of the log are that small.
constexpr int64_t kRefillMicros = 10'000;
// Of the rate of what is committed.
constexpr double kMargin = 1.25;
// What is left of the rate after a second in which nothing is committed.
constexpr double kLeftAfterASecond = 0.7;

}  // namespace

// Not held back until it is known what comes in: what a start finds in its log is written at once.
FlushPace::FlushPace()
    : limiter_(rocksdb::NewGenericRateLimiter(static_cast<int64_t>(limits::kFlushBytesPerSecondMax),
                                              kRefillMicros)) {}

void FlushPace::Look(uint64_t committed_bytes, MonoTime now) {
  double seconds = std::chrono::duration<double>(now - looked_at_).count();
  if (looked_at_ != MonoTime() && seconds > 0) {
    double fresh = static_cast<double>(committed_bytes - committed_bytes_) / seconds;
    double left = rate_ * (1 - (1 - kLeftAfterASecond) * std::min(seconds, 1.0));
    rate_ = std::max(fresh, left);
    limiter_->SetBytesPerSecond(static_cast<int64_t>(
        std::clamp(rate_ * kMargin, static_cast<double>(limits::kFlushBytesPerSecondMin),
                   static_cast<double>(limits::kFlushBytesPerSecondMax))));
  }
  committed_bytes_ = committed_bytes;
  looked_at_ = now;
}

}  // namespace ringpost::storage
