// SigningKeys: the DKIM keys of domains, ready to sign: those of the domains that sent last; the
// others are read when they are wanted. A parsed RSA key takes some KiB: not every domain's can be
// kept.
//
// Which domain has keys at all, and whether they are still the same, a shard knows by its number
// (sender_domains.h). What is read for a number is what is there then, or later.
//
// Threads: any; it waits for the disk where it reads. Not for shards.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/status.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::session {

class SigningKeys {
 public:
  struct Selector {
    std::string name;
    std::shared_ptr<const tls::DkimKey> key;
  };
  // One, or an RSA and an Ed25519 one; shared with signatures that are being made. Null or empty:
  // none is active.
  using Selectors = std::shared_ptr<const std::vector<Selector>>;
  // Those that are active now. On the thread that asks, of several at once.
  using Load = std::function<StatusOr<Selectors>(const std::string& domain)>;

  explicit SigningKeys(Load load, size_t domains_max = limits::kSigningDomainsCached)
      : load_(std::move(load)), domains_max_(domains_max) {}

  // `number`: SenderDomains::Domain::keys. Not OK: as Load; it is asked again next time.
  StatusOr<Selectors> Get(const std::string& domain, uint32_t number);

 private:
  struct Kept {
    std::string domain;
    uint32_t number = 0;
    Selectors selectors;
  };

  Load load_;
  const size_t domains_max_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the last one that was wanted in front
  absl::flat_hash_map<std::string, std::list<Kept>::iterator> by_domain_;
};

}  // namespace ringpost::session
