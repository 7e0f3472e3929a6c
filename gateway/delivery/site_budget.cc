#include "gateway/delivery/site_budget.h"

#include "gateway/base/check.h"

namespace ringpost::delivery {

bool SiteBudget::Lease(uint32_t shard) {
  RP_CHECK(shard < shards_.size());
  uint32_t used = in_use_.load(std::memory_order_relaxed);
  while (used < connections_max_.load(std::memory_order_relaxed)) {
    if (!in_use_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed)) continue;
    shards_[shard].held.fetch_add(1, std::memory_order_relaxed);
    StopWaiting(shard);
    return true;
  }
  if (!shards_[shard].waiting.exchange(true, std::memory_order_relaxed)) {
    waiting_shards_.fetch_add(1, std::memory_order_relaxed);
  }
  return false;
}

void SiteBudget::Release(uint32_t shard) {
  uint32_t held = shards_[shard].held.fetch_sub(1, std::memory_order_relaxed);
  RP_CHECK(held > 0);
  in_use_.fetch_sub(1, std::memory_order_relaxed);
}

void SiteBudget::StopWaiting(uint32_t shard) {
  if (!shards_[shard].waiting.load(std::memory_order_relaxed)) return;
  if (shards_[shard].waiting.exchange(false, std::memory_order_relaxed)) {
    waiting_shards_.fetch_sub(1, std::memory_order_relaxed);
  }
}

bool SiteBudget::ShouldYield(uint32_t shard) const {
  if (waiting_shards_.load(std::memory_order_relaxed) == 0) return false;
  uint32_t mine = shards_[shard].held.load(std::memory_order_relaxed);
  for (uint32_t other = 0; other < shards_.size(); ++other) {
    if (other == shard || !shards_[other].waiting.load(std::memory_order_relaxed)) continue;
    uint32_t theirs = shards_[other].held.load(std::memory_order_relaxed);
    if (theirs == 0 || mine >= theirs + 2) return true;
  }
  return false;
}

SiteBudget* SiteBudgets::Find(std::string_view site_name, uint32_t connections_max,
                              uint32_t shards) {
  std::lock_guard lock(mutex_);
  auto found = budgets_.find(site_name);
  if (found == budgets_.end()) {
    auto budget = std::make_unique<SiteBudget>(connections_max, shards);
    found = budgets_.emplace(std::string(site_name), Held{std::move(budget)}).first;
  }
  ++found->second.holders;
  found->second.budget->SetConnectionsMax(connections_max);
  return found->second.budget.get();
}

void SiteBudgets::Drop(std::string_view site_name) {
  std::lock_guard lock(mutex_);
  auto found = budgets_.find(site_name);
  RP_CHECK(found != budgets_.end());
  if (--found->second.holders == 0) budgets_.erase(found);
}

size_t SiteBudgets::size() {
  std::lock_guard lock(mutex_);
  return budgets_.size();
}

}  // namespace ringpost::delivery
