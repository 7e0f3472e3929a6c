#include "gateway/reactor/buffer_pool.h"

#include <string.h>
#include <sys/mman.h>

#include <bit>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/memory_check.h"

namespace ringpost::reactor {

BufferPool::BufferPool(uint32_t count, uint32_t buffer_bytes)
    : count_(count), buffer_bytes_(buffer_bytes), blocks_(count) {
  RP_CHECK(std::has_single_bit(count));
  void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RP_CHECK(memory != MAP_FAILED);
  madvise(memory, bytes(), MADV_DONTDUMP);
  memory_ = static_cast<char*>(memory);
  free_.reserve(count);
  for (uint32_t id = count; id-- > 0;) {
    PooledBlock& block = blocks_[id];
    block.bytes = this->memory(id);
    block.capacity_bytes = buffer_bytes;
    block.release = Released;
    block.pool = this;
    free_.push_back(id);
  }
  PoisonMemory(memory_, bytes());
}

BufferPool::~BufferPool() {
  RP_CHECK(held_ == 0);  // a slice outlives its pool
  UnpoisonMemory(memory_, bytes());
  munmap(memory_, bytes());
}

uint32_t BufferPool::Offer() {
  if (free_.empty()) return kNone;
  uint32_t id = free_.back();
  free_.pop_back();
  return id;
}

Slice BufferPool::Take(uint32_t id, size_t size) {
  RP_CHECK(id < count_ && size <= buffer_bytes_);
  PooledBlock& block = blocks_[id];
  RP_CHECK(block.references == 0);
  UnpoisonMemory(block.bytes, size);
  block.filled = static_cast<uint32_t>(size);
  ++held_;
  Slice slice(&block, {block.bytes, size});
  return UnderPressure() ? Slice::Copy(slice.view()) : slice;
}

void BufferPool::Return(uint32_t id) {
  RP_CHECK(id < count_ && blocks_[id].references == 0);
  free_.push_back(id);
}

bool BufferPool::UnderPressure() const {
  return held_ > count_ - count_ / limits::kPoolReserveShare;
}

void BufferPool::Released(Block* block) {
  auto* pooled = static_cast<PooledBlock*>(block);
  BufferPool* pool = pooled->pool;
  explicit_bzero(pooled->bytes, pooled->filled);
  PoisonMemory(pooled->bytes, pooled->filled);
  --pool->held_;
  pool->free_.push_back(static_cast<uint32_t>(pooled - pool->blocks_.data()));
}

}  // namespace ringpost::reactor
