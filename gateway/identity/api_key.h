// Keys of the HTTP API: what one looks like, and what is stored of it.
//
//   rp_ 26 characters, 130 random bits; 4 characters that follow from them
//
// The beginning lets people and scanners of leaked secrets know one where they see it; the end
// tells a key that was mistyped or cut from one that is unknown, before anybody looks it up.
//
// Stored is its SHA-256 alone. That is enough, and no slow hash with a salt is needed as for
// passwords: nobody chose it, so there is nothing to guess from but 130 bits, and no two are alike.
// So a key can be looked up by its digest, at each request. For the same reason nobody can choose
// one.
//
// Threads: functions; any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/tls/password_hash.h"

namespace ringpost::identity {

// The caller wipes it (gateway/base/wipe.h).
std::string GenerateApiKey();
// Whether it is one, of whomever.
bool IsApiKey(std::string_view text);

// What is stored: format 1 (1), the digest (32).
struct ApiKeyRecord {
  static ApiKeyRecord Of(std::string_view key);
  std::string Encode() const;
  // Nothing: it is no record, or of another format.
  static std::optional<ApiKeyRecord> Decode(std::string_view bytes);

  bool operator==(const ApiKeyRecord&) const = default;

  tls::Digest digest{};
};

}  // namespace ringpost::identity
