#include "gateway/tls/record_export.h"

#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <openssl/ssl.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {
namespace {

// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1). It fails for sizes alone, which
// are ours.
void ExpandLabel(const TrafficSecret& secret, std::string_view label, std::span<uint8_t> out) {
  std::string info;
  info.push_back(static_cast<char>(out.size() >> 8));
  info.push_back(static_cast<char>(out.size()));
  info.push_back(static_cast<char>(6 + label.size()));
  info.append("tls13 ").append(label);
  info.push_back(0);
  RP_CHECK(HKDF_expand(out.data(), out.size(), secret.digest, secret.bytes.data(), secret.size,
                       reinterpret_cast<const uint8_t*>(info.data()), info.size()) == 1);
}

// RFC 5246 section 6.3: with an AEAD no MAC keys; the client's key, the server's, then both fixed
// parts of the nonce: 4 bytes for GCM (RFC 5288), 12 for ChaCha20-Poly1305 (RFC 7905).
bool FromKeyBlock(const SSL* ssl, RecordDirection direction, RecordKeys* keys) {
  size_t key_bytes = keys->key_bytes();
  size_t iv_bytes = keys->cipher == RecordCipher::kChaCha20Poly1305 ? 12 : 4;
  std::vector<uint8_t> block(SSL_get_key_block_len(ssl));
  bool made = block.size() == 2 * (key_bytes + iv_bytes) &&
              SSL_generate_key_block(ssl, block.data(), block.size()) == 1;
  if (made) {
    bool servers = (SSL_is_server(ssl) == 1) == (direction == RecordDirection::kSend);
    std::memcpy(keys->key.data(), block.data() + (servers ? key_bytes : 0), key_bytes);
    std::memcpy(keys->iv.data(), block.data() + 2 * key_bytes + (servers ? iv_bytes : 0), iv_bytes);
  }
  OPENSSL_cleanse(block.data(), block.size());
  return made;
}

std::optional<RecordCipher> CipherOf(const SSL* ssl) {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  if (cipher == nullptr) return std::nullopt;
  switch (SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm:
      return RecordCipher::kAes128Gcm;
    case NID_aes_256_gcm:
      return RecordCipher::kAes256Gcm;
    case NID_chacha20_poly1305:
      return RecordCipher::kChaCha20Poly1305;
    default:
      return std::nullopt;
  }
}

}  // namespace

RecordKeys::~RecordKeys() {
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(iv.data(), iv.size());
}

TrafficSecret::~TrafficSecret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

// RFC 8446 section 7.3.
void TrafficSecret::MakeKeys(RecordKeys* keys) const {
  ExpandLabel(*this, "key", std::span(keys->key).first(keys->key_bytes()));
  ExpandLabel(*this, "iv", keys->iv);
  keys->sequence = 0;
}

TrafficSecret TrafficSecret::Next() const {
  TrafficSecret next;
  next.digest = digest;
  next.size = size;
  ExpandLabel(*this, "traffic upd", std::span(next.bytes).first(size));
  return next;
}

std::optional<TrafficSecret> ExportTrafficSecret(const SSL* ssl, RecordDirection direction) {
  bssl::Span<const uint8_t> read, write;
  TrafficSecret secret;
  if (SSL_version(ssl) != TLS1_3_VERSION || !bssl::SSL_get_traffic_secrets(ssl, &read, &write)) {
    ForgetErrors();
    return std::nullopt;
  }
  const auto& exported = direction == RecordDirection::kReceive ? read : write;
  RP_CHECK(exported.size() <= secret.bytes.size());
  std::memcpy(secret.bytes.data(), exported.data(), exported.size());
  secret.size = exported.size();
  int hash = SSL_CIPHER_get_prf_nid(SSL_get_current_cipher(ssl));
  secret.digest = hash == NID_sha384 ? EVP_sha384() : EVP_sha256();
  return secret;
}

std::optional<RecordKeys> ExportRecordKeys(const SSL* ssl, RecordDirection direction) {
  int version = SSL_version(ssl);
  auto cipher = CipherOf(ssl);
  if (!cipher || (version != TLS1_3_VERSION && version != TLS1_2_VERSION)) return std::nullopt;
  RecordKeys keys;
  keys.cipher = *cipher;
  keys.tls13 = version == TLS1_3_VERSION;
  if (keys.tls13) {
    auto secret = ExportTrafficSecret(ssl, direction);
    if (!secret) return std::nullopt;
    secret->MakeKeys(&keys);
  } else if (!FromKeyBlock(ssl, direction, &keys)) {
    ForgetErrors();
    return std::nullopt;
  }
  keys.sequence = direction == RecordDirection::kReceive ? SSL_get_read_sequence(ssl)
                                                         : SSL_get_write_sequence(ssl);
  return keys;
}

}  // namespace ringpost::tls
