// Schedule: the in-memory queue of one home shard: which entries wait until when, which are ready
// for which site, which are held. Sans-IO: the time is an argument, and nothing here knows
// connections or records.
//
// An entry's way: Add -> waiting (a time) or ready (now) -> PopReady: in hand -> Remove, Defer, or
// ReturnReady. Held and expired entries come and go between. What is ready for a site goes by lanes
// and by turns of the accounts (ready_queues.h). Everything costs O(1) whatever the queue's size,
// except walks; hold-back by domain or by site concerns no entry at all.
//
// Deadlines: every entry that is not held is also in a wheel by deadline, wherever else it sits;
// TakeExpired hands it out. An entry in hand is left alone until it comes back.
//
// Memory: about 100 bytes per entry in all; schedule_test measures it.
//
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/delivery/domain_table.h"
#include "gateway/delivery/due_wheel.h"
#include "gateway/delivery/id_index.h"
#include "gateway/delivery/queue_entry.h"
#include "gateway/delivery/ready_queues.h"

namespace ringpost::delivery {

struct NewEntry {
  MessageId id;
  std::string_view domain;  // a routing key
  uint32_t account = 0;     // whose it is
  uint32_t sender_hash = 0;
  WallTime due;
  WallTime deadline;
  uint64_t bytes = 0;
  uint32_t first_recipient = 0;
  uint32_t recipients = 0;
  uint16_t attempts = 0;
  uint16_t reply_code = 0;
  uint8_t enhanced[2] = {0, 0};
  uint8_t flags = 0;
  bool held = false;
};

class Schedule {
 public:
  // `route` answers which site a domain goes to: one made known with AddSite (a site without next
  // hops where there is no route), or kNone: it is not known yet, and Settle will say it. Until
  // then the domain's entries are parked. Called on the first use of a domain, again when what was
  // settled is no longer good, and after Reroute.
  using RouteFn = std::function<SiteId(std::string_view domain)>;
  Schedule(WallTime now, RouteFn route);
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  SiteId AddSite();
  // No domain goes there, and nothing is ready for it; RemoveSite may be called.
  bool SiteUnused(SiteId site) const;
  // The number is given again by AddSite.
  void RemoveSite(SiteId site);
  // What `route` was asked and did not know. Nothing happens where nobody waits for it any more.
  // `good_meanwhile`: when it is asked for again, the domain's mail goes there until it is known.
  void Settle(std::string_view domain, SiteId site, WallTime until, bool good_meanwhile);
  // The domain is one that Settle may be called for.
  bool Asks(std::string_view domain) const;
  // The site that was known of it last; kNone: none.
  SiteId LastSiteOf(std::string_view domain) const;

  // A new entry; ready at once where it is due. Where the message has entries already, it joins
  // them.
  Slot Add(const NewEntry& entry, WallTime now);
  // From any state.
  void Remove(Slot slot);

  // The entry of `site` whose turn it is, in hand now; kNone: none, or too many of those that come
  // first go elsewhere by now: the site is touched then.
  Slot PopReady(SiteId site);
  // Takes in hand the other entries of the same message that are ready for the same site.
  void TakeSiblings(Slot slot, std::vector<Slot>* siblings);
  // Takes in hand an entry that waits, is ready, parked or held. False: it is in hand already.
  bool Take(Slot slot);
  // In hand -> waiting until `due`.
  void Defer(Slot slot, WallTime due);
  // In hand or waiting -> ready, in front or behind of what its account has ready already.
  void MakeReady(Slot slot, bool in_front);
  // In hand -> held.
  void Hold(Slot slot);
  // In hand: a second entry of the same message and domain, in hand too, that takes over
  // `recipients` of its open recipients.
  Slot Split(Slot slot, uint32_t recipients);

  // Moves what is due, resumed or routed anew to the ready lists, looking at no more than `budget`
  // entries. True: there is more; call again in the next turn.
  bool Advance(WallTime now, uint32_t budget);
  // An entry past its deadline, in hand now; kNone: none, or the budget is used up (then *budget is
  // 0).
  Slot TakeExpired(WallTime now, uint32_t* budget);
  // The sites that got ready entries since they were last returned.
  std::vector<SiteId> TakeTouchedSites();
  bool touched() const { return !touched_.empty(); }

  void SuspendDomain(std::string_view domain);
  void ResumeDomain(std::string_view domain);
  // Routes are new: what is ready is dealt to sites again, in steps, by Advance.
  void Reroute();

  // Any entry of the message; the others follow by sibling, in a ring. kNone: not in the queue.
  Slot Find(const MessageId& id) const { return index_.Find(id); }
  Entry& operator[](Slot slot) { return pool_[slot]; }
  const Entry& operator[](Slot slot) const { return pool_[slot]; }
  const Domain& domain(DomainId id) const { return domains_[id]; }
  // kNone: it is not known yet.
  SiteId SiteOf(Slot slot) { return SiteOfDomain(pool_[slot].domain); }
  // What is known of it, without asking: for walks.
  SiteId KnownSiteOf(Slot slot) const { return domains_[pool_[slot].domain].site; }
  // For walks: every slot below this, where Live.
  Slot slot_limit() const { return pool_.slot_limit(); }
  bool Live(Slot slot) const { return pool_.Live(slot); }

  uint64_t size() const { return pool_.size(); }
  // Of what is ready for the site: the domain of one that is about to go, for reports. Empty: none.
  std::string_view FrontDomain(SiteId site) const;
  uint32_t ready(SiteId site) const { return ready_.count(site); }
  // When Advance and TakeExpired must be called next; nothing: no entry waits for a time. May be
  // early.
  std::optional<WallTime> NextWake() const;
  uint64_t memory_bytes() const;

 private:
  SiteId SiteOfDomain(DomainId id);
  void ReleaseParked(Domain* domain);
  void PushReady(Slot slot, bool in_front);
  void Touch(SiteId site);
  void Detach(Slot slot);  // from the list of its state
  void UnlinkParked(Slot slot);
  void UnlinkSibling(Slot slot);
  bool StepResumed(uint32_t* budget);
  bool StepReroute(uint32_t* budget);

  EntryPool pool_;
  IdIndex index_;
  DueWheel due_;
  DueWheel expiry_;
  DomainTable domains_;
  RouteFn route_;
  ReadyQueues ready_;
  // By site: it got something since it was last returned. Whatever asks for a domain's site may add
  // one.
  std::vector<bool> is_touched_;
  std::vector<SiteId> free_sites_;
  std::vector<SiteId> touched_;
  uint32_t now_seconds_;  // of the last call that had the time
  // Entries (kParked) whose domain was resumed or settled, on their way to ready lists.
  SlotList resumed_;
  bool rerouting_ = false;
};

// Of a reverse-path, for filters: see Entry::sender_hash.
uint32_t SenderHash(std::string_view reverse_path);

}  // namespace ringpost::delivery
