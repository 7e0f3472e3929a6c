// SiteBudget: the connection slots of one site, and how fast it is gone on with, shared by all
// shards. SiteBudgets: the budgets by name. All sites of a provider have one together, besides.
//
// A shard takes a lease before it opens a connection and gives it back when the connection is
// closed. Where there are fewer slots than shards that want them, the one that holds more gives
// way: ShouldYield tells it to close a connection after its transaction. Who waits asks again
// (limits::kLeaseRetryMillis).
//
// Threads: any; Lease, Release and ShouldYield take no lock. Find and Drop lock a mutex; a shard
// calls each once for a site. A SiteBudget lives until all that found it have dropped it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/delivery/pace.h"

namespace ringpost::delivery {

class SiteBudget {
 public:
  SiteBudget(uint32_t connections_max, uint32_t shards)
      : connections_max_(connections_max), shards_(shards) {}

  // Takes a slot, or notes that `shard` waits for one.
  bool Lease(uint32_t shard);
  void Release(uint32_t shard);
  // `shard` has no more use for a slot.
  void StopWaiting(uint32_t shard);
  // True where another shard waits that holds at least two fewer, or none at all.
  bool ShouldYield(uint32_t shard) const;

  void SetConnectionsMax(uint32_t connections_max) {
    connections_max_.store(connections_max, std::memory_order_relaxed);
  }
  bool full() const { return in_use() >= connections_max_.load(std::memory_order_relaxed); }
  uint32_t in_use() const { return in_use_.load(std::memory_order_relaxed); }

  Pace connection_pace, message_pace;

 private:
  struct PerShard {
    std::atomic<uint32_t> held{0};
    std::atomic<bool> waiting{false};
  };

  std::atomic<uint32_t> connections_max_;
  std::atomic<uint32_t> in_use_{0};
  std::atomic<uint32_t> waiting_shards_{0};
  std::vector<PerShard> shards_;  // sized once
};

class SiteBudgets {
 public:
  // The budget of `site_name` for that many shards (always the same number), made with
  // `connections_max` where it is new and set to it otherwise.
  SiteBudget* Find(std::string_view site_name, uint32_t connections_max, uint32_t shards);
  // One that found it, and holds no slot of it, has no more use for it.
  void Drop(std::string_view site_name);
  size_t size();

 private:
  struct Held {
    std::unique_ptr<SiteBudget> budget;
    uint32_t holders = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Held, std::less<>> budgets_;
};

}  // namespace ringpost::delivery
