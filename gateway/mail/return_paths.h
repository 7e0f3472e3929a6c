// ReturnPaths: addresses at the domains' return paths (sender_domains.h), with the keys that make
// and prove their local parts (return_path.h).
//
// Immutable: a change makes another. Threads: immutable once made; any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/mail/return_path.h"
#include "gateway/mail/sender_domains.h"

namespace ringpost::mail {

class ReturnPaths {
 public:
  // What is known of an address.
  struct Found {
    ReturnPathVerdict verdict = ReturnPathVerdict::kMalformed;
    MessageId id;  // of kValid and kStale
    uint32_t account = 0;
  };

  // The first of `keys` is used for new ones. `regions` by their names.
  ReturnPaths(std::vector<std::pair<uint8_t, tls::Key>> keys, std::vector<std::string> regions,
              std::shared_ptr<const SenderDomains> domains)
      : keys_(std::move(keys)), regions_(std::move(regions)), domains_(std::move(domains)) {}

  // "token@label.domain" for a message of `domain` that leaves from `region`; empty: bounces of it
  // would not come back to there.
  std::string Make(std::string_view domain, std::string_view region, const MessageId& id,
                   WallTime now) const;
  // Nothing: the address is at no return path's name, whatever its local part is.
  std::optional<Found> Find(std::string_view address, WallTime now) const;

 private:
  std::vector<std::pair<uint8_t, tls::Key>> keys_;
  std::vector<std::string> regions_;
  std::shared_ptr<const SenderDomains> domains_;
};

}  // namespace ringpost::mail
