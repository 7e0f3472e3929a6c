// AcmeChallenges: what an ACME server may ask for on port 80 while a certificate is being ordered
// (HTTP-01, RFC 8555 section 8.3): GET /.well-known/acme-challenge/TOKEN is answered with TOKEN's
// key authorization.
//
// The ACME client adds an entry before it tells its server to look, and removes it when the order
// has ended; the HTTP side reads. Bounded: limits::kAcmeChallengesMax.
//
// Threads: any.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/status.h"

namespace ringpost::http {

class AcmeChallenges {
 public:
  // INVALID_ARGUMENT: `token` is none (letters, digits, - and _); RESOURCE_EXHAUSTED: there are too
  // many. One that is there already gets the new value.
  Status Add(std::string_view token, std::string key_authorization);
  void Remove(std::string_view token);
  std::optional<std::string> Find(std::string_view token) const;

  static bool IsToken(std::string_view text);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> authorizations_;
};

}  // namespace ringpost::http
