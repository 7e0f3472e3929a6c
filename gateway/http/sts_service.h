// StsService: session::StsPolicies by fetches (sts_fetch.h) and a cache (sts_cache.h) that the
// control store keeps over a restart.
//
// A domain is fetched from once at a time, whoever waits for it, limits::kStsFetchesAtOnceMax
// domains at once. Policies that are in use are fetched again in the background before their
// max_age is over. Who asks while it has not started or has stopped is told what the cache has.
//
// It says in the log: sts_policy (a policy is new, or not as it was), sts_failed (a fetch, with the
// reason and what counts meanwhile), sts_expired (a policy that was in use and could not be fetched
// again: section 3.3 wants that told), sts_store_trouble.
//
// Threads: Find, Look and List from any; Make, Trust, Start and Stop the main thread. One of its
// own fetches, and writes to the store; `found` is called on it, or inside of Find or Stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/http/sts_cache.h"
#include "gateway/session/host_resolver.h"
#include "gateway/session/sts_policies.h"
#include "gateway/tls/client_context.h"
#include "storage/control_store.h"

namespace ringpost::http {

class StsService : public session::StsPolicies {
 public:
  struct Setup {
    storage::ControlStore* store = nullptr;  // outlives the service, as does the log
    Log* log = nullptr;
    std::string user_agent;
    uint16_t port = 443;                        // tests have no right to that one
    WallTime (*wall_clock)() = &ReadWallClock;  // tests set theirs
    Millis wait{dns::limits::kStsWaitMillis};   // how long mail waits; likewise
  };

  // Reads what is stored; a record that cannot be read is said in the log, and goes.
  static std::unique_ptr<StsService> Make(Setup setup);

  // Verifies the web servers from now on. Before Start, and at any time after.
  virtual void Trust(std::shared_ptr<const tls::ClientContext> context) = 0;
  // Fetches from now on. `hosts` looks the web servers up, refuses addresses that a stranger must
  // not name, and outlives Stop. Where it has started, nothing happens.
  virtual void Start(session::HostResolver* hosts) = 0;
  // Ends what is under way, without waiting for a server; who waits is told what the cache has.
  virtual void Stop() = 0;

  // As StsCache's.
  virtual std::vector<StsPolicyStatus> List(std::string_view after, size_t max) const = 0;
  virtual std::vector<StsPolicyStatus> Show(std::string_view domain) const = 0;
};

}  // namespace ringpost::http
