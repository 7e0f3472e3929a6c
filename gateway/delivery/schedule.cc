#include "gateway/delivery/schedule.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::delivery {
namespace {

// One second by 36 hours: a wait longer than that goes round once more.
constexpr DueWheel::Shape kDueShape = {&Entry::order, &Entry::due_seconds, 1, 1u << 17};
// One minute by eleven days.
constexpr DueWheel::Shape kExpiryShape = {&Entry::expiry, &Entry::deadline_seconds, 60, 1u << 14};

uint32_t FloorSeconds(WallTime time) {
  int64_t ms = std::max<int64_t>(ToMillis(time), 0);
  return static_cast<uint32_t>(std::min<int64_t>(ms / 1000, UINT32_MAX - 3600));
}

uint32_t CeilSeconds(WallTime time) { return FloorSeconds(time + Millis(999)); }

}  // namespace

uint32_t SenderHash(std::string_view reverse_path) {
  uint64_t hash = std::hash<std::string_view>()(reverse_path);
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

Schedule::Schedule(WallTime now, RouteFn route)
    : index_(&pool_),
      due_(&pool_, kDueShape, FloorSeconds(now)),
      expiry_(&pool_, kExpiryShape, FloorSeconds(now)),
      route_(std::move(route)),
      ready_(&pool_),
      now_seconds_(FloorSeconds(now)) {}

SiteId Schedule::AddSite() {
  if (!free_sites_.empty()) {
    SiteId site = free_sites_.back();
    free_sites_.pop_back();
    return site;
  }
  is_touched_.push_back(false);
  return static_cast<SiteId>(is_touched_.size() - 1);
}

bool Schedule::SiteUnused(SiteId site) const {
  return domains_.UsesOfSite(site) == 0 && ready(site) == 0 && !is_touched_[site];
}

void Schedule::RemoveSite(SiteId site) {
  RP_CHECK(SiteUnused(site));
  free_sites_.push_back(site);
}

void Schedule::Settle(std::string_view name, SiteId site, WallTime until, bool good_meanwhile) {
  if (!Asks(name)) return;
  RP_CHECK(site < is_touched_.size());
  DomainId id = domains_.Find(name);
  Domain& domain = domains_[id];
  domain.asked = false;
  domain.good_meanwhile = good_meanwhile;
  domains_.SetSite(id, site, FloorSeconds(until));
  if (!domain.suspended) ReleaseParked(&domain);
}

bool Schedule::Asks(std::string_view name) const {
  DomainId id = domains_.Find(name);
  return id != kNone && domains_[id].asked;
}

SiteId Schedule::LastSiteOf(std::string_view name) const {
  DomainId id = domains_.Find(name);
  return id == kNone ? kNone : domains_[id].site;
}

Slot Schedule::Add(const NewEntry& fresh, WallTime now) {
  now_seconds_ = FloorSeconds(now);
  Slot slot = pool_.Allocate();
  Entry& entry = pool_[slot];
  entry.id = fresh.id;
  entry.domain = domains_.Intern(fresh.domain);
  entry.account = fresh.account;
  entry.sender_hash = fresh.sender_hash;
  entry.deadline_seconds = CeilSeconds(fresh.deadline);
  entry.bytes = static_cast<uint32_t>(std::min<uint64_t>(fresh.bytes, UINT32_MAX));
  entry.first_recipient = fresh.first_recipient;
  entry.recipients = fresh.recipients;
  entry.attempts = fresh.attempts;
  entry.reply_code = fresh.reply_code;
  entry.enhanced[0] = fresh.enhanced[0];
  entry.enhanced[1] = fresh.enhanced[1];
  entry.flags = fresh.flags;
  entry.state = EntryState::kInHand;
  Slot first = index_.Find(fresh.id);
  if (first == kNone) {
    entry.sibling = slot;
    index_.Insert(slot);
  } else {
    entry.sibling = pool_[first].sibling;
    pool_[first].sibling = slot;
  }
  expiry_.Insert(slot);
  if (fresh.held) {
    Hold(slot);
  } else if (fresh.due <= now) {
    entry.due_seconds = FloorSeconds(now);
    PushReady(slot, false);
  } else {
    Defer(slot, fresh.due);
  }
  return slot;
}

void Schedule::Remove(Slot slot) {
  Entry& entry = pool_[slot];
  bool held = entry.state == EntryState::kHeld;
  Detach(slot);
  if (!held) expiry_.Remove(slot);
  UnlinkSibling(slot);
  domains_.DropUse(entry.domain);
  pool_.Free(slot);
}

void Schedule::UnlinkSibling(Slot slot) {
  Entry& entry = pool_[slot];
  bool first = index_.Find(entry.id) == slot;
  if (entry.sibling == slot) {
    index_.Remove(slot);
    return;
  }
  Slot before = entry.sibling;
  while (pool_[before].sibling != slot) before = pool_[before].sibling;
  pool_[before].sibling = entry.sibling;
  if (first) {
    index_.Remove(slot);
    index_.Insert(entry.sibling);
  }
}

Slot Schedule::Split(Slot slot, uint32_t recipients) {
  RP_CHECK(pool_[slot].state == EntryState::kInHand && recipients < pool_[slot].recipients);
  Slot second = pool_.Allocate();
  Entry& entry = pool_[slot];
  Entry& part = pool_[second];
  part = entry;
  part.chain = kNone;
  part.order = part.expiry = Links();
  part.recipients = recipients;
  entry.recipients -= recipients;
  // Which recipients are whose is known to whoever splits; in the spool's terms it is told by
  // attempts.
  part.flags &= static_cast<uint8_t>(~kAllRecipients);
  entry.flags &= static_cast<uint8_t>(~kAllRecipients);
  entry.sibling = second;
  domains_.AddUse(part.domain);
  expiry_.Insert(second);
  return second;
}

Slot Schedule::PopReady(SiteId site) {
  for (uint32_t looked = 0; looked < limits::kQueueStepEntriesMax; ++looked) {
    Slot slot = ready_.Pop(site);
    if (slot == kNone) return kNone;
    pool_[slot].state = EntryState::kInHand;
    if (!domains_[pool_[slot].domain].suspended && SiteOf(slot) == site) return slot;
    PushReady(slot, false);  // parks it, or sends it where it belongs now
  }
  if (ready(site) > 0) Touch(site);
  return kNone;
}

void Schedule::TakeSiblings(Slot slot, std::vector<Slot>* siblings) {
  SiteId site = SiteOf(slot);
  if (site == kNone) return;
  for (Slot other = pool_[slot].sibling; other != slot; other = pool_[other].sibling) {
    if (pool_[other].state != EntryState::kReady || domains_[pool_[other].domain].suspended)
      continue;
    if (SiteOf(other) != site) continue;
    Detach(other);
    siblings->push_back(other);
  }
}

std::string_view Schedule::FrontDomain(SiteId site) const {
  Slot slot = ready_.Front(site);
  return slot == kNone ? std::string_view() : domains_[pool_[slot].domain].name;
}

bool Schedule::Take(Slot slot) {
  if (pool_[slot].state == EntryState::kInHand) return false;
  bool held = pool_[slot].state == EntryState::kHeld;
  Detach(slot);
  if (held) expiry_.Insert(slot);
  return true;
}

void Schedule::Defer(Slot slot, WallTime due) {
  Entry& entry = pool_[slot];
  RP_CHECK(entry.state == EntryState::kInHand);
  entry.due_seconds = CeilSeconds(due);
  due_.Insert(slot);
  entry.state = EntryState::kWaiting;
}

void Schedule::MakeReady(Slot slot, bool in_front) {
  Detach(slot);
  PushReady(slot, in_front);
}

void Schedule::Hold(Slot slot) {
  Entry& entry = pool_[slot];
  RP_CHECK(entry.state == EntryState::kInHand);
  expiry_.Remove(slot);
  entry.state = EntryState::kHeld;
}

bool Schedule::Advance(WallTime now, uint32_t budget) {
  uint32_t now_seconds = now_seconds_ = FloorSeconds(now);
  bool more = StepResumed(&budget);
  more |= StepReroute(&budget);
  Slot slot;
  while ((slot = due_.Take(now_seconds, &budget)) != kNone) {
    pool_[slot].state = EntryState::kInHand;
    PushReady(slot, false);
  }
  return more || budget == 0;
}

bool Schedule::StepResumed(uint32_t* budget) {
  for (; resumed_.head != kNone && *budget > 0; --*budget) {
    Slot slot = resumed_.head;
    Detach(slot);
    PushReady(slot, false);
  }
  return resumed_.head != kNone;
}

bool Schedule::StepReroute(uint32_t* budget) {
  for (; rerouting_ && *budget > 0; --*budget) {
    Slot slot = ready_.TakeSetAside();
    rerouting_ = slot != kNone;
    if (!rerouting_) break;
    pool_[slot].state = EntryState::kInHand;
    PushReady(slot, false);
  }
  return rerouting_;
}

Slot Schedule::TakeExpired(WallTime now, uint32_t* budget) {
  uint32_t now_seconds = FloorSeconds(now);
  Slot slot;
  while ((slot = expiry_.Take(now_seconds, budget)) != kNone) {
    // It stays linked by deadline while it is in hand, so that whoever has it need not care: Remove
    // and Hold unlink it, and otherwise it comes round again with the next bucket.
    bool in_hand = pool_[slot].state == EntryState::kInHand;
    expiry_.Insert(slot);
    if (in_hand) continue;
    Detach(slot);
    return slot;
  }
  return kNone;
}

std::vector<SiteId> Schedule::TakeTouchedSites() {
  for (SiteId site : touched_) is_touched_[site] = false;
  return std::exchange(touched_, {});
}

void Schedule::SuspendDomain(std::string_view name) {
  DomainId id = domains_.Intern(name);
  if (domains_[id].suspended) {
    domains_.DropUse(id);
    return;
  }
  domains_[id].suspended = true;  // keeps the use
}

void Schedule::ResumeDomain(std::string_view name) {
  DomainId id = domains_.Find(name);
  if (id == kNone || !domains_[id].suspended) return;
  Domain& domain = domains_[id];
  domain.suspended = false;
  if (!domain.asked) ReleaseParked(&domain);
  domains_.DropUse(id);
}

void Schedule::ReleaseParked(Domain* domain) {
  if (domain->parked.head == kNone) return;
  if (resumed_.tail == kNone) {
    resumed_ = domain->parked;
  } else {
    pool_[resumed_.tail].order.next = domain->parked.head;
    pool_[domain->parked.head].order.previous = resumed_.tail;
    resumed_.tail = domain->parked.tail;
  }
  domain->parked = SlotList();
}

void Schedule::Reroute() {
  domains_.ForgetSites();
  ready_.SetAside();
  rerouting_ = true;
}

std::optional<WallTime> Schedule::NextWake() const {
  if (rerouting_ || resumed_.head != kNone) return WallTime();
  auto due = due_.NextSeconds();
  auto expiry = expiry_.NextSeconds();
  if (!due && !expiry) return std::nullopt;
  int64_t seconds = std::min(due.value_or(UINT32_MAX), expiry.value_or(UINT32_MAX));
  return WallFromMillis(seconds * 1000);
}

SiteId Schedule::SiteOfDomain(DomainId id) {
  Domain& domain = domains_[id];
  if (domain.asked) return domain.good_meanwhile ? domain.site : kNone;
  if (domain.site != kNone && now_seconds_ < domain.site_until) return domain.site;
  SiteId site = route_(domain.name);
  if (site == kNone) {
    domain.asked = true;
    return domain.good_meanwhile ? domain.site : kNone;
  }
  RP_CHECK(site < is_touched_.size());
  domains_.SetSite(id, site, UINT32_MAX);
  return site;
}

void Schedule::PushReady(Slot slot, bool in_front) {
  Entry& entry = pool_[slot];
  Domain& domain = domains_[entry.domain];
  SiteId site = domain.suspended ? kNone : SiteOfDomain(entry.domain);
  if (site == kNone) {
    entry.state = EntryState::kParked;
    pool_.Append(&domain.parked, slot);
    return;
  }
  entry.state = EntryState::kReady;
  ready_.Push(slot, site, in_front);
  Touch(site);
}

void Schedule::Touch(SiteId site) {
  if (is_touched_[site]) return;
  is_touched_[site] = true;
  touched_.push_back(site);
}

void Schedule::Detach(Slot slot) {
  Entry& entry = pool_[slot];
  switch (entry.state) {
    case EntryState::kWaiting:
      due_.Remove(slot);
      break;
    case EntryState::kReady:
      ready_.Remove(slot);
      break;
    case EntryState::kParked:
      UnlinkParked(slot);
      break;
    case EntryState::kFree:
    case EntryState::kInHand:
    case EntryState::kHeld:
      break;
  }
  entry.state = EntryState::kInHand;
}

void Schedule::UnlinkParked(Slot slot) {
  // A domain resumed and suspended again has entries in both lists, and only the ends know in
  // which.
  SlotList& parked = domains_[pool_[slot].domain].parked;
  Links& links = pool_[slot].order;
  Slot& head = resumed_.head == slot ? resumed_.head : parked.head;
  Slot& tail = resumed_.tail == slot ? resumed_.tail : parked.tail;
  (links.previous == kNone ? head : pool_[links.previous].order.next) = links.next;
  (links.next == kNone ? tail : pool_[links.next].order.previous) = links.previous;
  links = Links();
}

uint64_t Schedule::memory_bytes() const {
  return pool_.memory_bytes() + index_.memory_bytes() + due_.memory_bytes() +
         expiry_.memory_bytes() + domains_.memory_bytes() + ready_.memory_bytes() +
         is_touched_.capacity() / 8 + touched_.capacity() * sizeof(SiteId);
}

}  // namespace ringpost::delivery
