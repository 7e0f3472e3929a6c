// SpaceGuard: stops acceptance while the file system is too full, before RocksDB can fail on it,
// and lets it go on by itself once there is room again. Private to storage. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "storage/engine.h"

namespace ringpost::storage {

class SpaceGuard {
 public:
  explicit SpaceGuard(const Engine& engine) : engine_(engine) {}

  // Asks the file system. An answer that cannot be had changes nothing.
  void Check();
  // After a write; asks once kFreeSpaceCheckBytes have gone by. The committer's thread.
  void Wrote(uint64_t bytes);

  bool low() const { return low_.load(std::memory_order_relaxed); }
  uint64_t free_bytes() const { return free_bytes_.load(std::memory_order_relaxed); }
  std::string reason() const;

 private:
  const Engine& engine_;
  std::atomic<bool> low_{false};
  std::atomic<uint64_t> free_bytes_{UINT64_MAX};  // until it was asked
  uint64_t unchecked_bytes_ = 0;
};

}  // namespace ringpost::storage
