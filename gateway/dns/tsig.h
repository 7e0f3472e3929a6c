// TSIG: messages of the DNS signed with a key that both sides have (RFC 8945), by HMAC-SHA256.
//
// Whole messages, one question and one answer. The hash is the caller's: this room has no
// cryptography of its own.
//
// Threads: functions; any.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::dns {

// HMAC-SHA256 (RFC 2104) of `message`.
using HmacFunction = std::array<uint8_t, 32> (*)(std::string_view key, std::string_view message);

struct TsigKey {
  std::string name;    // canonical; both sides call it so
  std::string secret;  // its bytes

  // "hmac-sha256:NAME:BASE64" or "NAME:BASE64", as servers' tools print and take it.
  // INVALID_ARGUMENT: of another algorithm, no name, or a secret outside of limits::kTsigKeyBytes*;
  // the secret is in no message.
  static StatusOr<TsigKey> Parse(std::string_view text);
};

// Appends the TSIG record to a message without one, and counts it in the header. Gives the MAC,
// which the answer's covers.
std::string SignTsig(const TsigKey& key, WallTime now, HmacFunction hmac, std::string* message);

// Whether the answer to a message is of who has the key, and was made within the fudge of `now`.
// UNAUTHENTICATED: it has no TSIG, another key's, or a wrong MAC. PERMISSION_DENIED: the server
// says that it refuses our key, signature or clock (such an answer cannot be signed: RFC 8945
// section 5.3.2; anybody on the way could have said so). INVALID_ARGUMENT: malformed.
Status VerifyTsig(const TsigKey& key, std::string_view request_mac, WallTime now, HmacFunction hmac,
                  std::string_view answer);

}  // namespace ringpost::dns
