// How fast and with how many connections sites are gone on with: what all shards share of a site,
// and all sites of a provider (delivery/site_limits.h).
#include <algorithm>

#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {

using delivery::kNone;

// What the rules say of the domain's mail, whose connections may be those of others too. Null:
// there are no rules.
std::optional<delivery::Shaping> DispatcherCore::ShapingOf(Slot slot) const {
  if (!config_->shaping) return std::nullopt;
  SiteId site = schedule_.KnownSiteOf(slot);
  delivery::ShapingQuery query{.domain = schedule_.domain(schedule_[slot].domain).name};
  if (site != kNone) query.hosts = sites_[site]->hosts;
  return config_->shaping->For(query);
}

delivery::RetryPolicy DispatcherCore::RetryOf(Slot slot) const {
  std::optional<delivery::Shaping> shaping = ShapingOf(slot);
  if (!shaping) return config_->retry;
  return {shaping->retry(), config_->retry.jitter_percent};
}

Seconds DispatcherCore::DelayWarningOf(Slot slot) const {
  std::optional<delivery::Shaping> shaping = ShapingOf(slot);
  return shaping ? shaping->delay_warning() : config_->delay_warning;
}

// A slot of the site's, and one of its provider's.
bool DispatcherCore::Lease(SiteId id) {
  Site& site = *sites_[id];
  if (!site.budget->Lease(io_->shard())) return false;
  if (!site.provider) return true;
  if (site.provider->budget->Lease(io_->shard())) {
    site.provider->waiting.erase(id);
    return true;
  }
  site.provider->waiting.insert(id);
  site.budget->Release(io_->shard());
  return false;
}

void DispatcherCore::Release(SiteId id) {
  Site& site = *sites_[id];
  site.budget->Release(io_->shard());
  if (site.provider) site.provider->budget->Release(io_->shard());
}

// Another shard waits for the site's slots or the provider's, or another site of the provider does
// here: who has them gives way in turn.
bool DispatcherCore::ShouldYield(SiteId id) const {
  const Site& site = *sites_[id];
  if (site.budget->ShouldYield(io_->shard())) return true;
  if (!site.provider) return false;
  for (SiteId other : site.provider->waiting) {
    uint32_t theirs = sites_[other]->open;
    if (other != id && (theirs == 0 || site.open >= theirs + 2)) return true;
  }
  return site.provider->budget->ShouldYield(io_->shard());
}

void DispatcherCore::StopWaiting(SiteId id) {
  Site& site = *sites_[id];
  site.budget->StopWaiting(io_->shard());
  if (!site.provider) return;
  site.provider->waiting.erase(id);
  if (site.provider->waiting.empty()) site.provider->budget->StopWaiting(io_->shard());
}

// A slot of the provider's is free: who has waited for it comes before who had it.
void DispatcherCore::ServiceProvider(const Site& site) {
  if (!site.provider) return;
  // From the one behind the last that was served, so that all have their turn.
  Provider& provider = *site.provider;
  for (size_t looked = provider.waiting.size(); looked > 0; --looked) {
    auto next = provider.waiting.upper_bound(provider.served);
    if (next == provider.waiting.end()) next = provider.waiting.begin();
    if (next == provider.waiting.end() || provider.budget->full()) return;
    provider.served = *next;
    ServiceSite(provider.served);
  }
}

MonoTime DispatcherCore::NextAllowed(const Site& site, Paced what) const {
  bool message = what == Paced::kMessage;
  const delivery::SiteLimits& limits = site.limits;
  MonoTime now = io_->now();
  const delivery::Pace& own = message ? site.budget->message_pace : site.budget->connection_pace;
  MonoTime when = own.NextAllowed(message ? limits.message_rate : limits.connection_rate, now);
  if (!site.provider) return when;
  const delivery::SiteBudget& all = *site.provider->budget;
  const delivery::Pace& total = message ? all.message_pace : all.connection_pace;
  return std::max(
      when,
      total.NextAllowed(message ? limits.total_message_rate : limits.total_connection_rate, now));
}

// False: not now; NextAllowed says when. Where shards meet, what one has taken of the site's pace
// and not of the provider's is lost: slower, never faster.
bool DispatcherCore::TakePace(Site* site, Paced what) {
  MonoTime now = io_->now();
  if (NextAllowed(*site, what) > now) return false;
  bool message = what == Paced::kMessage;
  const delivery::SiteLimits& limits = site->limits;
  delivery::Pace& own = message ? site->budget->message_pace : site->budget->connection_pace;
  if (!own.Take(message ? limits.message_rate : limits.connection_rate, now)) return false;
  if (!site->provider) return true;
  delivery::SiteBudget& all = *site->provider->budget;
  delivery::Pace& total = message ? all.message_pace : all.connection_pace;
  return total.Take(message ? limits.total_message_rate : limits.total_connection_rate, now);
}

}  // namespace ringpost::session
