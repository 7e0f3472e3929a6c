// What passwords and SCRAM need of cryptography, over BoringSSL: SHA-256 (FIPS 180-4), HMAC-SHA-256
// (RFC 2104), PBKDF2 with it (RFC 8018 section 5.2), and a comparison that tells nothing by its
// time. What a password's record is made of is gateway/identity's to say.
//
// Errors: none; every input has an answer. What was on the stack is wiped.
//
// Threads: any. Pbkdf2Sha256 takes milliseconds: a worker's, never a shard's.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace ringpost::tls {

using Digest = std::array<uint8_t, 32>;

inline std::string_view View(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest Sha256Of(std::string_view bytes);

// Of the `parts` as one message.
Digest HmacSha256(std::string_view key, std::initializer_list<std::string_view> parts);

// The first block, which is Hi() of RFC 5802 section 2.2. Counts Counter::kPasswordIterations.
Digest Pbkdf2Sha256(std::string_view password, std::string_view salt, uint32_t iterations);

// Whether they are the same; how long it takes depends on their lengths alone.
bool SameSecret(std::string_view a, std::string_view b);

}  // namespace ringpost::tls
