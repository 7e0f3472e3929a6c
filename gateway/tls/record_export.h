// The keys of a connection, out of BoringSSL. Private to gateway/tls.
#pragma once

#include <openssl/base.h>

#include <array>
#include <cstdint>
#include <optional>

#include "gateway/tls/record_keys.h"

namespace ringpost::tls {

// What the keys of one direction are made from in TLS 1.3 (RFC 8446 section 7). It wipes itself.
struct TrafficSecret {
  TrafficSecret() = default;
  TrafficSecret(const TrafficSecret&) = default;
  TrafficSecret& operator=(const TrafficSecret&) = default;
  ~TrafficSecret();

  // Fills in key, IV and the first number.
  void MakeKeys(RecordKeys* keys) const;
  // The one behind a KeyUpdate (section 7.2).
  TrafficSecret Next() const;

  std::array<uint8_t, 48> bytes{};
  size_t size = 0;
  const EVP_MD* digest = nullptr;
};

// Of `ssl`, whose handshake is done, as it is now. None where version or cipher are not among those
// of RecordKeys.
std::optional<RecordKeys> ExportRecordKeys(const SSL* ssl, RecordDirection direction);
// None before TLS 1.3.
std::optional<TrafficSecret> ExportTrafficSecret(const SSL* ssl, RecordDirection direction);

}  // namespace ringpost::tls
