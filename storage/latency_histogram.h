// LatencyHistogram: how long commits took, cheap to add to and readable from any thread.
//
// Eight buckets to each doubling of microseconds: a percentile is right within 13 percent. One
// writer.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace ringpost::storage {

class LatencyHistogram {
 public:
  void Add(uint64_t micros) {
    std::atomic<uint64_t>& bucket = buckets_[BucketOf(micros)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // The upper edge of the bucket that holds the given share of all; 0 where nothing was added.
  uint64_t Percentile(double percent) const {
    uint64_t total = 0;
    for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
    if (total == 0) return 0;
    auto wanted = static_cast<uint64_t>(static_cast<double>(total) * percent / 100);
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i].load(std::memory_order_relaxed);
      if (seen > wanted || seen == total) return UpperEdge(i);
    }
    return UpperEdge(kBuckets - 1);
  }

 private:
  static constexpr size_t kSteps = 8;         // per doubling
  static constexpr size_t kBuckets = 8 * 32;  // up to more than an hour
  static size_t BucketOf(uint64_t micros) {
    if (micros < kSteps) return static_cast<size_t>(micros);
    auto doubling = static_cast<size_t>(std::bit_width(micros)) - 4;  // 8..15 is doubling 0
    size_t bucket = (doubling + 1) * kSteps + ((micros >> doubling) & (kSteps - 1));
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  static uint64_t UpperEdge(size_t bucket) {
    if (bucket < kSteps) return bucket;
    size_t doubling = bucket / kSteps - 1;
    return ((kSteps + bucket % kSteps + 1) << doubling) - 1;
  }
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
};

}  // namespace ringpost::storage
