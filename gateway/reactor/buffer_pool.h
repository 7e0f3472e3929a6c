// BufferPool: a shard's receive buffers, as blocks that slices can hold.
//
// One mapping of count x bytes, kept out of core dumps, because bodies pass through it. A buffer is
// free, offered (to the kernel, through the buffer ring), or held (by slices). Free buffers are
// used last freed first, so that a shard at work stays within the few that are warm in the cache,
// and an idle one touches little memory.
//
// A buffer is wiped when its last slice drops it: no message outlives its slices here. Under
// AddressSanitizer a buffer is poisoned unless it is held, and beyond the bytes received.
//
// Pressure: while more than three quarters are held, a receiver copies what came and gives the
// buffer back (Take does it): slow senders cannot starve the others by what they pin, and ENOBUFS
// is left for bursts.
//
// Threads: the shard's own. Every slice must be gone before the pool is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/base/slice.h"

namespace ringpost::reactor {

class BufferPool {
 public:
  // `count` is a power of two.
  BufferPool(uint32_t count, uint32_t buffer_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  uint32_t count() const { return count_; }
  uint32_t buffer_bytes() const { return buffer_bytes_; }
  size_t bytes() const { return size_t{count_} * buffer_bytes_; }
  uint32_t held() const { return held_; }
  size_t bytes_held() const { return size_t{held_} * buffer_bytes_; }
  uint32_t free() const { return static_cast<uint32_t>(free_.size()); }

  // Takes a free buffer to offer it; kNone where there is none.
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t Offer();
  char* memory(uint32_t id) { return memory_ + size_t{id} * buffer_bytes_; }
  // An offered buffer came back with `size` bytes: a slice of them (or of a copy, under pressure).
  Slice Take(uint32_t id, size_t size);
  // An offered buffer came back unused.
  void Return(uint32_t id);

 private:
  struct PooledBlock : Block {
    BufferPool* pool = nullptr;
    uint32_t filled = 0;
  };
  static void Released(Block* block);
  bool UnderPressure() const;

  uint32_t count_;
  uint32_t buffer_bytes_;
  char* memory_;
  std::vector<PooledBlock> blocks_;
  std::vector<uint32_t> free_;
  uint32_t held_ = 0;
};

}  // namespace ringpost::reactor
