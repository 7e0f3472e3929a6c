// Slices: reference-counted views of message bytes, so that a body is not copied on its way.
//
// A Block is a run of bytes with a count and a way to give it back: a receive buffer of the ring,
// or an exact-size slab. A Slice is a view into one. A SliceChain is an ordered list of slices: a
// body.
//
// Threads: a block belongs to one shard, and only that shard's thread copies, destroys or makes
// slices of it (the count is not atomic). Another thread may read the bytes while the owner keeps
// its slice alive. Copies of body bytes are counted (see counters.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace ringpost {

struct Block {
  char* bytes = nullptr;
  uint32_t capacity_bytes = 0;
  uint32_t references = 0;
  void (*release)(Block*) = nullptr;  // called when the count falls to zero
};

class Slice {
 public:
  Slice() = default;
  // Takes a new reference to `block`; `view` must lie inside it.
  Slice(Block* block, std::string_view view) : block_(block), view_(view) { Retain(); }
  Slice(const Slice& other) : block_(other.block_), view_(other.view_) { Retain(); }
  Slice(Slice&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), view_(std::exchange(other.view_, {})) {}
  Slice& operator=(Slice other) noexcept {
    std::swap(block_, other.block_);
    std::swap(view_, other.view_);
    return *this;
  }
  ~Slice() { Drop(); }

  // A view of bytes that outlive everything (string literals): no block, never freed.
  static Slice Static(std::string_view bytes) {
    Slice slice;
    slice.view_ = bytes;
    return slice;
  }
  // A copy in a slab of exactly that size. The slab is wiped when it is freed: it may hold a body.
  static Slice Copy(std::string_view bytes);
  // An uninitialised slab of `size` bytes, to be filled through mutable_data() before it is shared.
  static Slice NewSlab(size_t size);

  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  bool has_block() const { return block_ != nullptr; }
  char* mutable_data() { return const_cast<char*>(view_.data()); }

  bool SameBlock(const Slice& other) const { return block_ != nullptr && block_ == other.block_; }

  // A part of this slice, sharing the block.
  Slice Sub(size_t offset, size_t count) const {
    return block_ ? Slice(block_, view_.substr(offset, count))
                  : Static(view_.substr(offset, count));
  }
  // A slice for `part`: shares the block when `part` points into this slice's bytes; a literal
  // otherwise.
  Slice Share(std::string_view part) const {
    bool inside = part.data() >= view_.data() && part.data() + part.size() <= data() + size();
    return inside && block_ ? Slice(block_, part) : Static(part);
  }

 private:
  void Retain() {
    if (block_) ++block_->references;
  }
  void Drop() {
    if (block_ && --block_->references == 0) block_->release(block_);
  }

  Block* block_ = nullptr;
  std::string_view view_;
};

class SliceChain {
 public:
  void Append(Slice slice) {
    if (slice.empty()) return;
    size_ += slice.size();
    slices_.push_back(std::move(slice));
  }
  void Append(const SliceChain& other) {
    for (const Slice& slice : other.slices_) Append(slice);
  }
  const std::vector<Slice>& slices() const { return slices_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void Clear() {
    slices_.clear();
    slices_.shrink_to_fit();
    size_ = 0;
  }
  // All bytes in one new slab: the copy at end of data. Returns the slice itself where there is
  // just one slab already of exactly that size.
  Slice Gather() const;

 private:
  std::vector<Slice> slices_;
  size_t size_ = 0;
};

}  // namespace ringpost
