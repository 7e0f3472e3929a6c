#include "gateway/reactor/buffer_ring.h"

#include <errno.h>
#include <liburing.h>
#include <sys/mman.h>

#include <algorithm>

#include "gateway/base/limits.h"

namespace ringpost::reactor {

BufferRing::BufferRing(BufferPool* pool)
    : pool_(pool), entries_(std::min(pool->count(), limits::kBuffersOfferedMax)) {}

BufferRing::~BufferRing() {
  // The io_uring is gone before: it took its registration with it.
  if (ring_) munmap(ring_, entries_ * sizeof(io_uring_buf));
}

int BufferRing::Register(io_uring* ring) {
  void* memory = mmap(nullptr, entries_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = entries_;
  registration.bgid = kGroup;
  return io_uring_register_buf_ring(ring, &registration, 0);
}

void BufferRing::TopUp() {
  int added = 0;
  int mask = io_uring_buf_ring_mask(entries_);
  while (offered_ + static_cast<uint32_t>(added) < entries_) {
    uint32_t id = pool_->Offer();
    if (id == BufferPool::kNone) break;
    io_uring_buf_ring_add(ring_, pool_->memory(id), pool_->buffer_bytes(),
                          static_cast<uint16_t>(id), mask, added++);
  }
  if (added == 0) return;
  io_uring_buf_ring_advance(ring_, added);
  offered_ += static_cast<uint32_t>(added);
}

}  // namespace ringpost::reactor
