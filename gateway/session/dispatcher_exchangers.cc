// Delivery by MX: which site the mail of a domain goes to is asked of the DNS, off the shard, and
// is known for as long as its records say (delivery/schedule.h). Domains with the same exchangers
// share a site; sites that no domain goes to any more go in time.
#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/smtp/idna.h"

namespace ringpost::session {
namespace {

using delivery::kNone;
using Verdict = dns::Exchangers::Outcome;

constexpr std::string_view VerdictName(Verdict verdict) {
  constexpr std::string_view kNames[] = {"hosts",    "null_mx", "no_domain", "loop",     "no_host",
                                         "servfail", "timeout", "bogus",     "malformed"};
  return kNames[static_cast<size_t>(verdict)];
}

// Nothing is known, and nobody has meddled: what was known before is better than nothing.
bool LeavesWhatWasKnown(Verdict verdict) {
  return verdict == Verdict::kServfail || verdict == Verdict::kTimeout ||
         verdict == Verdict::kMalformed;
}

}  // namespace

// Called by the schedule: never answers at once but where there is nothing to ask.
DispatcherCore::SiteId DispatcherCore::AskExchangers(std::string_view domain) {
  if (!region_->mail_lookup) return VerdictSite(Verdict::kServfail);
  if (domain.starts_with('[')) return kNoRouteSite;  // an address literal has no exchangers
  if (exchanger_lookups_.contains(domain)) return kNone;
  std::optional<std::string> asked = smtp::CanonicalDomain(domain);
  if (!asked) return VerdictSite(Verdict::kNoDomain);  // none by IDNA
  if (exchanger_lookups_.size() >= ExchangerLookupsMax()) {
    exchangers_wanted_.emplace_back(domain);
  } else {
    StartExchangerLookup(std::string(domain), std::move(*asked));
  }
  return kNone;
}

size_t DispatcherCore::ExchangerLookupsMax() const {
  return std::max<size_t>(1, limits::kExchangerLookupsMax / std::max(1u, region_->shards));
}

void DispatcherCore::StartExchangerLookup(std::string key, std::string domain) {
  auto lookup = std::make_unique<ExchangersLookup>();
  lookup->core = this;
  lookup->key = std::move(key);
  lookup->domain = std::move(domain);
  lookup->reply_to = &io_->inbox();
  lookup->run = [](Posted* posted) {
    auto* done = static_cast<ExchangersLookup*>(posted);
    if (done->core) {
      done->core->ExchangersFound(done);
    } else {
      delete done;
    }
  };
  ExchangersLookup* asked = lookup.get();
  exchanger_lookups_.emplace(asked->key, std::move(lookup));
  region_->mail_lookup->FindExchangers(asked);
}

void DispatcherCore::ExchangersFound(ExchangersLookup* lookup) {
  auto node = exchanger_lookups_.extract(lookup->key);
  std::unique_ptr<ExchangersLookup> done = std::move(node.mapped());
  WallTime until = io_->wall_now() + Seconds(done->found.ttl_seconds);
  if (schedule_.Asks(done->key)) {
    SiteId site = SiteOfExchangers(done->key, done->found);
    schedule_.Settle(done->key, site, until, /*good_meanwhile=*/!sites_[site]->verdict);
  }
  while (!exchangers_wanted_.empty() && exchanger_lookups_.size() < ExchangerLookupsMax()) {
    std::string next = std::move(exchangers_wanted_.front());
    exchangers_wanted_.pop_front();
    if (schedule_.Asks(next) && !exchanger_lookups_.contains(next)) {
      std::string domain = smtp::CanonicalDomain(next).value_or(next);
      StartExchangerLookup(std::move(next), std::move(domain));
    }
  }
  WakeBy(io_->wall_now());
}

DispatcherCore::SiteId DispatcherCore::SiteOfExchangers(const std::string& domain,
                                                        const dns::Exchangers& found) {
  const delivery::Route* route = config_->routes.Find(domain);
  if (!route || !route->by_mx) return RouteSite(domain);  // routes are new since it was asked
  if (found.outcome == Verdict::kHosts) {
    delivery::HopTls floor = config_->destinations.TlsFloor(domain);
    SweepSites();
    return FindSite(route->WithTlsFloor(floor).ByExchangers(found.hosts));
  }
  LogLine(io_->wall_now(), "no_exchanger")
      .Text("to_domain", domain)
      .Text("outcome", VerdictName(found.outcome))
      .Text("reason", found.words)
      .To(*region_->log);
  SiteId last = schedule_.LastSiteOf(domain);
  bool known = last != kNone && sites_[last]->by_mx && !sites_[last]->verdict;
  return known && LeavesWhatWasKnown(found.outcome) ? last : VerdictSite(found.outcome);
}

// The site of domains that it is known of that no mail can go there, or not now.
DispatcherCore::SiteId DispatcherCore::VerdictSite(Verdict verdict) {
  std::string name = "no exchanger: " + std::string(VerdictName(verdict));
  auto known = site_names_.find(name);
  if (known != site_names_.end()) return known->second;
  SiteId id = schedule_.AddSite();
  auto site = std::make_unique<Site>(name, std::vector<delivery::NextHop>(), nullptr);
  site->verdict = verdict;
  PutSite(id, std::move(site));
  return id;
}

// Among what was looked at, a site goes that no domain, connection or lookup needs. Each sweep
// leaves at most as many as it removes before the next one, so that a site costs a constant in all.
void DispatcherCore::SweepSites() {
  if (site_names_.size() < sweep_sites_at_) return;
  for (SiteId id = 0; id < sites_.size(); ++id) {
    Site& site = *sites_[id];
    bool looked_up = std::any_of(site.lookups.begin(), site.lookups.end(),
                                 [](const auto& lookup) { return lookup != nullptr; });
    if (!site.by_mx || site.open > 0 || looked_up || !schedule_.SiteUnused(id)) continue;
    site.budget->StopWaiting(io_->shard());
    budgets_->Drop(site.name);
    site_names_.erase(site.name);
    site.retry.Cancel();
    sites_[id] = std::make_unique<Site>("", std::vector<delivery::NextHop>(), nullptr);
    schedule_.RemoveSite(id);
  }
  sweep_sites_at_ = std::max(limits::kSitesSweptFrom, 2 * site_names_.size());
}

void DispatcherCore::CancelLookups() {
  for (auto& site : sites_) {
    for (auto& lookup : site->lookups) {
      if (!lookup) continue;
      lookup->core = nullptr;
      // What was posted already is on its way to this thread and frees itself there.
      if (!ResolverOf(*site)->Cancel(lookup.get())) (void)lookup.release();
    }
  }
  for (auto& [domain, lookup] : exchanger_lookups_) {
    lookup->core = nullptr;
    if (!region_->mail_lookup->CancelExchangers(lookup.get())) (void)lookup.release();
  }
}

// Of a mail exchanger's name the DNS alone says where it is; of a next hop that an operator names,
// this machine does.
HostResolver* DispatcherCore::ResolverOf(const Site& site) {
  if (site.by_mx) return region_->mail_lookup;
  if (!resolver_) resolver_ = HostResolver::Shared();
  return resolver_;
}

}  // namespace ringpost::session
