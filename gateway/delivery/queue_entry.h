// Entry: one message at one recipient domain, as the in-memory schedule knows it. EntryPool: where
// they live.
//
// An entry is of fixed size, whatever the message: addresses, bodies and replies stay in the spool.
// A message to three domains has three entries, linked as its siblings; those that share a next hop
// are delivered in one transaction all the same. So a domain is held back, or sent another way,
// entry by entry, with no entry that is half concerned.
//
// Slots are numbers and stay valid while the entry lives. Blocks of kBlockEntries are allocated
// whole, never moved (a growing queue copies nothing) and freed when empty.
//
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/message_id.h"

namespace ringpost::delivery {

using Slot = uint32_t;
using SiteId = uint32_t;
using DomainId = uint32_t;
inline constexpr uint32_t kNone = UINT32_MAX;

enum class EntryState : uint8_t {
  kFree,
  kWaiting,  // in the due wheel
  kReady,    // in the ready list of its site
  kParked,   // its domain is suspended or its site asked for, or was until just now
  kInHand,   // taken: being delivered, expired or changed; in no list
  kHeld,     // by an operator; never due, never expires
};

enum EntryFlag : uint8_t {
  kAllRecipients = 1,  // its open recipients are first_recipient and the recipients - 1 that follow
  kWantsDelayNotice = 2,
  kHeldRows = 4,    // its recipients are stored as held
  kRetryAsked = 8,  // while it was in hand: where that ends in waiting, it is ready at once instead
  kBulk = 16,       // of the lane that gives way: see ready_queues.h
};

struct Links {
  Slot previous = kNone;
  Slot next = kNone;
};

// Entries linked by their `order`.
struct SlotList {
  Slot head = kNone;
  Slot tail = kNone;
};

struct Entry {
  MessageId id;
  Links order;           // due wheel, ready list or parked list, by state
  Links expiry;          // deadline wheel, unless held
  Slot chain = kNone;    // of the index, while this entry stands for its message there
  Slot sibling = kNone;  // the next entry of the same message, in a ring
  DomainId domain = kNone;
  uint32_t turn = kNone;  // kReady: whose list it is in (ready_queues.h)
  uint32_t account = 0;   // whose turn it is; 0: the operator's own
  uint32_t sender_hash = 0;
  uint32_t due_seconds = 0;  // since 1970; rounded up
  uint32_t deadline_seconds = 0;
  uint32_t bytes = 0;  // of the message; UINT32_MAX: that or more
  uint32_t first_recipient = 0;
  uint32_t recipients = 0;  // still open
  uint32_t cookie = kNone;  // free for the session: the message's place while it is in memory
  uint16_t attempts = 0;
  uint16_t reply_code = 0;  // of the last attempt
  EntryState state = EntryState::kFree;
  uint8_t flags = 0;
  uint8_t enhanced[2] = {0, 0};  // subject and detail of the last attempt's enhanced code
};
static_assert(sizeof(Entry) <= 88, "the budget of a queued recipient is 200 bytes in all");

class EntryPool {
 public:
  static constexpr uint32_t kBlockBits = 12;
  static constexpr uint32_t kBlockEntries = 1u << kBlockBits;

  Slot Allocate();
  void Free(Slot slot);
  Entry& operator[](Slot slot) { return blocks_[slot >> kBlockBits]->entries[slot & kMask]; }
  const Entry& operator[](Slot slot) const {
    return blocks_[slot >> kBlockBits]->entries[slot & kMask];
  }
  // For walks over everything: slots are below this; Live says which are in use.
  Slot slot_limit() const { return static_cast<Slot>(blocks_.size()) << kBlockBits; }
  bool Live(Slot slot) const {
    const auto& block = blocks_[slot >> kBlockBits];
    return block && block->entries[slot & kMask].state != EntryState::kFree;
  }
  uint64_t size() const { return size_; }
  uint64_t memory_bytes() const;

  void Append(SlotList* list, Slot slot);
  void Prepend(SlotList* list, Slot slot);
  void Unlink(SlotList* list, Slot slot);

 private:
  static constexpr uint32_t kMask = kBlockEntries - 1;
  struct Block {
    Entry entries[kBlockEntries];
    uint32_t free_head = kNone;  // slots freed, linked by `chain`
    uint32_t fresh = 0;          // entries from here on were never used
    uint32_t used = 0;
  };

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<uint32_t> with_room_;  // numbers of blocks that may have a free entry
  std::vector<uint32_t> missing_;    // numbers of blocks that were freed
  uint64_t size_ = 0;
};

}  // namespace ringpost::delivery
