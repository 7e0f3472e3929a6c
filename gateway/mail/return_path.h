// The local part of the return path: it names the message that a bounce is about, and proves that
// the name is ours, so that nobody can bounce what he never got.
//
// 30 bytes as 48 characters of base 32 (RFC 4648 section 6, lower case, without padding), of the 64
// that a local part may have (RFC 5321 section 4.5.3.1.1):
//
//   1   form (high four bits: 1) and the number of the key (low four bits)
//   2   the day it was made, counted from 1970-01-01 in UTC
//   16  the message's id
//   11  HMAC-SHA256 under the key of a fixed label, all of the above and the domain it is at, cut
//       to 88 bits: at another customer's name it is worth nothing
//
// Letters may come back in upper case, as some servers make them. It holds the message, not the
// recipient: the same transaction may have many. It is sealed against nobody's eyes; ids are
// random.
//
// Threads: functions; any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"
#include "gateway/tls/aead.h"

namespace ringpost::mail {

// Part of the form.
inline constexpr size_t kReturnPathCharacters = 48;
// For so long a bounce is believed; who bounces later than this does not mean it.
inline constexpr Seconds kReturnPathLife{35 * 86'400};

// Keys are known by number: a new one is used, and old ones stay until what they made is stale.
struct ReturnPathKey {
  uint8_t number = 0;  // 0 to 15
  const tls::Key* key = nullptr;
};

// What a local part is worth.
enum class ReturnPathVerdict : uint8_t {
  kValid,
  kStale,      // ours, and older than kReturnPathLife, or of a day that is to come
  kForged,     // of our form, and not made with a key that we have
  kMalformed,  // of no form of ours: some other address
};

struct ReturnPathResult {
  ReturnPathVerdict verdict = ReturnPathVerdict::kMalformed;
  MessageId id;  // of kValid and kStale
};

// `domain`: what is behind the '@', in A-labels and lower case.
std::string MakeReturnPath(const ReturnPathKey& key, std::string_view domain, const MessageId& id,
                           WallTime now);
ReturnPathResult VerifyReturnPath(std::string_view local_part, std::string_view domain,
                                  std::span<const ReturnPathKey> keys, WallTime now);

}  // namespace ringpost::mail
