// Local parts that bounces come to. Nothing but what was made is valid; what was made of the first
// 17 bytes (a key's number and an id) is, in either case, at its domain and by its key alone, until
// it is too old.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/mail/return_path.h"

namespace ringpost::mail {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);
constexpr std::string_view kDomain = "rp7x.example.com";
constexpr size_t kIdBytes = 16;

const std::array<ReturnPathKey, 2>& Keys() {
  static const tls::Key key = tls::Key::From(std::string(32, 'k'));
  static const tls::Key old = tls::Key::From(std::string(32, 'o'));
  static const std::array<ReturnPathKey, 2> keys = {{{0, &old}, {3, &key}}};
  return keys;
}

void CheckAny(std::string_view local_part) {
  ReturnPathResult result = VerifyReturnPath(local_part, kDomain, Keys(), kNow);
  bool ours =
      result.verdict == ReturnPathVerdict::kValid || result.verdict == ReturnPathVerdict::kStale;
  RP_CHECK(ours || result.id == MessageId{});
  if (result.verdict != ReturnPathVerdict::kValid) return;
  bool made = false;
  for (const ReturnPathKey& key : Keys()) {
    for (int days = -1; days <= 35; ++days) {
      made |= MakeReturnPath(key, kDomain, result.id, kNow - Seconds(days * 86'400)) ==
              ToLower(local_part);
    }
  }
  RP_CHECK(made);
}

void CheckMade(std::string_view bytes) {
  const ReturnPathKey& key = Keys()[static_cast<uint8_t>(bytes[0]) & 1];
  MessageId id = MessageId::FromKey(bytes.substr(1, kIdBytes));
  std::string made = MakeReturnPath(key, kDomain, id, kNow);
  RP_CHECK(made.size() == kReturnPathCharacters);
  if (bytes[0] & 2)
    std::transform(made.begin(), made.end(), made.begin(),
                   [](char c) { return IsAlpha(c) ? static_cast<char>(c & ~0x20) : c; });
  ReturnPathResult result = VerifyReturnPath(made, kDomain, Keys(), kNow);
  RP_CHECK(result.verdict == ReturnPathVerdict::kValid && result.id == id);
  for (int days : {-3, -2, -1, 0, 1, 34, 35, 36, 37}) {
    result = VerifyReturnPath(made, kDomain, Keys(), kNow + Seconds(days * 86'400));
    bool fresh = -1 <= days && days <= 35;
    RP_CHECK(result.verdict == (fresh ? ReturnPathVerdict::kValid : ReturnPathVerdict::kStale) &&
             result.id == id);
  }
  for (std::string_view other : {"rp7y.example.com", "x.example.com", "rp7x.example.org", ""}) {
    RP_CHECK(VerifyReturnPath(made, other, Keys(), kNow).verdict == ReturnPathVerdict::kForged);
  }
  const std::array<ReturnPathKey, 2> swapped = {
      {{Keys()[0].number, Keys()[1].key}, {Keys()[1].number, Keys()[0].key}}};
  RP_CHECK(VerifyReturnPath(made, kDomain, swapped, kNow).verdict == ReturnPathVerdict::kForged);
  char& changed = made[static_cast<uint8_t>(bytes[1]) % made.size()];
  changed = changed == '7' ? '2' : '7';
  result = VerifyReturnPath(made, kDomain, Keys(), kNow);
  RP_CHECK(result.id == MessageId{} && (result.verdict == ReturnPathVerdict::kForged ||
                                        result.verdict == ReturnPathVerdict::kMalformed));
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::mail;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckAny(bytes);
  if (size > kIdBytes) CheckMade(bytes);
  return 0;
}
