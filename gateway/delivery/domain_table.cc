#include "gateway/delivery/domain_table.h"

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::delivery {

DomainId DomainTable::Intern(std::string_view name) {
  if (auto found = ids_.find(name); found != ids_.end()) {
    if (domains_[found->second].uses++ == 0) --idle_;
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
  Domain& domain = domains_[id];
  RP_CHECK(domain.uses > 0);
  if (--domain.uses > 0) return;
  if (idle_ < limits::kIdleDomainsKeptMax) {
    ++idle_;
    return;
  }
  ids_.erase(std::string_view(domain.name));
  SetSite(id, kNone, UINT32_MAX);
  domain = Domain();
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
