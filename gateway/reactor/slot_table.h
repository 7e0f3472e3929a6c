// SlotTable: which Completion an operation in flight belongs to.
//
// What the kernel gives back with a completion is a key: slot number and generation, not a pointer.
// A completion that comes after its slot was freed (a late notification, a cancel that lost its
// race) finds another generation there and is ignored, where a pointer would be a use after free.
//
// Threads: the shard's own. Memory: 24 bytes per operation in flight, in chunks that never move;
// freed slots are used again, last freed first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/reactor/io.h"

namespace ringpost::reactor {

enum class OpKind : uint8_t { kFree, kAccept, kConnect, kReceive, kSend, kParked, kDeferred };

class SlotTable {
 public:
  struct Slot {
    Completion* completion = nullptr;
    uint32_t generation = 0;
    int32_t fd = -1;
    uint32_t link = UINT32_MAX;  // next free or parked slot, or the operation's record
    OpKind kind = OpKind::kFree;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  // Keys use the low 62 bits; the two above are the ring's (user_data of its own requests).
  static constexpr uint64_t kKeyMask = (uint64_t{1} << 62) - 1;

  SlotTable() = default;
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // Puts `completion` in flight; it must not be.
  uint64_t Acquire(Completion* completion, OpKind kind, int fd);
  // Null where that operation is over.
  Slot* Find(uint64_t key);
  // The operation is over: `completion` may be used again or freed.
  void Release(uint64_t key);
  // The key of what is in flight.
  uint64_t KeyOf(const Completion& completion) const;
  size_t in_flight() const { return in_flight_; }

 private:
  static constexpr uint32_t kChunkSlots = 1024;
  static constexpr uint32_t kGenerationMask = (uint32_t{1} << 30) - 1;
  Slot& At(uint32_t index) { return chunks_[index / kChunkSlots][index % kChunkSlots]; }
  const Slot& At(uint32_t index) const { return chunks_[index / kChunkSlots][index % kChunkSlots]; }
  void AddChunk();

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  uint32_t free_ = kNone;
  size_t in_flight_ = 0;
};

}  // namespace ringpost::reactor
