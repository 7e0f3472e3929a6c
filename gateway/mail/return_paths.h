// ReturnPaths: the domains that have a return path of their own: under which name, whose they are,
// and the keys that make and prove its local parts (return_path.h).
//
// Immutable: a change makes another. Threads: immutable once made; any.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/mail/return_path.h"

namespace ringpost::mail {

class ReturnPaths {
 public:
  struct Domain {
    std::string label;  // <label>.<domain> is the name
    uint32_t account = 0;
    uint16_t region = 0;  // of `regions`: where its bounces come in
    bool works = false;   // DNS leads there: bounces would arrive
    bool operator==(const Domain&) const = default;
  };
  // What is known of an address.
  struct Found {
    ReturnPathVerdict verdict = ReturnPathVerdict::kMalformed;
    MessageId id;  // of kValid and kStale
    uint32_t account = 0;
  };

  // The first of `keys` is used for new ones. `regions` by their names.
  ReturnPaths(std::vector<std::pair<uint8_t, tls::Key>> keys, std::vector<std::string> regions)
      : keys_(std::move(keys)), regions_(std::move(regions)) {}
  // `name` in A-labels and lower case.
  void Add(std::string name, Domain domain) {
    domains_.insert_or_assign(std::move(name), std::move(domain));
  }

  // "token@label.domain" for a message of `domain` that leaves from `region`; empty: bounces of it
  // would not come back to there.
  std::string Make(std::string_view domain, std::string_view region, const MessageId& id,
                   WallTime now) const;
  // Nothing: the address is at no return path's name, whatever its local part is.
  std::optional<Found> Find(std::string_view address, WallTime now) const;

 private:
  std::vector<std::pair<uint8_t, tls::Key>> keys_;
  std::vector<std::string> regions_;
  absl::flat_hash_map<std::string, Domain> domains_;
};

}  // namespace ringpost::mail
