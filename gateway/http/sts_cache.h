// StsCache: the policies of MTA-STS that are known, and the fetches that have failed (RFC 8461
// sections 3.3, 5.1 and 10.2). It decides what is believed, what may be fetched and what must be;
// the time is an argument.
//
// A policy counts until its max_age is over. It is fetched again before, while its domain is in
// use, so that who can keep us from fetching it has to do so for all of its life. What the DNS says
// is not asked about here: nothing but another policy, or the end of its life, takes one away; or
// the bounds of sts_limits.h, which take first what was not asked for longest.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/dns/mta_sts.h"
#include "gateway/http/sts_limits.h"
#include "gateway/session/sts_policies.h"

namespace ringpost::http {

// As it is stored.
struct KeptStsPolicy {
  std::shared_ptr<const session::HeldStsPolicy> held;
  WallTime fetched, used;
};

struct StsFetchFailure {
  session::StsFailure kind = session::StsFailure::kNone;
  std::string words;
  WallTime at;         // of the last
  WallTime retry;      // not before
  uint32_t count = 0;  // in a row
};

// For who looks at the cache.
struct StsPolicyStatus {
  std::string domain;
  std::shared_ptr<const session::HeldStsPolicy> held;  // null: there is a failure alone
  WallTime fetched, used;                              // where it is held
  WallTime refresh;                                    // when it is due to be fetched again
  bool in_use = false;                                 // else it expires without that
  StsFetchFailure failure;                             // kind kNone: the last fetch did well
};

class StsCache {
 public:
  struct Bounds {
    size_t domains = limits::kStsDomainsMax;
    size_t bytes = limits::kStsCacheBytesMax;
    size_t failures = limits::kStsFailuresMax;
  };
  StsCache() = default;
  explicit StsCache(Bounds bounds) : bounds_(bounds) {}
  StsCache(const StsCache&) = delete;
  StsCache& operator=(const StsCache&) = delete;

  struct Known {
    std::shared_ptr<const session::HeldStsPolicy> policy;  // that counts now; null: none
    StsFetchFailure failure;                               // of the last fetch
    bool may_fetch = true;                                 // false: it failed too short ago
  };
  // Somebody wants to send mail to `domain`, which is in use by that.
  Known Find(std::string_view domain, WallTime now);
  // The same, and changes nothing.
  Known Look(std::string_view domain, WallTime now) const;

  // It was fetched, for the edition `id` of the TXT record. Domains that are forgotten for it.
  std::vector<std::string> Put(const std::string& domain, std::string id, dns::StsPolicy policy,
                               WallTime now);
  // It could not be. A policy that is there stays.
  void Fail(const std::string& domain, session::StsFailure kind, std::string words, WallTime now);

  // From the store, once, before anything else. Domains whose policies are too old, or too many.
  std::vector<std::string> Load(std::vector<KeptStsPolicy> kept, WallTime now);
  // Of one that is held.
  KeptStsPolicy Kept(const std::string& domain) const;

  struct Due {
    std::vector<std::string> refresh;      // to be fetched again; Put or Fail says what came of it
    std::vector<StsPolicyStatus> expired;  // as they were; they are not held any more
  };
  // At most `refresh_max` to be fetched.
  Due TakeDue(WallTime now, size_t refresh_max);
  // WallTime::max(): nothing is.
  WallTime NextDue() const;

  // In the order of the names, from the first behind `after` on.
  std::vector<StsPolicyStatus> List(std::string_view after, size_t max, WallTime now) const;
  // One; an empty list where it is not known.
  std::vector<StsPolicyStatus> Show(std::string_view domain, WallTime now) const;

  size_t domains() const { return used_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;
  using Place = std::list<Entries::iterator>::iterator;
  struct Entry {
    std::shared_ptr<const session::HeldStsPolicy> held;
    WallTime fetched, used;
    StsFetchFailure failure;
    bool dormant = false;  // when it was due nobody used it
    Place place;           // in used_, or in failed_ where it is not held
    std::multimap<WallTime, Entries::iterator>::iterator due;
  };

  static Known KnownOf(const Entry& entry, WallTime now);
  static WallTime RefreshOf(const Entry& entry);
  static bool InUse(const Entry& entry, WallTime now);
  static size_t BytesOf(const session::HeldStsPolicy& held);
  static StsPolicyStatus StatusOf(const std::string& domain, const Entry& entry, WallTime now);
  Entries::iterator Add(const std::string& domain, bool held);
  void Hold(Entries::iterator at, std::shared_ptr<const session::HeldStsPolicy> held);
  void SetDue(Entries::iterator at, WallTime due);
  void KeepFailure(Entries::iterator at);
  void Expire(Entries::iterator at, WallTime now);
  void Remove(Entries::iterator at);
  std::vector<std::string> KeepBounds();

  const Bounds bounds_ = {};
  Entries entries_;
  std::list<Entries::iterator> used_;    // held; in front what was not used for longest
  std::list<Entries::iterator> failed_;  // not held; in front the oldest
  std::multimap<WallTime, Entries::iterator> due_;
  size_t bytes_ = 0;
};

}  // namespace ringpost::http
