#include "gateway/delivery/id_index.h"

#include "gateway/base/check.h"

namespace ringpost::delivery {

IdIndex::IdIndex(EntryPool* pool) : pool_(pool) {
  segments_.push_back(std::make_unique<Segment>());
  for (Slot& head : segments_[0]->heads) head = kNone;
}

uint32_t IdIndex::BucketOf(const MessageId& id) const {
  // The random part deals messages to shards (modulo): mix it, so that one shard's ids fill all
  // buckets.
  uint64_t hash = id.random_part() * 0x9E3779B97F4A7C15u;
  uint32_t bits = static_cast<uint32_t>(hash >> 32);
  uint32_t bucket = bits & (2 * round_ - 1);
  return bucket < buckets_ ? bucket : bits & (round_ - 1);
}

void IdIndex::Push(uint32_t bucket, Slot slot) {
  Slot& head = Head(bucket);
  (*pool_)[slot].chain = head;
  head = slot;
}

void IdIndex::Insert(Slot slot) {
  ++messages_;
  if (messages_ > buckets_) Grow();
  Push(BucketOf((*pool_)[slot].id), slot);
}

void IdIndex::Remove(Slot slot) {
  Slot* at = &Head(BucketOf((*pool_)[slot].id));
  while (*at != slot) {
    RP_CHECK(*at != kNone);
    at = &(*pool_)[*at].chain;
  }
  *at = (*pool_)[slot].chain;
  (*pool_)[slot].chain = kNone;
  --messages_;
  if (buckets_ > kBucketsMin && messages_ < buckets_ / 2) Shrink();
}

Slot IdIndex::Find(const MessageId& id) const {
  Slot slot = Head(BucketOf(id));
  while (slot != kNone && (*pool_)[slot].id != id) slot = (*pool_)[slot].chain;
  return slot;
}

void IdIndex::Grow() {
  uint32_t split = buckets_ - round_;
  if ((buckets_ >> kSegmentBits) == segments_.size()) {
    segments_.push_back(std::make_unique<Segment>());
  }
  Head(buckets_) = kNone;
  ++buckets_;
  Slot slot = Head(split);
  Head(split) = kNone;
  while (slot != kNone) {
    Slot next = (*pool_)[slot].chain;
    Push(BucketOf((*pool_)[slot].id), slot);
    slot = next;
  }
  if (buckets_ == 2 * round_) round_ = buckets_;
}

void IdIndex::Shrink() {
  if (buckets_ == round_) round_ /= 2;
  --buckets_;
  Slot slot = Head(buckets_);
  while (slot != kNone) {
    Slot next = (*pool_)[slot].chain;
    Push(buckets_ - round_, slot);
    slot = next;
  }
  if (buckets_ % kSegmentBuckets == 0) segments_.pop_back();
}

uint64_t IdIndex::memory_bytes() const {
  return segments_.size() * sizeof(Segment) + segments_.capacity() * sizeof(segments_[0]);
}

}  // namespace ringpost::delivery
