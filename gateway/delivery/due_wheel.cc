#include "gateway/delivery/due_wheel.h"

#include <bit>

#include "gateway/base/check.h"

namespace ringpost::delivery {

DueWheel::DueWheel(EntryPool* pool, const Shape& shape, uint32_t now_seconds)
    : pool_(pool),
      shape_(shape),
      heads_(static_cast<uint32_t*>(std::calloc(shape.buckets, sizeof(uint32_t)))),
      occupied_(shape.buckets / 64),
      tick_(now_seconds / shape.bucket_seconds) {
  RP_CHECK(heads_ && shape.buckets >= 64 && (shape.buckets & (shape.buckets - 1)) == 0);
}

std::optional<uint32_t> DueWheel::NextSeconds() const {
  if (size_ == 0) return std::nullopt;
  if (visiting_ != 0) return tick_ * shape_.bucket_seconds;
  for (uint32_t ahead = 1; ahead <= shape_.buckets;) {
    uint32_t bucket = (tick_ + ahead) & (shape_.buckets - 1);
    uint64_t word = occupied_[bucket / 64] >> (bucket % 64);
    if (word != 0) {
      ahead += static_cast<uint32_t>(std::countr_zero(word));
      return (tick_ + ahead) * shape_.bucket_seconds;
    }
    ahead += 64 - bucket % 64;
  }
  return std::nullopt;
}

void DueWheel::Link(uint32_t tick, Slot slot) {
  uint32_t* head = BucketOf(tick);
  uint32_t bucket = tick & (shape_.buckets - 1);
  occupied_[bucket / 64] |= uint64_t{1} << (bucket % 64);
  Links& links = (*pool_)[slot].*shape_.links;
  links.previous = kNone;
  links.next = *head - 1;  // 0 - 1 is kNone
  if (*head != 0) ((*pool_)[*head - 1].*shape_.links).previous = slot;
  *head = slot + 1;
}

void DueWheel::Unlink(uint32_t* head, Slot slot) {
  Links& links = (*pool_)[slot].*shape_.links;
  if (links.next != kNone) ((*pool_)[links.next].*shape_.links).previous = links.previous;
  if (links.previous != kNone) {
    ((*pool_)[links.previous].*shape_.links).next = links.next;
  } else if (visiting_ == slot + 1) {
    visiting_ = links.next + 1;
  } else {
    RP_CHECK(*head == slot + 1);
    *head = links.next + 1;
  }
  links = Links();
}

void DueWheel::Insert(Slot slot) {
  uint32_t tick = TickOf((*pool_)[slot]);
  // What is due already joins the next bucket, and the time it was filed under is what Remove goes
  // by.
  if (tick <= tick_) {
    (*pool_)[slot].*shape_.seconds = (tick_ + 1) * shape_.bucket_seconds;
    tick = tick_ + 1;
  }
  Link(tick, slot);
  ++size_;
}

void DueWheel::Remove(Slot slot) {
  Unlink(BucketOf(TickOf((*pool_)[slot])), slot);
  --size_;
}

Slot DueWheel::Take(uint32_t now_seconds, uint32_t* budget) {
  uint32_t target = now_seconds / shape_.bucket_seconds;
  if (visiting_ == 0 && target < tick_) tick_ = target;
  if (visiting_ == 0 && target - tick_ > shape_.buckets) tick_ = target - shape_.buckets;
  while (*budget > 0) {
    while (visiting_ != 0 && *budget > 0) {
      --*budget;
      Slot slot = visiting_ - 1;
      uint32_t tick = TickOf((*pool_)[slot]);
      Unlink(nullptr, slot);
      if (tick <= target) {
        --size_;
        return slot;
      }
      Link(tick, slot);  // another round
    }
    if (visiting_ != 0 || tick_ >= target) return kNone;
    uint32_t* bucket = BucketOf(++tick_);
    visiting_ = *bucket;
    *bucket = 0;
    uint32_t number = tick_ & (shape_.buckets - 1);
    occupied_[number / 64] &= ~(uint64_t{1} << (number % 64));
  }
  return kNone;
}

}  // namespace ringpost::delivery
