// ClientContext: what the client's side of TLS connections has in common.
//
// It verifies every chain against the system's authorities and every name, and the connection says
// what came of it; whether an unverified peer is spoken to is its user's to decide, by `verify`.
//
// Threads: immutable once made; any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::tls {

class ClientContext {
 public:
  struct Options {
    // Authorities in PEM form, a file; empty: none are trusted.
    std::string authorities;
    // A peer that is not verified fails the handshake; else what it offers is taken, old versions
    // included (cipher_order.h).
    bool verify = true;
    // Not null: its authorities are taken, and not read again.
    std::shared_ptr<const ClientContext> same_authorities_as;
    // Sessions are kept and taken up again; without it every handshake is a full one.
    bool resume = true;
    // Offered by ALPN (RFC 7301), the best first: "http/1.1". Empty: no ALPN.
    std::vector<std::string> application_protocols = {};
  };

  static StatusOr<std::shared_ptr<const ClientContext>> Make(Options options);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  struct Impl;  // for this folder
  const Impl& impl() const { return *impl_; }

 private:
  explicit ClientContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::tls
