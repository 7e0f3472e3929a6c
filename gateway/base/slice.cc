#include "gateway/base/slice.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"

namespace ringpost {
namespace {

struct Slab : Block {
  char* storage() { return reinterpret_cast<char*>(this + 1); }
};

void FreeSlab(Block* block) {
  explicit_bzero(block->bytes, block->capacity_bytes);
  std::free(static_cast<Slab*>(block));
}

}  // namespace

Slice Slice::NewSlab(size_t size) {
  RP_CHECK(size <= UINT32_MAX);
  void* memory = std::malloc(sizeof(Slab) + size);
  RP_CHECK(memory != nullptr);
  Slab* slab = new (memory) Slab;
  slab->bytes = slab->storage();
  slab->capacity_bytes = static_cast<uint32_t>(size);
  slab->release = FreeSlab;
  return Slice(slab, {slab->bytes, size});
}

Slice Slice::Copy(std::string_view bytes) {
  if (bytes.empty()) return Slice();
  Slice slab = NewSlab(bytes.size());
  std::memcpy(slab.mutable_data(), bytes.data(), bytes.size());
  Count(Counter::kBodyBytesCopied, bytes.size());
  return slab;
}

Slice SliceChain::Gather() const {
  if (slices_.empty()) return Slice();
  Slice slab = Slice::NewSlab(size_);
  char* at = slab.mutable_data();
  for (const Slice& slice : slices_) {
    std::memcpy(at, slice.data(), slice.size());
    at += slice.size();
  }
  Count(Counter::kBodyBytesCopied, size_);
  return slab;
}

}  // namespace ringpost
