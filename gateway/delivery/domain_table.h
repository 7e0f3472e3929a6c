// DomainTable: the recipient domains of the queue, interned, with the site each is routed to.
//
// A site may be known for a time only, or be asked for and not known yet: then `asked`, and the
// site is what it was before, if anything.
//
// A domain lives while entries or a suspension use it; of those that no one uses, the ones used
// last are kept for the next message (limits::kIdleDomainsKeptMax), so that a hostile list of
// domains neither stays in memory nor keeps out those that are written to every day.
//
// Threads: one shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/delivery/queue_entry.h"

namespace ringpost::delivery {

struct Domain {
  std::string name;                  // a routing key: see smtp::DomainKey
  SiteId site = kNone;               // kNone: not known
  uint32_t site_until = UINT32_MAX;  // seconds since 1970; then it is asked for again
  uint32_t uses = 0;
  bool suspended = false;
  bool asked = false;
  bool good_meanwhile = false;  // `site`, while it is asked for again
  SlotList parked;  // entries that were ready while it was suspended, or its site was asked for
  // While no one uses it: the idle ones before and after it, in the order in which they came to it.
  DomainId idle_before = kNone, idle_after = kNone;
};

class DomainTable {
 public:
  // Adds a use.
  DomainId Intern(std::string_view name);
  void AddUse(DomainId id) { ++domains_[id].uses; }
  void DropUse(DomainId id);
  // kNone: no such domain.
  DomainId Find(std::string_view name) const;
  Domain& operator[](DomainId id) { return domains_[id]; }
  const Domain& operator[](DomainId id) const { return domains_[id]; }
  void SetSite(DomainId id, SiteId site, uint32_t until_seconds);
  // How many domains have this site.
  uint32_t UsesOfSite(SiteId site) const { return site < site_uses_.size() ? site_uses_[site] : 0; }
  // Routes are new: every domain is asked about again.
  void ForgetSites();
  uint64_t size() const { return ids_.size(); }
  uint64_t memory_bytes() const;

 private:
  struct Hash {
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void BeIdle(DomainId id);
  void BeUsed(DomainId id);
  void Remove(DomainId id);

  std::deque<Domain> domains_;  // names stay where they are: ids_ points into them
  std::vector<DomainId> free_;
  absl::flat_hash_map<std::string_view, DomainId, Hash, std::equal_to<>> ids_;
  std::vector<uint32_t> site_uses_;  // by site
  DomainId idle_first_ = kNone, idle_last_ = kNone;
  size_t idle_ = 0;
};

}  // namespace ringpost::delivery
