#include "gateway/http/sts_cache.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"

namespace ringpost::http {
namespace {

using dns::StsMode;
using session::HeldStsPolicy;

constexpr Seconds kInUse{limits::kStsInUseSeconds};

// Five minutes, ten, twenty, up to an hour.
Millis RetryAfter(uint32_t failures) {
  uint64_t seconds = uint64_t{limits::kStsRetrySeconds} << std::min(failures - 1, 10u);
  return Seconds(std::min<uint64_t>(seconds, limits::kStsRetrySecondsMax));
}

}  // namespace

StsCache::Known StsCache::KnownOf(const Entry& entry, WallTime now) {
  Known known;
  if (entry.held && now < entry.held->expires) known.policy = entry.held;
  known.failure = entry.failure;
  // The clock on the wall may be set back: nobody waits for longer than he could have been told to.
  Millis wait = entry.failure.retry - now;
  known.may_fetch =
      entry.failure.count == 0 || wait <= Millis(0) || wait > Seconds(limits::kStsRetrySecondsMax);
  return known;
}

WallTime StsCache::RefreshOf(const Entry& entry) {
  if (!entry.held || entry.held->policy.mode == StsMode::kNone) return WallTime::max();
  if (entry.failure.count > 0) return entry.failure.retry;
  return entry.fetched +
         Seconds(std::clamp(entry.held->policy.max_age_seconds / 2, limits::kStsRefreshSecondsMin,
                            limits::kStsRefreshSecondsMax));
}

bool StsCache::InUse(const Entry& entry, WallTime now) { return now - entry.used < kInUse; }

size_t StsCache::BytesOf(const HeldStsPolicy& held) {
  size_t bytes = held.domain.size();
  for (const std::string& pattern : held.policy.mx) bytes += pattern.size();
  return bytes;
}

StsCache::Known StsCache::Find(std::string_view domain, WallTime now) {
  auto at = entries_.find(domain);
  if (at == entries_.end()) return {};
  Entry& entry = at->second;
  if (entry.held) {
    entry.used = now;
    used_.splice(used_.end(), used_, entry.place);
    if (std::exchange(entry.dormant, false)) SetDue(at, now);
  }
  return KnownOf(entry, now);
}

StsCache::Known StsCache::Look(std::string_view domain, WallTime now) const {
  auto at = entries_.find(domain);
  return at == entries_.end() ? Known() : KnownOf(at->second, now);
}

StsCache::Entries::iterator StsCache::Add(const std::string& domain, bool held) {
  auto at = entries_.try_emplace(domain).first;
  auto& list = held ? used_ : failed_;
  at->second.place = list.insert(list.end(), at);
  at->second.due = due_.emplace(WallTime::max(), at);
  return at;
}

void StsCache::Hold(Entries::iterator at, std::shared_ptr<const HeldStsPolicy> held) {
  Entry& entry = at->second;
  if (entry.held) {
    bytes_ -= BytesOf(*entry.held);
    used_.splice(used_.end(), used_, entry.place);
  } else if (entry.failure.count > 0) {
    used_.splice(used_.end(), failed_, entry.place);
  }
  bytes_ += BytesOf(*held);
  entry.held = std::move(held);
}

void StsCache::SetDue(Entries::iterator at, WallTime due) {
  due_.erase(at->second.due);
  at->second.due = due_.emplace(due, at);
}

void StsCache::Remove(Entries::iterator at) {
  Entry& entry = at->second;
  if (entry.held) bytes_ -= BytesOf(*entry.held);
  (entry.held ? used_ : failed_).erase(entry.place);
  due_.erase(entry.due);
  entries_.erase(at);
}

std::vector<std::string> StsCache::KeepBounds() {
  std::vector<std::string> removed;
  while (used_.size() > bounds_.domains || (bytes_ > bounds_.bytes && used_.size() > 1)) {
    removed.push_back(used_.front()->first);
    Remove(used_.front());
  }
  return removed;
}

std::vector<std::string> StsCache::Put(const std::string& domain, std::string id,
                                       dns::StsPolicy policy, WallTime now) {
  auto at = entries_.find(domain);
  bool fresh = at == entries_.end();
  if (fresh) at = Add(domain, true);
  Entry& entry = at->second;
  auto held = std::make_shared<HeldStsPolicy>();
  held->domain = domain;
  held->id = std::move(id);
  held->expires = now + Seconds(policy.max_age_seconds);
  held->policy = std::move(policy);
  if (!entry.held) entry.used = now;
  Hold(at, std::move(held));
  entry.fetched = now;
  entry.failure = {};
  entry.dormant = false;
  SetDue(at, std::min(RefreshOf(entry), entry.held->expires));
  return KeepBounds();
}

void StsCache::Fail(const std::string& domain, session::StsFailure kind, std::string words,
                    WallTime now) {
  auto at = entries_.find(domain);
  if (at == entries_.end()) at = Add(domain, false);
  Entry& entry = at->second;
  // Only a refresh waits for longer each time: whoever has no policy yet is asked by mail alone.
  uint32_t count = entry.held ? entry.failure.count + 1 : 1;
  entry.failure = {kind, std::move(words), now, now + RetryAfter(count), count};
  if (entry.held) {
    SetDue(at, std::min(RefreshOf(entry), entry.held->expires));
    return;
  }
  failed_.splice(failed_.end(), failed_, entry.place);
  KeepFailure(at);
}

void StsCache::KeepFailure(Entries::iterator at) {
  SetDue(at, at->second.failure.retry);
  if (failed_.size() > bounds_.failures) Remove(failed_.front());
}

// What is known of a failed fetch stays, so that no other comes too soon.
void StsCache::Expire(Entries::iterator at, WallTime now) {
  Entry& entry = at->second;
  if (entry.failure.retry <= now) return Remove(at);
  bytes_ -= BytesOf(*entry.held);
  entry.held.reset();
  failed_.splice(failed_.end(), used_, entry.place);
  KeepFailure(at);
}

std::vector<std::string> StsCache::Load(std::vector<KeptStsPolicy> kept, WallTime now) {
  RP_CHECK(entries_.empty());
  std::sort(kept.begin(), kept.end(),
            [](const KeptStsPolicy& a, const KeptStsPolicy& b) { return a.used < b.used; });
  std::vector<std::string> removed;
  for (KeptStsPolicy& one : kept) {
    if (one.held->expires <= now) {
      removed.push_back(one.held->domain);
      continue;
    }
    auto at = Add(one.held->domain, true);
    Entry& entry = at->second;
    Hold(at, std::move(one.held));
    entry.fetched = one.fetched;
    entry.used = one.used;
    SetDue(at, std::min(RefreshOf(entry), entry.held->expires));
  }
  for (std::string& domain : KeepBounds()) removed.push_back(std::move(domain));
  return removed;
}

KeptStsPolicy StsCache::Kept(const std::string& domain) const {
  auto at = entries_.find(domain);
  if (at == entries_.end()) return {};
  return {at->second.held, at->second.fetched, at->second.used};
}

StsCache::Due StsCache::TakeDue(WallTime now, size_t refresh_max) {
  Due due;
  while (!due_.empty() && due_.begin()->first <= now) {
    auto at = due_.begin()->second;
    Entry& entry = at->second;
    if (!entry.held) {
      Remove(at);
    } else if (entry.held->expires <= now) {
      due.expired.push_back(StatusOf(at->first, entry, now));
      Expire(at, now);
    } else if (entry.held->policy.mode == StsMode::kNone || !InUse(entry, now)) {
      entry.dormant = entry.held->policy.mode != StsMode::kNone;
      SetDue(at, entry.held->expires);
    } else {
      if (due.refresh.size() == refresh_max) break;
      due.refresh.push_back(at->first);
      SetDue(at, std::min(now + Seconds(limits::kStsRetrySeconds), entry.held->expires));
    }
  }
  return due;
}

WallTime StsCache::NextDue() const { return due_.empty() ? WallTime::max() : due_.begin()->first; }

StsPolicyStatus StsCache::StatusOf(const std::string& domain, const Entry& entry, WallTime now) {
  StsPolicyStatus status;
  status.domain = domain;
  status.held = entry.held;
  status.fetched = entry.fetched;
  status.used = entry.used;
  status.refresh = RefreshOf(entry);
  status.in_use = entry.held && InUse(entry, now);
  status.failure = entry.failure;
  return status;
}

std::vector<StsPolicyStatus> StsCache::List(std::string_view after, size_t max,
                                            WallTime now) const {
  std::vector<StsPolicyStatus> listed;
  for (auto at = entries_.upper_bound(after); at != entries_.end() && listed.size() < max; ++at) {
    listed.push_back(StatusOf(at->first, at->second, now));
  }
  return listed;
}

std::vector<StsPolicyStatus> StsCache::Show(std::string_view domain, WallTime now) const {
  auto at = entries_.find(domain);
  if (at == entries_.end()) return {};
  return {StatusOf(at->first, at->second, now)};
}

}  // namespace ringpost::http
