#include "gateway/identity/password_record.h"

#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/smtp/base64.h"

namespace ringpost::identity {
namespace {

constexpr char kVersion = 1;

struct Keys {
  tls::Digest stored;
  tls::Digest server;
};

// RFC 5802 section 3.
Keys Derive(std::string_view password, const PasswordSalt& salt, uint32_t iterations) {
  const std::string_view salt_bytes(reinterpret_cast<const char*>(salt.data()), salt.size());
  tls::Digest salted = tls::Pbkdf2Sha256(password, salt_bytes, iterations);
  tls::Digest client = tls::HmacSha256(tls::View(salted), {"Client Key"});
  const Keys keys{tls::Sha256Of(tls::View(client)),
                  tls::HmacSha256(tls::View(salted), {"Server Key"})};
  tls::Wipe(salted.data(), salted.size());
  tls::Wipe(client.data(), client.size());
  return keys;
}

}  // namespace

bool IsPasswordText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

PasswordRecord PasswordRecord::Make(std::string_view password, const PasswordSalt& salt,
                                    uint32_t iterations) {
  RP_CHECK(iterations >= limits::kPasswordIterationsMin &&
           iterations <= limits::kPasswordIterationsMax);
  PasswordRecord record;
  record.iterations = iterations;
  record.salt = salt;
  const Keys keys = Derive(password, salt, iterations);
  record.stored_key = keys.stored;
  record.server_key = keys.server;
  return record;
}

PasswordRecord PasswordRecord::Make(std::string_view password) {
  PasswordSalt salt;
  tls::RandomBytes(salt);
  return Make(password, salt, limits::kPasswordIterationsDefault);
}

PasswordRecordBytes PasswordRecord::Encode() const {
  PasswordRecordBytes bytes;
  char* at = bytes.data();
  *at++ = kVersion;
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(iterations >> shift);
  auto put = [&at](const auto& part) {
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  put(salt);
  put(stored_key);
  put(server_key);
  return bytes;
}

std::optional<PasswordRecord> PasswordRecord::Decode(std::string_view bytes) {
  if (bytes.size() != kPasswordRecordBytes || bytes[0] != kVersion) return std::nullopt;
  PasswordRecord record;
  record.iterations = 0;
  for (char c : bytes.substr(1, 4)) {
    record.iterations = record.iterations << 8 | static_cast<uint8_t>(c);
  }
  if (record.iterations < limits::kPasswordIterationsMin ||
      record.iterations > limits::kPasswordIterationsMax) {
    return std::nullopt;
  }
  bytes.remove_prefix(5);
  auto take = [&bytes](auto* part) {
    std::memcpy(part->data(), bytes.data(), part->size());
    bytes.remove_prefix(part->size());
  };
  take(&record.salt);
  take(&record.stored_key);
  take(&record.server_key);
  return record;
}

bool PasswordRecord::Verify(std::string_view password) const {
  const Keys keys = Derive(password, salt, iterations);
  // What can be no password is hashed all the same. HMAC cannot tell it from one where it ends in
  // NULs.
  const bool same = tls::SameSecret(tls::View(keys.stored), tls::View(stored_key));
  return IsPasswordText(password) && same;
}

// ClientProof is ClientKey XOR HMAC(StoredKey, AuthMessage), and StoredKey is H(ClientKey).
bool PasswordRecord::CheckProof(std::string_view auth_message, std::string_view proof,
                                tls::Digest* server_signature) const {
  if (proof.size() != stored_key.size()) return false;
  tls::Digest client = tls::HmacSha256(tls::View(stored_key), {auth_message});
  for (size_t i = 0; i < client.size(); ++i) client[i] ^= static_cast<uint8_t>(proof[i]);
  const tls::Digest claimed = tls::Sha256Of(tls::View(client));
  tls::Wipe(client.data(), client.size());
  if (!tls::SameSecret(tls::View(claimed), tls::View(stored_key))) return false;
  *server_signature = tls::HmacSha256(tls::View(server_key), {auth_message});
  return true;
}

std::string MakeScramNonce() {
  std::array<uint8_t, 18> random;
  tls::RandomBytes(random);
  std::string nonce;
  smtp::AppendBase64({reinterpret_cast<const char*>(random.data()), random.size()}, &nonce);
  return nonce;
}

// The keys are no password's but by chance, of one in 2^256.
PasswordRecord UnknownNames::RecordOf(std::string_view name) const {
  PasswordRecord record;
  const std::string folded = ToLower(name);
  const tls::Digest salt = tls::HmacSha256(secret_.view(), {"salt", folded});
  std::copy_n(salt.begin(), record.salt.size(), record.salt.begin());
  record.stored_key = tls::HmacSha256(secret_.view(), {"stored", folded});
  record.server_key = tls::HmacSha256(secret_.view(), {"server", folded});
  return record;
}

}  // namespace ringpost::identity
