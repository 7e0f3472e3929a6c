// OutcomeCounts: what became of each credential's recipients in the last 24 hours, over all shards,
// without a lock: how many were accepted, how many bounced for good, how many complained. What
// follows from it is brake.h's.
//
// A sliding day out of two calendar days (UTC): today's count, and of yesterday's the share that is
// less than 24 hours ago, as if it had come evenly. A bounce counts when it happens: its recipient
// may have been accepted days before.
//
// An entry is in use for two days. Where none of the places for a credential is free, it is not
// counted. Two threads that take one free place for two of them at the same moment may count for
// the wrong one.
//
// Threads: any; Load before the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/period_count.h"
#include "gateway/identity/place_table.h"

namespace ringpost::identity {

class OutcomeCounts {
 public:
  enum class What : uint8_t { kAccepted, kHardBounce, kComplaint };
  struct Sums {
    uint64_t accepted = 0, hard_bounces = 0, complaints = 0;
  };
  explicit OutcomeCounts(size_t places) : table_(places) {}  // a power of two

  // Of the credential 0, the operator's own, nothing is counted.
  void Add(uint32_t credential, What what, WallTime now, uint32_t amount = 1);
  Sums Of(uint32_t credential, WallTime now) const;
  void Forget(uint32_t credential);

  // Another number than before: there were bounces or complaints meanwhile.
  uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }
  void ForEach(WallTime now,
               const std::function<void(uint32_t credential, const Sums& sums)>& each) const;

  // To keep it over a restart, as RateTable's.
  size_t places() const { return table_.size(); }
  void Save(size_t first, size_t count, WallTime now, std::vector<uint64_t>* words) const;
  void Load(std::span<const uint64_t> words, WallTime now);

 private:
  static constexpr size_t kWhats = 3;
  struct Place {
    std::atomic<uint64_t> key;
    PeriodCount counts[kWhats][2];  // of even days, of odd days
    bool Free(WallTime now) const;
  };
  static Sums SumsOf(const Place& place, WallTime now);

  PlaceTable<Place> table_;
  std::atomic<uint64_t> changes_{0};
};

}  // namespace ringpost::identity
