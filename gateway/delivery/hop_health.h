// HopHealth: the next hops of one site as one shard sees them: which to connect to, and which to
// leave alone.
//
// A hop that cannot be reached backs off, longer each time; while it does, the next one by
// preference is used. When all back off the site is down: what is due is deferred with the last
// failure, without connecting, and the first attempt after a back-off is the probe. Equal
// preferences take turns.
//
// A hop given by name has several addresses once it is resolved; each is a target of its own, and
// the hop is down when all of its targets are (RFC 5321 section 5.1).
//
// Sans-IO. Threads: one shard's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/time.h"
#include "gateway/delivery/routing.h"
#include "gateway/dns/dane_lookup.h"

namespace ringpost::delivery {

class HopHealth {
 public:
  struct Target {
    size_t hop = 0;
    Endpoint endpoint;
    uint32_t failures = 0;  // in a row; at connecting, or kHopBrokenMax breaks after it
    uint32_t breaks = 0;    // connections that broke in a row without a finished transaction
    MonoTime down_until;
  };
  struct Hop {
    NextHop next_hop;
    std::string name;
    bool suspended = false;
    MonoTime resolve_after;  // names only: when to ask (again)
    bool resolving = false;
    bool no_address = false;  // the DNS says that there is none
    bool accepted = false;    // it took our credentials
    dns::TlsaSet tlsa;        // as its addresses: from the last lookup that knew
  };
  static constexpr size_t kNoTarget = SIZE_MAX;

  explicit HopHealth(std::vector<NextHop> next_hops);

  // The target to connect to now; kNoTarget: every one backs off, is suspended or has no address
  // yet, or a better one's first addresses are awaited. One that DANE may hold for is none while it
  // is looked up anew.
  size_t Choose(MonoTime now);
  // Whether one of the hops still waits for its first addresses.
  bool waits_for_addresses() const;
  bool all_suspended() const;
  // Whether one connection alone is to find out what there is to expect of it.
  bool needs_probe(size_t target) const;

  void ConnectFailed(size_t target, MonoTime now);
  // It does not know us, or not by this secret (AUTH): left alone for longer, since each try counts
  // against us there, all addresses of the hop. Of connections that were under way together the
  // first one decides.
  void CredentialsRefused(size_t target, MonoTime now);
  void CredentialsAccepted(size_t target);
  // Where they are others than before, what was refused is forgotten. May be null.
  void SetCredentials(size_t hop, std::shared_ptr<const smtp::Credentials> credentials);
  // The connection was made and broke before a transaction was finished on it.
  void Broke(size_t target, MonoTime now);
  void Worked(size_t target);
  // An operator wants it tried now.
  void ForgetFailures();

  // The addresses of a hop given by name; none: the lookup failed, and what was known stays, but
  // where the hop's no_address says that there are none any more.
  void SetAddresses(size_t hop, const std::vector<IpAddress>& addresses);

  // Nothing that is known of where the hop is may be used any more.
  void DropAddresses(size_t hop);

  std::vector<Hop>& hops() { return hops_; }
  const std::vector<Hop>& hops() const { return hops_; }
  const Target& target(size_t index) const { return targets_[index]; }
  // Index of the hop's target with this endpoint; kNoTarget: the hop has moved. Two hops of a site
  // may lead to one endpoint, each with a health of its own.
  size_t FindTarget(size_t hop, const Endpoint& endpoint) const;
  // Whether these are what the hop is told now: what came of others says nothing about it.
  bool TakesCredentials(size_t hop, const smtp::Credentials* credentials) const;

 private:
  bool NotToBeUsedMeanwhile(size_t hop) const;
  uint32_t PreferenceAwaited() const;
  void Rest(Target* target, MonoTime now, uint64_t seconds, uint64_t seconds_max);

  std::vector<Hop> hops_;
  std::vector<Target> targets_;
  size_t turn_ = 0;
};

}  // namespace ringpost::delivery
