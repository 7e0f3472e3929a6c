// DkimKey: a private key of a DKIM selector, and the TXT record that publishes its other half.
//
// RSA (rsa-sha256: RFC 6376 section 3.3.1, sizes of RFC 8301 section 3.2) and Ed25519 (RFC 8463).
// rsa-sha1 does not exist here (RFC 8301 section 3.1), nor does any other key. What is signed, and
// how the field that carries it looks, is gateway/mail's.
//
// Threads: immutable once made; any, at once. An RSA signature takes half a millisecond and
// Generate of RSA up to a second: neither belongs on a shard. Memory: the library wipes a key as it
// frees it. What ToDer gives is secret: the caller wipes it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/status.h"

namespace ringpost::tls {

class DkimKey {
 public:
  enum class Kind : uint8_t { kRsa, kEd25519 };

  // RSA of kDkimRsaKeyBitsMin: what RFC 8301 section 3.2 asks of signers, known to all verifiers.
  static std::shared_ptr<const DkimKey> Generate(Kind kind);
  // PKCS #8, as ToDer gives it. DATA_LOSS: it is not one, or has bytes behind it, or its key is
  // neither Ed25519 nor RSA of kDkimRsaKeyBitsMin to kDkimRsaKeyBitsMax.
  static StatusOr<std::shared_ptr<const DkimKey>> FromDer(std::string_view der);
  ~DkimKey();
  DkimKey(const DkimKey&) = delete;
  DkimKey& operator=(const DkimKey&) = delete;

  Kind kind() const;
  std::string ToDer() const;

  // The value of a=: "rsa-sha256", "ed25519-sha256".
  std::string_view algorithm() const;
  // The raw signature of data that has this SHA-256: PKCS #1 v1.5 (RFC 8017 section 8.2), as long
  // as the modulus; or PureEdDSA over the digest's 32 bytes (RFC 8463 section 3), 64 bytes.
  std::string SignDigest(const std::array<uint8_t, 32>& sha256) const;

  // The value of p=, base64: SubjectPublicKeyInfo, as RFC 6376 appendix C makes it and everybody
  // publishes it; or Ed25519's 32 bytes by themselves (RFC 8463 section 4.2).
  std::string PublicKeyText() const;
  // "v=DKIM1; k=rsa; p=...". Longer than 255 bytes for RSA: who publishes it cuts it into
  // character-strings, which readers join without anything between them (RFC 6376 section 3.6.2.2).
  std::string TxtRecord() const;

 private:
  struct Impl;
  explicit DkimKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::tls
