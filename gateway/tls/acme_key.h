// AcmeKey: an ECDSA key on P-256, as ACME uses them: one for the account, which signs every request
// (ES256, RFC 7518 section 3.4), and one for each certificate, which is asked for with a PKCS #10
// request (RFC 2986).
//
// Threads: immutable once made; any. What ToDer and ToPem give is secret: the caller wipes it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::tls {

class AcmeKey {
 public:
  static std::shared_ptr<const AcmeKey> Generate();
  // PKCS #8, as ToDer gives it. DATA_LOSS: it is not one, or its key is not on P-256.
  static StatusOr<std::shared_ptr<const AcmeKey>> FromDer(std::string_view der);
  ~AcmeKey();
  AcmeKey(const AcmeKey&) = delete;
  AcmeKey& operator=(const AcmeKey&) = delete;

  std::string ToDer() const;
  std::string ToPem() const;

  // The public key as a JSON Web Key: the members that RFC 7638 section 3.2 asks for in the order
  // it asks for, so that the text is also what the thumbprint is of.
  std::string Jwk() const;
  // Base64url of the SHA-256 of that.
  std::string Thumbprint() const;
  // r and s, 32 bytes each.
  std::string SignEs256(std::string_view text) const;
  // A request, DER, for a certificate for these DNS names, at least one: as subject alternative
  // names, with an empty subject (RFC 8555 section 7.4 takes either).
  std::string MakeRequest(const std::vector<std::string>& names) const;

 private:
  struct Impl;
  explicit AcmeKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::tls
