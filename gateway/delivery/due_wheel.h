// DueWheel: entries by a time, in buckets: a hashed wheel (Varghese and Lauck 1987, scheme 6).
//
// An entry is linked into the bucket of its time, modulo the wheel's size; one whose time lies
// beyond the horizon stays in its bucket until its round has come. Insert and Remove cost O(1);
// nothing is ever cascaded, and Take works through a bucket in steps, so that a million entries due
// in one second stop nobody. Times are wall-clock seconds: a clock that is set back only makes
// entries wait for it.
//
// An entry is taken at or after its time, within one bucket's width.
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/delivery/queue_entry.h"

namespace ringpost::delivery {

class DueWheel {
 public:
  struct Shape {
    Links Entry::* links;
    uint32_t Entry::* seconds;
    uint32_t bucket_seconds;
    uint32_t buckets;  // a power of two
  };
  DueWheel(EntryPool* pool, const Shape& shape, uint32_t now_seconds);

  void Insert(Slot slot);
  void Remove(Slot slot);  // it was inserted, and its time did not change since
  // Unlinks and returns an entry that is due at `now_seconds`; kNone: none, or `*budget` (entries
  // looked at) is used up, and the caller must come back.
  Slot Take(uint32_t now_seconds, uint32_t* budget);
  // No entry is due before this time; nothing: there is none. May be early, never late.
  std::optional<uint32_t> NextSeconds() const;
  uint64_t size() const { return size_; }
  uint64_t memory_bytes() const {
    return uint64_t{shape_.buckets} * sizeof(uint32_t) + occupied_.size() * sizeof(uint64_t);
  }

 private:
  struct FreeDeleter {
    void operator()(uint32_t* heads) const { std::free(heads); }
  };
  uint32_t TickOf(const Entry& entry) const {
    return entry.*shape_.seconds / shape_.bucket_seconds +
           (entry.*shape_.seconds % shape_.bucket_seconds != 0);
  }
  uint32_t* BucketOf(uint32_t tick) { return &heads_[tick & (shape_.buckets - 1)]; }
  void Link(uint32_t tick, Slot slot);
  void Unlink(uint32_t* head, Slot slot);

  EntryPool* pool_;
  Shape shape_;
  // Slot + 1; 0: empty. From calloc: a page that no entry was ever in costs no memory.
  std::unique_ptr<uint32_t[], FreeDeleter> heads_;
  std::vector<uint64_t> occupied_;  // one bit per bucket that may hold entries
  uint32_t tick_;                   // buckets up to this one are worked off
  uint32_t visiting_ = 0;           // head of the bucket being worked off
  uint64_t size_ = 0;
};

}  // namespace ringpost::delivery
