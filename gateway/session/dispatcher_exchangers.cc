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
    KeepPolicy(done->key, done->policy);
    SiteId site = SiteOfExchangers(done->key, done->found);
    bool good = !sites_[site]->verdict && !sites_[site]->forbidden;
    schedule_.Settle(done->key, site, until, /*good_meanwhile=*/good);
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
  if (found.outcome == Verdict::kHosts) return SiteByPolicy(domain, *route, found);
  LogLine(io_->wall_now(), "no_exchanger")
      .Text("to_domain", domain)
      .Text("outcome", VerdictName(found.outcome))
      .Text("reason", found.words)
      .To(*region_->log);
  SiteId last = schedule_.LastSiteOf(domain);
  bool known = last != kNone && sites_[last]->by_mx && !sites_[last]->verdict;
  return known && LeavesWhatWasKnown(found.outcome) ? last : VerdictSite(found.outcome);
}

// Where the domain has a policy that is in force, only hosts that it names take the domain's mail,
// and all of them must prove who they are (RFC 8461 section 5).
DispatcherCore::SiteId DispatcherCore::SiteByPolicy(const std::string& domain,
                                                    const delivery::Route& route,
                                                    const dns::Exchangers& found) {
  delivery::Route floored = route.WithTlsFloor(config_->destinations.TlsFloor(domain));
  SweepSites();
  const dns::StsPolicy* policy = EnforcedPolicy(domain);
  if (!policy) return FindSite(domain, floored.ByExchangers(found, /*by_sts=*/false));
  dns::Exchangers allowed = found;
  std::erase_if(allowed.hosts, [&](const auto& one) { return !policy->Allows(one.host); });
  if (!allowed.hosts.empty())
    return FindSite(domain, floored.ByExchangers(allowed, /*by_sts=*/true));
  LogLine(io_->wall_now(), "no_exchanger")
      .Text("to_domain", domain)
      .Text("outcome", "forbidden_by_policy")
      .Text("reason", "no exchanger is one that the domain's policy (MTA-STS) names")
      .To(*region_->log);
  RecordTls(domain, sts_policies_.find(domain)->second.as_reported,
            {.result = mail::TlsResult::kValidationFailure,
             .mx_host = found.hosts.front().host,
             .reason = "not named by the policy"});
  return ForbiddenSite();
}

// A site without next hops.
DispatcherCore::SiteId DispatcherCore::WaySite(std::string name) {
  auto known = site_names_.find(name);
  if (known != site_names_.end()) return known->second;
  SiteId id = schedule_.AddSite();
  PutSite(id, std::make_unique<Site>(std::move(name), std::vector<delivery::NextHop>(), nullptr));
  return id;
}

// The site of domains that it is known of that no mail can go there, or not now.
DispatcherCore::SiteId DispatcherCore::VerdictSite(Verdict verdict) {
  SiteId id = WaySite("no exchanger: " + std::string(VerdictName(verdict)));
  sites_[id]->verdict = verdict;
  return id;
}

DispatcherCore::SiteId DispatcherCore::ForbiddenSite() {
  SiteId id = WaySite("no exchanger: forbidden by policy");
  sites_[id]->forbidden = true;
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
    StopWaiting(id);
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
