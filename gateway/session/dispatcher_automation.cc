// What next hops say, and what the rules of shaping do about it (delivery/shaping_automation.h):
// each shard by what it hears itself.
#include <utility>

#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {

void DispatcherCore::Observe(SiteId id, std::string_view domain, const smtp::Reply& reply) {
  const Site& site = *sites_[id];
  if (!config_->shaping || reply.code < 400 || !site.budget || domain.empty()) return;
  const MonoTime now = io_->now();
  bool changed = false;
  for (delivery::ShapingAction& action :
       automation_->Observe({.domain = domain, .hosts = site.hosts}, PlaceOf(site), reply, now)) {
    if (action.suspends_account()) continue;  // accounts have no pace of their own yet
    LogLine(io_->wall_now(), "shaping_action")
        .Text("rule", action.rule->name)
        .Text("action", action.suspends_site() ? "suspend" : "change")
        .Number("seconds", std::chrono::ceil<Seconds>(action.until - now).count())
        .Text("to_domain", domain)
        .Text("provider", site.limits.provider)
        .Number("reply_code", reply.code)
        .Text("reply", reply.text)
        .To(*region_->log);
    changed |= actions_.Add(std::move(action), now);
  }
  if (changed) ApplyActions();
}

// Five recipients that get the same words are one reply.
void DispatcherCore::ObserveAll(SiteId id, Slot slot, const std::vector<smtp::Reply>& replies) {
  if (!config_->shaping) return;
  const std::string domain = schedule_.domain(schedule_[slot].domain).name;
  for (size_t i = 0; i < replies.size(); ++i) {
    bool seen = false;
    for (size_t j = 0; j < i && !seen; ++j) seen = replies[j] == replies[i];
    if (!seen) Observe(id, domain, replies[i]);
  }
}

delivery::ShapingPlace DispatcherCore::PlaceOf(const Site& site) {
  return {.site = site.name, .provider = site.limits.provider};
}

// All sites get what the rules say and, as long as it is in force, what was done about replies.
void DispatcherCore::ApplyActions() {
  for (auto& site : sites_) ApplyTo(site.get());
  action_end_.Cancel();
  if (actions_.next_end() == MonoTime::max()) return;
  io_->timers().Schedule(&action_end_, actions_.next_end());
}

void DispatcherCore::ApplyTo(Site* site) {
  if (!site->budget || !config_->shaping) return;
  delivery::ShapingQuery query{.hosts = site->hosts};
  if (!site->plain) query.domain = site->rule_domain;
  delivery::Shaping shaping = config_->shaping->For(query);
  const std::string provider(shaping.provider());
  const delivery::ShapingPlace place{.site = site->name, .provider = provider};
  actions_.Adjust(place, io_->now(), &shaping);
  Limit(site, delivery::SiteLimits::Of(*config_, shaping));
  const delivery::ShapingAction* waits = actions_.Suspension(place, io_->now());
  site->waits_until = waits ? waits->until : MonoTime();
}

void DispatcherCore::ActionEnded() {
  ApplyActions();
  for (SiteId id = 0; id < sites_.size(); ++id) {
    if (schedule_.ready(id) > 0) ServiceSite(id);
  }
}

}  // namespace ringpost::session
