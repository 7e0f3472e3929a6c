// SigningKeys: which DKIM keys are active now, by domain. Immutable: a rotation makes a new one.
//
// Threads: immutable once made; any.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/tls/dkim_key.h"

namespace ringpost::mail {

class SigningKeys {
 public:
  struct Selector {
    std::string name;
    std::shared_ptr<const tls::DkimKey> key;
  };
  // One, or an RSA and an Ed25519 one; shared with signatures that are being made.
  using Selectors = std::shared_ptr<const std::vector<Selector>>;

  // `domain` is an A-label in lower case (smtp/idna.h).
  void Add(std::string domain, Selectors selectors) {
    domains_[std::move(domain)] = std::move(selectors);
  }
  // Null: it has none that is active.
  Selectors Find(std::string_view domain) const {
    auto found = domains_.find(domain);
    return found == domains_.end() ? nullptr : found->second;
  }
  bool empty() const { return domains_.empty(); }

 private:
  std::map<std::string, Selectors, std::less<>> domains_;
};

}  // namespace ringpost::mail
