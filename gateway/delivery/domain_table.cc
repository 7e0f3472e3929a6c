#include "gateway/delivery/domain_table.h"

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::delivery {

DomainId DomainTable::Intern(std::string_view name) {
  if (auto found = ids_.find(name); found != ids_.end()) {
    if (domains_[found->second].uses++ == 0) BeUsed(found->second);
    return found->second;
  }
  DomainId id;
  if (free_.empty()) {
    id = static_cast<DomainId>(domains_.size());
    domains_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Domain& domain = domains_[id];
  domain.name = name;
  domain.uses = 1;
  ids_.emplace(domain.name, id);
  return id;
}

void DomainTable::DropUse(DomainId id) {
  RP_CHECK(domains_[id].uses > 0);
  if (--domains_[id].uses > 0) return;
  BeIdle(id);
  if (idle_ <= limits::kIdleDomainsKeptMax) return;
  DomainId oldest = idle_first_;
  BeUsed(oldest);
  Remove(oldest);
}

void DomainTable::BeIdle(DomainId id) {
  domains_[id].idle_before = idle_last_;
  (idle_last_ == kNone ? idle_first_ : domains_[idle_last_].idle_after) = id;
  idle_last_ = id;
  ++idle_;
}

void DomainTable::BeUsed(DomainId id) {
  Domain& domain = domains_[id];
  (domain.idle_before == kNone ? idle_first_ : domains_[domain.idle_before].idle_after) =
      domain.idle_after;
  (domain.idle_after == kNone ? idle_last_ : domains_[domain.idle_after].idle_before) =
      domain.idle_before;
  domain.idle_before = domain.idle_after = kNone;
  --idle_;
}

void DomainTable::Remove(DomainId id) {
  ids_.erase(std::string_view(domains_[id].name));
  SetSite(id, kNone, UINT32_MAX);
  domains_[id] = Domain();
  free_.push_back(id);
}

DomainId DomainTable::Find(std::string_view name) const {
  auto found = ids_.find(name);
  return found == ids_.end() ? kNone : found->second;
}

void DomainTable::SetSite(DomainId id, SiteId site, uint32_t until_seconds) {
  Domain& domain = domains_[id];
  if (domain.site != kNone) --site_uses_[domain.site];
  if (site != kNone) {
    if (site >= site_uses_.size()) site_uses_.resize(site + 1);
    ++site_uses_[site];
  }
  domain.site = site;
  domain.site_until = until_seconds;
}

void DomainTable::ForgetSites() {
  for (Domain& domain : domains_) domain.site = kNone;
  site_uses_.assign(site_uses_.size(), 0);
}

uint64_t DomainTable::memory_bytes() const {
  constexpr size_t kInline = 15;
  uint64_t bytes = domains_.size() * sizeof(Domain) + free_.capacity() * sizeof(DomainId) +
                   site_uses_.capacity() * sizeof(uint32_t) +
                   ids_.capacity() * (sizeof(std::pair<std::string_view, DomainId>) + 1);
  for (const Domain& domain : domains_) {
    if (domain.name.capacity() > kInline) bytes += domain.name.capacity() + 1;
  }
  return bytes;
}

}  // namespace ringpost::delivery
