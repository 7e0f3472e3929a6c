#include "gateway/delivery/hop_health.h"

#include <algorithm>

#include "gateway/base/limits.h"

namespace ringpost::delivery {
namespace {

bool Same(const smtp::Credentials* a, const smtp::Credentials* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->user == b->user && a->secret == b->secret;
}

}  // namespace

HopHealth::HopHealth(std::vector<NextHop> next_hops) {
  for (NextHop& next_hop : next_hops) {
    Hop& hop = hops_.emplace_back();
    hop.name = next_hop.ToString();
    hop.next_hop = std::move(next_hop);
    if (hop.next_hop.address) SetAddresses(hops_.size() - 1, {*hop.next_hop.address});
  }
}

// Whether it must be held to TLSA records is asked again (RFC 7672 section 2.2), and it would be
// used otherwise.
bool HopHealth::NotToBeUsedMeanwhile(size_t hop) const {
  return hops_[hop].next_hop.by_dnssec &&
         std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
           return target.hop == hop && target.failures == 0;
         });
}

// The preference of the best hop whose first addresses are on their way: none that is worse is
// tried before they are there.
uint32_t HopHealth::PreferenceAwaited() const {
  uint32_t best = UINT32_MAX;
  for (size_t i = 0; i < hops_.size(); ++i) {
    const Hop& hop = hops_[i];
    bool awaited = hop.resolving && (hop.resolve_after == MonoTime() || NotToBeUsedMeanwhile(i));
    if (awaited && !hop.suspended) best = std::min<uint32_t>(best, hop.next_hop.preference);
  }
  return best;
}

size_t HopHealth::Choose(MonoTime now) {
  size_t best = kNoTarget;
  const uint32_t awaited = PreferenceAwaited();
  ++turn_;
  for (size_t i = 0; i < targets_.size(); ++i) {
    size_t at = (i + turn_) % targets_.size();
    const Hop& hop = hops_[targets_[at].hop];
    if (hop.suspended || targets_[at].down_until > now) continue;
    if (hop.next_hop.preference > awaited) continue;
    if (hop.resolving && hop.next_hop.by_dnssec) continue;
    bool better = best == kNoTarget ||
                  hop.next_hop.preference < hops_[targets_[best].hop].next_hop.preference;
    if (better) best = at;
  }
  return best;
}

bool HopHealth::waits_for_addresses() const {
  return std::any_of(hops_.begin(), hops_.end(), [](const Hop& hop) { return hop.resolving; });
}

bool HopHealth::all_suspended() const {
  if (hops_.empty()) return false;
  return std::all_of(hops_.begin(), hops_.end(), [](const Hop& hop) { return hop.suspended; });
}

// Twice as long with each failure in a row.
void HopHealth::Rest(Target* target, MonoTime now, uint64_t seconds, uint64_t seconds_max) {
  uint32_t doublings = std::min(target->failures, 16u);
  ++target->failures;
  target->down_until = now + Seconds(std::min(seconds << doublings, seconds_max));
}

void HopHealth::ConnectFailed(size_t index, MonoTime now) {
  Rest(&targets_[index], now, limits::kHopBackoffSeconds, limits::kHopBackoffSecondsMax);
}

bool HopHealth::needs_probe(size_t index) const {
  const Hop& hop = hops_[targets_[index].hop];
  return targets_[index].failures > 0 || (hop.next_hop.credentials && !hop.accepted);
}

void HopHealth::CredentialsAccepted(size_t index) { hops_[targets_[index].hop].accepted = true; }

void HopHealth::CredentialsRefused(size_t index, MonoTime now) {
  size_t hop = targets_[index].hop;
  hops_[hop].accepted = false;
  if (targets_[index].down_until > now) return;
  for (Target& target : targets_) {
    if (target.hop != hop || target.down_until > now) continue;
    Rest(&target, now, limits::kAuthRefusedBackoffSeconds, limits::kAuthRefusedBackoffSecondsMax);
  }
}

void HopHealth::SetCredentials(size_t index, std::shared_ptr<const smtp::Credentials> credentials) {
  NextHop& hop = hops_[index].next_hop;
  bool changed = !Same(hop.credentials.get(), credentials.get());
  hop.credentials = std::move(credentials);
  if (!changed) return;
  hops_[index].accepted = false;
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].hop == index) Worked(i);
  }
}

void HopHealth::Broke(size_t index, MonoTime now) {
  if (++targets_[index].breaks >= limits::kHopBrokenMax) ConnectFailed(index, now);
}

void HopHealth::Worked(size_t index) {
  Target& target = targets_[index];
  target.failures = 0;
  target.breaks = 0;
  target.down_until = MonoTime();
}

void HopHealth::ForgetFailures() {
  for (Target& target : targets_) target.down_until = MonoTime();
}

void HopHealth::SetAddresses(size_t hop, const std::vector<IpAddress>& addresses) {
  if (addresses.empty() && !hops_[hop].no_address) return;
  std::vector<Target> kept;
  for (const IpAddress& address : addresses) {
    if (kept.size() == limits::kAddressesPerHopMax) break;
    Endpoint endpoint{address, hops_[hop].next_hop.port};
    Target target;
    target.hop = hop;
    target.endpoint = endpoint;
    for (const Target& known : targets_) {
      if (known.hop == hop && known.endpoint == endpoint) target = known;
    }
    kept.push_back(target);
  }
  std::erase_if(targets_, [&](const Target& target) { return target.hop == hop; });
  targets_.insert(targets_.end(), kept.begin(), kept.end());
}

void HopHealth::DropAddresses(size_t hop) {
  std::erase_if(targets_, [&](const Target& target) { return target.hop == hop; });
}

size_t HopHealth::FindTarget(size_t hop, const Endpoint& endpoint) const {
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i].hop == hop && targets_[i].endpoint == endpoint) return i;
  }
  return kNoTarget;
}

bool HopHealth::TakesCredentials(size_t hop, const smtp::Credentials* credentials) const {
  return Same(hops_[hop].next_hop.credentials.get(), credentials);
}

}  // namespace ringpost::delivery
