#include "gateway/delivery/ready_queues.h"

#include "gateway/base/check.h"

namespace ringpost::delivery {

static_assert(kNone >= 1u << 31, "a site's number and its lane share 32 bits of a key");

ReadyQueues::Lane* ReadyQueues::LaneOf(uint64_t key) {
  Site& site = sites_[SiteOf(key)];
  return (key >> 32 & 1) ? &site.bulk : &site.transactional;
}

void ReadyQueues::Push(Slot slot, SiteId site, bool in_front) {
  RP_CHECK(site < 1u << 31);
  if (site >= sites_.size()) sites_.resize(site + 1);
  Entry& entry = (*pool_)[slot];
  const uint64_t key = KeyOf(site, entry);
  auto found = ids_.find(key);
  TurnId id = found == ids_.end() ? AddTurn(key, in_front) : found->second;
  entry.turn = id;
  if (in_front) {
    pool_->Prepend(&turns_[id].entries, slot);
  } else {
    pool_->Append(&turns_[id].entries, slot);
  }
  ++sites_[site].count;
}

ReadyQueues::TurnId ReadyQueues::AddTurn(uint64_t key, bool in_front) {
  TurnId id = free_;
  if (id == kNone) {
    id = static_cast<TurnId>(turns_.size());
    turns_.emplace_back();
  } else {
    free_ = turns_[id].next;
  }
  Turn& turn = turns_[id];
  turn = Turn{.key = key};
  Lane* lane = LaneOf(key);
  if (*lane == kNone) {
    turn.next = turn.previous = id;
    *lane = id;
  } else {
    // In front of the next one is behind all others.
    turn.next = *lane;
    turn.previous = turns_[*lane].previous;
    turns_[turn.previous].next = turns_[turn.next].previous = id;
    if (in_front) *lane = id;
  }
  ids_.emplace(key, id);
  return id;
}

void ReadyQueues::LeaveRing(Lane* lane, TurnId id) {
  Turn& turn = turns_[id];
  if (turn.next == id) {
    *lane = kNone;
    return;
  }
  turns_[turn.previous].next = turn.next;
  turns_[turn.next].previous = turn.previous;
  if (*lane == id) *lane = turn.next;
}

void ReadyQueues::RemoveTurn(TurnId id) {
  Turn& turn = turns_[id];
  LeaveRing(turn.aside ? &aside_ : LaneOf(turn.key), id);
  if (!turn.aside) ids_.erase(turn.key);
  turn.next = free_;
  free_ = id;
}

void ReadyQueues::Remove(Slot slot) {
  TurnId id = (*pool_)[slot].turn;
  Turn& turn = turns_[id];
  pool_->Unlink(&turn.entries, slot);
  if (!turn.aside) --sites_[SiteOf(turn.key)].count;
  if (turn.entries.head == kNone) RemoveTurn(id);
}

Slot ReadyQueues::Pop(SiteId number) {
  if (count(number) == 0) return kNone;
  Site& site = sites_[number];
  bool bulk = site.transactional == kNone;
  if (!bulk && site.bulk != kNone) bulk = ++site.since_bulk >= kBulkEvery;
  if (bulk) site.since_bulk = 0;
  Lane* lane = bulk ? &site.bulk : &site.transactional;
  Slot slot = turns_[*lane].entries.head;
  *lane = turns_[*lane].next;
  Remove(slot);
  return slot;
}

Slot ReadyQueues::Front(SiteId number) const {
  if (count(number) == 0) return kNone;
  const Site& site = sites_[number];
  return turns_[site.transactional != kNone ? site.transactional : site.bulk].entries.head;
}

void ReadyQueues::SetAside() {
  for (Site& site : sites_) {
    for (Lane* lane : {&site.transactional, &site.bulk}) {
      while (*lane != kNone) {
        TurnId id = *lane;
        LeaveRing(lane, id);
        Turn& turn = turns_[id];
        ids_.erase(turn.key);
        turn.aside = true;
        if (aside_ == kNone) {
          turn.next = turn.previous = aside_ = id;
          continue;
        }
        turn.next = aside_;
        turn.previous = turns_[aside_].previous;
        turns_[turn.previous].next = turns_[aside_].previous = id;
      }
    }
    site.count = 0;
  }
}

Slot ReadyQueues::TakeSetAside() {
  if (aside_ == kNone) return kNone;
  Slot slot = turns_[aside_].entries.head;
  Remove(slot);
  return slot;
}

uint64_t ReadyQueues::memory_bytes() const {
  return sites_.capacity() * sizeof(Site) + turns_.capacity() * sizeof(Turn) +
         ids_.capacity() * (sizeof(std::pair<uint64_t, TurnId>) + 1);
}

}  // namespace ringpost::delivery
