#include "gateway/reactor/slot_table.h"

#include "gateway/base/check.h"

namespace ringpost::reactor {

Completion::~Completion() { RP_CHECK(!in_flight()); }

SlotTable::~SlotTable() {
  // What is still in flight will never complete: let go of it, so that its owner can be destroyed.
  for (auto& chunk : chunks_) {
    for (uint32_t i = 0; i < kChunkSlots; ++i) {
      if (chunk[i].kind != OpKind::kFree) chunk[i].completion->slot_ = Completion::kNoSlot;
    }
  }
}

uint64_t SlotTable::Acquire(Completion* completion, OpKind kind, int fd) {
  RP_CHECK(!completion->in_flight());
  if (free_ == kNone) AddChunk();
  uint32_t index = free_;
  Slot& slot = At(index);
  free_ = slot.link;
  slot.completion = completion;
  slot.kind = kind;
  slot.fd = fd;
  slot.link = kNone;
  completion->slot_ = index;
  ++in_flight_;
  return uint64_t{slot.generation} << 32 | index;
}

SlotTable::Slot* SlotTable::Find(uint64_t key) {
  auto index = static_cast<uint32_t>(key);
  if (index >= chunks_.size() * kChunkSlots) return nullptr;
  Slot& slot = At(index);
  bool live = slot.kind != OpKind::kFree && slot.generation == key >> 32;
  return live ? &slot : nullptr;
}

void SlotTable::Release(uint64_t key) {
  Slot* slot = Find(key);
  RP_CHECK(slot != nullptr);
  slot->completion->slot_ = Completion::kNoSlot;
  slot->completion = nullptr;
  slot->kind = OpKind::kFree;
  slot->generation = (slot->generation + 1) & kGenerationMask;
  slot->link = free_;
  free_ = static_cast<uint32_t>(key);
  --in_flight_;
}

uint64_t SlotTable::KeyOf(const Completion& completion) const {
  RP_CHECK(completion.in_flight());
  return uint64_t{At(completion.slot_).generation} << 32 | completion.slot_;
}

void SlotTable::AddChunk() {
  auto first = static_cast<uint32_t>(chunks_.size() * kChunkSlots);
  chunks_.push_back(std::make_unique<Slot[]>(kChunkSlots));
  for (uint32_t i = kChunkSlots; i-- > 0;) {
    At(first + i).link = free_;
    free_ = first + i;
  }
}

}  // namespace ringpost::reactor
