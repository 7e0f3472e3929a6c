// RecordKeys: what it takes to go on with one direction of a connection's records where BoringSSL
// left off (RFC 8446 section 5, RFC 5288, RFC 7905). The kernel's record layer is given them
// (kernel_records.h).
//
// Threads: plain data. It wipes itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringpost::tls {

enum class RecordCipher : uint8_t { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };
inline constexpr size_t kRecordCiphers = 3;

enum class RecordDirection : uint8_t { kReceive, kSend };

struct RecordKeys {
  RecordKeys() = default;
  RecordKeys(const RecordKeys&) = default;
  RecordKeys& operator=(const RecordKeys&) = default;
  ~RecordKeys();

  size_t key_bytes() const { return cipher == RecordCipher::kAes128Gcm ? 16 : 32; }

  RecordCipher cipher = RecordCipher::kAes128Gcm;
  bool tls13 = true;
  std::array<uint8_t, 32> key{};  // the first key_bytes()
  // The nonce before the record's number goes into it. GCM in TLS 1.2 has 4 bytes of it, and the
  // other 8 stand in each record.
  std::array<uint8_t, 12> iv{};
  uint64_t sequence = 0;  // of the next record
};

}  // namespace ringpost::tls
