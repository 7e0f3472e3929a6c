// ReadyQueues: what is ready for each site, and in which order it goes: by lane, and within a lane
// by turn of the accounts.
//
// Of the two lanes the transactional one goes first: a password that is to be reset does not wait
// behind a newsletter. Every kBulkEvery-th entry is of the bulk lane, where there is one, so that
// it goes on whatever the other brings.
//
// In a lane each account that has something ready has one entry sent, then the next account has:
// who brings a million messages waits for them himself. An account's entries go in the order in
// which they became ready.
//
//   site -> lane -> ring of turns (one for an account) -> list of entries
//
// A turn is there while it has entries. Everything is O(1) but SetAside, which is O(turns).
//
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/delivery/queue_entry.h"

namespace ringpost::delivery {

class ReadyQueues {
 public:
  static constexpr uint32_t kBulkEvery = 8;

  explicit ReadyQueues(EntryPool* pool) : pool_(pool) {}

  // Of an entry that is in no list. By its account and its kBulk flag; `in_front`: of what its
  // account has, and its account's turn is the next one where it had none.
  void Push(Slot slot, SiteId site, bool in_front);
  // Takes the one whose turn it is; kNone: there is none.
  Slot Pop(SiteId site);
  // The one that Pop would take, where it takes from the lane that goes first; kNone: none.
  Slot Front(SiteId site) const;
  // From wherever it is in here.
  void Remove(Slot slot);
  uint32_t count(SiteId site) const { return site < sites_.size() ? sites_[site].count : 0; }

  // Nothing is ready for any site any more: all of it waits to be taken by TakeSetAside, and to be
  // pushed where it belongs now.
  void SetAside();
  // kNone: nothing is set aside any more.
  Slot TakeSetAside();

  uint64_t memory_bytes() const;

 private:
  using TurnId = uint32_t;
  struct Turn {
    SlotList entries;
    uint64_t key = 0;
    TurnId next = kNone, previous = kNone;  // in its lane's ring; of free ones: `next` alone
    bool aside = false;
  };
  // The turn that is next; kNone: the lane is empty.
  using Lane = TurnId;
  struct Site {
    Lane transactional = kNone, bulk = kNone;
    uint32_t count = 0;
    uint32_t since_bulk = 0;
  };
  static uint64_t KeyOf(SiteId site, const Entry& entry) {
    return uint64_t{site} << 33 | uint64_t{(entry.flags & kBulk) != 0} << 32 | entry.account;
  }
  static SiteId SiteOf(uint64_t key) { return static_cast<SiteId>(key >> 33); }
  Lane* LaneOf(uint64_t key);
  TurnId AddTurn(uint64_t key, bool in_front);
  void RemoveTurn(TurnId id);
  void LeaveRing(Lane* lane, TurnId id);

  EntryPool* pool_;
  std::vector<Site> sites_;
  std::vector<Turn> turns_;
  TurnId free_ = kNone;
  absl::flat_hash_map<uint64_t, TurnId> ids_;  // of those that are not set aside
  Lane aside_ = kNone;
};

}  // namespace ringpost::delivery
