// IdIndex: from a message id to its first entry.
//
// Linear hashing (Litwin 1980): buckets are chains through Entry::chain, and one bucket is split or
// merged per insertion or removal. So the table never stops to rehash, and costs 4 bytes per
// message.
//
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/delivery/queue_entry.h"

namespace ringpost::delivery {

class IdIndex {
 public:
  explicit IdIndex(EntryPool* pool);

  void Insert(Slot slot);  // its id is not in the index
  void Remove(Slot slot);  // it is
  Slot Find(const MessageId& id) const;
  uint64_t memory_bytes() const;

 private:
  static constexpr uint32_t kSegmentBits = 12;
  static constexpr uint32_t kSegmentBuckets = 1u << kSegmentBits;
  static constexpr uint32_t kBucketsMin = 64;
  struct Segment {
    Slot heads[kSegmentBuckets];
  };

  uint32_t BucketOf(const MessageId& id) const;
  Slot& Head(uint32_t bucket) const {
    return segments_[bucket >> kSegmentBits]->heads[bucket & (kSegmentBuckets - 1)];
  }
  void Push(uint32_t bucket, Slot slot);
  void Grow();
  void Shrink();

  EntryPool* pool_;
  std::vector<std::unique_ptr<Segment>> segments_;
  uint32_t buckets_ = kBucketsMin;  // of which the low ones are split already:
  uint32_t round_ = kBucketsMin;    // a power of two, round_ <= buckets_ < 2 * round_
  uint64_t messages_ = 0;
};

}  // namespace ringpost::delivery
