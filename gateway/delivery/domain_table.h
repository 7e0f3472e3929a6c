// DomainTable: the recipient domains of the queue, interned, with the site each is routed to.
//
// A domain lives while entries or a suspension use it; of those that no one uses, some are kept for
// the next message (limits::kIdleDomainsKeptMax), so a hostile list of domains does not stay in
// memory.
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

struct SlotList {
  Slot head = kNone;
  Slot tail = kNone;
  uint32_t count = 0;  // of ready lists; parked ones are not counted
};

struct Domain {
  std::string name;     // a routing key: see smtp::DomainKey
  SiteId site = kNone;  // kNone: not asked yet
  uint32_t uses = 0;
  bool suspended = false;
  SlotList parked;  // entries that were ready while it was suspended
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
  // Routes are new: every domain is asked about again.
  void ForgetSites();
  uint64_t size() const { return ids_.size(); }
  uint64_t memory_bytes() const;

 private:
  struct Hash {
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::deque<Domain> domains_;  // names stay where they are: ids_ points into them
  std::vector<DomainId> free_;
  absl::flat_hash_map<std::string_view, DomainId, Hash, std::equal_to<>> ids_;
  size_t idle_ = 0;
};

}  // namespace ringpost::delivery
