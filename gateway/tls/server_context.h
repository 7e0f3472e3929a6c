// ServerContext: what the server's side of TLS connections has in common: certificates, versions,
// tickets. Made anew when the configuration is; connections keep the one they began with.
//
// Certificates by name: the client's SNI (RFC 6066 section 3) picks those that cover it, else the
// first one given is taken with those of the same names; among them an ECDSA certificate goes
// before an RSA one where the client can verify it. A client that names a host nobody here has a
// certificate for is not turned away: most MTAs do not look at the name.
//
// ALPN (RFC 7301): "acme-tls/1" is another handshake, see AlpnChallenges; the connection has no use
// beyond it, and ends as failed, with Facts::challenge. Other protocols are not looked at.
//
// 0-RTT is not offered, so it is refused (RFC 8446 section 4.2.10). Renegotiation is refused by the
// library. Client certificates are not asked for.
//
// Threads: immutable once made; any.
#pragma once

#include <memory>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/tls/alpn_challenges.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/ticket_keys.h"

namespace ringpost::tls {

class ServerContext {
 public:
  struct Options {
    std::vector<std::shared_ptr<const Certificate>> certificates;  // at least one
    std::shared_ptr<TicketKeys> tickets;                           // null: sessions are not resumed
    // TLS 1.0 and 1.1 too, and the ciphers of their time (cipher_order.h).
    bool old_versions = false;
    std::shared_ptr<AlpnChallenges> challenges;  // null: nobody validates names here
  };

  static std::shared_ptr<const ServerContext> Make(Options options);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  struct Impl;  // for this folder
  const Impl& impl() const { return *impl_; }

 private:
  explicit ServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::tls
