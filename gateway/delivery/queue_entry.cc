#include "gateway/delivery/queue_entry.h"

#include "gateway/base/check.h"

namespace ringpost::delivery {

Slot EntryPool::Allocate() {
  if (with_room_.empty()) {
    uint32_t number;
    if (missing_.empty()) {
      number = static_cast<uint32_t>(blocks_.size());
      blocks_.emplace_back();
    } else {
      number = missing_.back();
      missing_.pop_back();
    }
    blocks_[number] = std::make_unique<Block>();
    with_room_.push_back(number);
  }
  uint32_t number = with_room_.back();
  Block& block = *blocks_[number];
  uint32_t at = block.free_head;
  if (at != kNone) {
    block.free_head = block.entries[at].chain;
  } else {
    at = block.fresh++;
  }
  if (++block.used == kBlockEntries) with_room_.pop_back();
  ++size_;
  block.entries[at] = Entry();
  return number << kBlockBits | at;
}

void EntryPool::Free(Slot slot) {
  uint32_t number = slot >> kBlockBits;
  Block& block = *blocks_[number];
  Entry& entry = block.entries[slot & kMask];
  RP_CHECK(entry.state != EntryState::kFree);
  entry.state = EntryState::kFree;
  entry.chain = block.free_head;
  block.free_head = slot & kMask;
  --size_;
  if (block.used-- == kBlockEntries) with_room_.push_back(number);
  // One block with room is kept, so that a queue around a block's edge does not allocate each time.
  if (block.used == 0 && with_room_.size() > 1) {
    std::erase(with_room_, number);
    blocks_[number].reset();
    missing_.push_back(number);
  }
}

void EntryPool::Append(SlotList* list, Slot slot) {
  Links& links = (*this)[slot].order;
  links.previous = list->tail;
  links.next = kNone;
  (list->tail == kNone ? list->head : (*this)[list->tail].order.next) = slot;
  list->tail = slot;
}

void EntryPool::Prepend(SlotList* list, Slot slot) {
  Links& links = (*this)[slot].order;
  links.previous = kNone;
  links.next = list->head;
  (list->head == kNone ? list->tail : (*this)[list->head].order.previous) = slot;
  list->head = slot;
}

void EntryPool::Unlink(SlotList* list, Slot slot) {
  Links& links = (*this)[slot].order;
  (links.previous == kNone ? list->head : (*this)[links.previous].order.next) = links.next;
  (links.next == kNone ? list->tail : (*this)[links.next].order.previous) = links.previous;
  links = Links();
}

uint64_t EntryPool::memory_bytes() const {
  uint64_t bytes = (blocks_.capacity() * sizeof(blocks_[0]));
  bytes += (with_room_.capacity() + missing_.capacity()) * sizeof(uint32_t);
  return bytes + (blocks_.size() - missing_.size()) * sizeof(Block);
}

}  // namespace ringpost::delivery
