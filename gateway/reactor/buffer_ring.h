// BufferRing: offers the pool's buffers to the kernel for multishot receives.
//
// The kernel is offered a window of the pool, not all of it (kBuffersOfferedMax), and is topped up
// once per turn from the buffers that came back last.
//
// Threads: the shard's own.
#pragma once

#include <cstdint>

#include "gateway/reactor/buffer_pool.h"

struct io_uring;
struct io_uring_buf_ring;

namespace ringpost::reactor {

class BufferRing {
 public:
  static constexpr int kGroup = 0;

  // `pool` outlives the ring. After Register, 0 or -errno.
  explicit BufferRing(BufferPool* pool);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  int Register(io_uring* ring);
  // The kernel gave buffer `id` back, filled or not.
  void Consumed() { --offered_; }
  // Offers free buffers until the window is full.
  void TopUp();
  uint32_t offered() const { return offered_; }

 private:
  BufferPool* pool_;
  uint32_t entries_;
  io_uring_buf_ring* ring_ = nullptr;
  uint32_t offered_ = 0;
};

}  // namespace ringpost::reactor
