// Certificate: a chain and its private key, loaded, checked, and ready to be presented.
//
// What is checked at load, so that a mistake is said when the operator can see it and not in a
// handshake at night: both files are PEM; the key belongs to the first certificate of the chain;
// each certificate of the chain was issued by the next; the first is valid now; the key file can be
// read and written by nobody but its owner and group, and belongs to root or to us. It is not
// checked whether somebody trusts the chain.
//
// Names: DNS names of the subject alternative name extension, lower case, "*.example.net" for a
// wildcard (RFC 9525 section 6.3: the whole left-most label). The common name counts only where
// there is no such extension.
//
// Threads: immutable once loaded; any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::tls {

struct CertificateFiles {
  std::string chain;  // paths
  std::string key;
  bool operator==(const CertificateFiles&) const = default;
};

class Certificate {
 public:
  enum class KeyKind : uint8_t { kRsa, kEcdsa, kEd25519 };

  // Errors name the file, what is wrong and what to do.
  static StatusOr<std::shared_ptr<const Certificate>> Load(const CertificateFiles& files,
                                                           WallTime now);
  // The same of PEM text; `chain_name` and `key_name` are what errors call it.
  static StatusOr<std::shared_ptr<const Certificate>> Parse(std::string_view chain_pem,
                                                            std::string_view key_pem,
                                                            const CertificateFiles& names,
                                                            WallTime now);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  KeyKind key_kind() const;
  // Of an ECDSA key: its SignatureScheme in TLS 1.3 (RFC 8446 section 4.2.3); 0 otherwise.
  uint16_t ecdsa_scheme() const;
  const std::vector<std::string>& names() const;
  WallTime not_before() const;
  WallTime not_after() const;
  // Whether it is for `host` (lower case, no final dot).
  bool Covers(std::string_view host) const;

  struct Parts;  // BoringSSL's objects, for this folder
  const Parts& parts() const { return *parts_; }

 private:
  explicit Certificate(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ringpost::tls
