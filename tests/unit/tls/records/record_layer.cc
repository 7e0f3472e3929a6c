#include "tests/unit/tls/records/record_layer.h"

#include <linux/tls.h>
#include <openssl/aead.h>

#include <cstring>

#include "gateway/base/check.h"

namespace ringpost::tls {
namespace {

constexpr size_t kTag = 16;

uint8_t* Bytes(std::string* text) { return reinterpret_cast<uint8_t*>(text->data()); }

std::string Header(uint8_t type, size_t size) {
  return {static_cast<char>(type), 3, 3, static_cast<char>(size >> 8), static_cast<char>(size)};
}

std::string Number(uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

template <typename Info>
std::optional<RecordKeys> Fill(std::span<const std::byte> bytes, RecordKeys keys) {
  Info info{};
  if (bytes.size() != sizeof info) return std::nullopt;
  std::memcpy(&info, bytes.data(), sizeof info);
  std::memcpy(keys.key.data(), info.key, sizeof info.key);
  constexpr size_t kSalt = 12 - sizeof info.iv;
  std::memcpy(keys.iv.data(), info.salt, kSalt);
  std::memcpy(keys.iv.data() + kSalt, info.iv, sizeof info.iv);
  for (unsigned char byte : info.rec_seq) keys.sequence = keys.sequence << 8 | byte;
  return keys;
}

}  // namespace

struct RecordLayer::Context {
  bssl::ScopedEVP_AEAD_CTX aead;
};

RecordLayer::RecordLayer(const RecordKeys& keys)
    : keys_(keys), explicit_nonce_(keys.sequence), context_(std::make_unique<Context>()) {
  const EVP_AEAD* aead = keys.cipher == RecordCipher::kAes128Gcm   ? EVP_aead_aes_128_gcm()
                         : keys.cipher == RecordCipher::kAes256Gcm ? EVP_aead_aes_256_gcm()
                                                                   : EVP_aead_chacha20_poly1305();
  RP_CHECK(EVP_AEAD_CTX_init(context_->aead.get(), aead, keys.key.data(), keys.key_bytes(),
                             EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) == 1);
}

RecordLayer::~RecordLayer() = default;
RecordLayer::RecordLayer(RecordLayer&&) noexcept = default;

std::optional<RecordKeys> RecordLayer::FromKernel(std::span<const std::byte> bytes) {
  tls_crypto_info head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  RecordKeys keys;
  keys.tls13 = head.version == TLS_1_3_VERSION;
  switch (head.cipher_type) {
    case TLS_CIPHER_AES_GCM_128:
      keys.cipher = RecordCipher::kAes128Gcm;
      return Fill<tls12_crypto_info_aes_gcm_128>(bytes, keys);
    case TLS_CIPHER_AES_GCM_256:
      keys.cipher = RecordCipher::kAes256Gcm;
      return Fill<tls12_crypto_info_aes_gcm_256>(bytes, keys);
    case TLS_CIPHER_CHACHA20_POLY1305:
      keys.cipher = RecordCipher::kChaCha20Poly1305;
      return Fill<tls12_crypto_info_chacha20_poly1305>(bytes, keys);
    default:
      return std::nullopt;
  }
}

std::string RecordLayer::Seal(uint8_t type, std::string_view bytes) {
  std::string plain(bytes), nonce = NextNonce(), front;
  if (keys_.tls13) {
    plain.push_back(static_cast<char>(type));
  } else if (ExplicitNonce()) {
    front = nonce.substr(4);
  }
  std::string header = Header(keys_.tls13 ? 23 : type, front.size() + plain.size() + kTag);
  std::string associated = Associated(header, plain.size());
  std::string sealed(plain.size() + kTag, '\0');
  size_t size = 0;
  RP_CHECK(EVP_AEAD_CTX_seal(context_->aead.get(), Bytes(&sealed), &size, sealed.size(),
                             Bytes(&nonce), nonce.size(), Bytes(&plain), plain.size(),
                             Bytes(&associated), associated.size()) == 1);
  ++keys_.sequence;
  return header + front + sealed;
}

std::optional<std::pair<uint8_t, std::string>> RecordLayer::Open(std::string_view record) {
  std::string header(record.substr(0, 5)), nonce = NextNonce();
  record.remove_prefix(5);
  bool gcm12 = ExplicitNonce();
  if (gcm12) {
    if (record.size() < 8) return std::nullopt;
    nonce = nonce.substr(0, 4) + std::string(record.substr(0, 8));
    record.remove_prefix(8);
  }
  if (record.size() < kTag) return std::nullopt;
  std::string sealed(record), plain(record.size(), '\0');
  std::string associated = Associated(header, sealed.size() - kTag);
  size_t size = 0;
  if (EVP_AEAD_CTX_open(context_->aead.get(), Bytes(&plain), &size, plain.size(), Bytes(&nonce),
                        nonce.size(), Bytes(&sealed), sealed.size(), Bytes(&associated),
                        associated.size()) != 1) {
    return std::nullopt;
  }
  ++keys_.sequence;
  plain.resize(size);
  uint8_t type = static_cast<uint8_t>(header[0]);
  if (!keys_.tls13) return std::make_pair(type, plain);
  while (!plain.empty() && plain.back() == '\0') plain.pop_back();  // padding
  if (plain.empty() || header[0] != 23) return std::nullopt;
  type = static_cast<uint8_t>(plain.back());
  plain.pop_back();
  return std::make_pair(type, plain);
}

std::string RecordLayer::NextNonce() {
  std::string iv(reinterpret_cast<const char*>(keys_.iv.data()), keys_.iv.size());
  if (ExplicitNonce()) {
    return iv.substr(0, 4) + Number(explicit_nonce_++);
  }
  std::string number = Number(keys_.sequence);
  for (size_t i = 0; i < 8; ++i) iv[4 + i] = static_cast<char>(iv[4 + i] ^ number[i]);
  return iv;
}

std::string RecordLayer::Associated(const std::string& header, size_t plain_size) const {
  if (keys_.tls13) return header;
  return Number(keys_.sequence) + Header(static_cast<uint8_t>(header[0]), plain_size);
}

}  // namespace ringpost::tls
