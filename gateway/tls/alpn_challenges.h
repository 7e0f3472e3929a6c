// AlpnChallenges: what an ACME server is shown that looks at us by TLS-ALPN-01 (RFC 8737): for a
// name that is being validated, a certificate that holds the SHA-256 of the key authorization. It
// is presented to who offers the protocol "acme-tls/1" and no other, and asks for that name;
// whoever offers that protocol with another name is refused.
//
// Threads: any, behind a lock that only such a handshake takes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::tls {

class AlpnChallenges {
 public:
  AlpnChallenges();
  ~AlpnChallenges();
  AlpnChallenges(const AlpnChallenges&) = delete;
  AlpnChallenges& operator=(const AlpnChallenges&) = delete;

  // `name` is a DNS name in lower case. One there already is replaced. False: there are
  // limits::kAcmeChallengesMax of others.
  bool Add(const std::string& name, std::string_view key_authorization, WallTime now);
  void Remove(std::string_view name);

  struct Impl;  // for this folder
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::tls
