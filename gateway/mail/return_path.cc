#include "gateway/mail/return_path.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/tls/password_hash.h"

namespace ringpost::mail {
namespace {

constexpr size_t kBytes = 30;
constexpr size_t kDayAt = 1;
constexpr size_t kIdAt = 3;
constexpr size_t kIdBytes = 16;
constexpr size_t kTagAt = kIdAt + kIdBytes;
constexpr size_t kTagBytes = kBytes - kTagAt;
static_assert(kBytes * 8 == kReturnPathCharacters * 5, "no bits are left over");

constexpr uint8_t kForm = 1;
// So that the key's tags are good for nothing else.
constexpr std::string_view kLabel = "return path 1";
// Clocks of hosts that share keys differ, and a day begins somewhere.
constexpr int64_t kDaysAheadMax = 1;  // of a format: the day is all that is in it

using Bytes = std::array<uint8_t, kBytes>;

constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

std::string Encode(const Bytes& bytes) {
  std::string text;
  text.reserve(kReturnPathCharacters);
  uint32_t held = 0;
  int bits = 0;
  for (uint8_t byte : bytes) {
    held = held << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(kAlphabet[held >> (bits - 5) & 31]);
  }
  return text;
}

int DigitOf(char c) {
  if (IsAlpha(c)) return AsciiLower(c) - 'a';
  return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

std::optional<Bytes> Decode(std::string_view text) {
  if (text.size() != kReturnPathCharacters) return std::nullopt;
  Bytes bytes;
  uint32_t held = 0;
  int bits = 0;
  size_t at = 0;
  for (char c : text) {
    int digit = DigitOf(c);
    if (digit < 0) return std::nullopt;
    held = held << 5 | static_cast<uint32_t>(digit);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = static_cast<uint8_t>(held >> bits);
  }
  return bytes;
}

int64_t DayOf(WallTime time) {
  return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

std::string_view View(const Bytes& bytes, size_t at, size_t count) {
  return {reinterpret_cast<const char*>(bytes.data()) + at, count};
}

// What is in front of the domain has one length.
tls::Digest TagOf(const tls::Key& key, const Bytes& bytes, std::string_view domain) {
  return tls::HmacSha256(key.view(), {kLabel, View(bytes, 0, kTagAt), domain});
}

}  // namespace

std::string MakeReturnPath(const ReturnPathKey& key, std::string_view domain, const MessageId& id,
                           WallTime now) {
  RP_CHECK(key.number < 16 && key.key != nullptr);
  Bytes bytes;
  bytes[0] = static_cast<uint8_t>(kForm << 4 | key.number);
  auto day = static_cast<uint16_t>(DayOf(now));
  bytes[kDayAt] = static_cast<uint8_t>(day >> 8);
  bytes[kDayAt + 1] = static_cast<uint8_t>(day);
  std::copy(id.bytes.begin(), id.bytes.end(), bytes.begin() + kIdAt);
  tls::Digest tag = TagOf(*key.key, bytes, domain);
  std::copy_n(tag.begin(), kTagBytes, bytes.begin() + kTagAt);
  return Encode(bytes);
}

ReturnPathResult VerifyReturnPath(std::string_view local_part, std::string_view domain,
                                  std::span<const ReturnPathKey> keys, WallTime now) {
  std::optional<Bytes> bytes = Decode(local_part);
  if (!bytes || (*bytes)[0] >> 4 != kForm) return {};
  auto key = std::find_if(keys.begin(), keys.end(), [&bytes](const ReturnPathKey& one) {
    return one.number == ((*bytes)[0] & 15);
  });
  if (key == keys.end()) return {ReturnPathVerdict::kForged, {}};
  tls::Digest tag = TagOf(*key->key, *bytes, domain);
  if (!tls::SameSecret(View(*bytes, kTagAt, kTagBytes), tls::View(tag).substr(0, kTagBytes))) {
    return {ReturnPathVerdict::kForged, {}};
  }
  int64_t age = DayOf(now) - ((*bytes)[kDayAt] << 8 | (*bytes)[kDayAt + 1]);
  bool fresh = age >= -kDaysAheadMax && age <= kReturnPathLife / std::chrono::days(1);
  return {fresh ? ReturnPathVerdict::kValid : ReturnPathVerdict::kStale,
          MessageId::FromKey(View(*bytes, kIdAt, kIdBytes))};
}

}  // namespace ringpost::mail
