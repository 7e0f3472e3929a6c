#include "gateway/identity/api_key.h"

#include <algorithm>
#include <array>

#include "gateway/base/wipe.h"
#include "gateway/tls/aead.h"

namespace ringpost::identity {
namespace {

constexpr std::string_view kBegin = "rp_";
// 32 of them, none of which looks like another: five bits are one, with no bias.
constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(kAlphabet.size() == 32);
constexpr size_t kRandomCharacters = 26;
constexpr size_t kCheckCharacters = 4;
constexpr char kFormat = 1;

// One key in a million that was mistyped gets by; it is unknown then.
std::string CheckOf(std::string_view begin_and_random) {
  tls::Digest digest = tls::Sha256Of(begin_and_random);
  std::string check;
  for (size_t i = 0; i < kCheckCharacters; ++i) check.push_back(kAlphabet[digest[i] & 31]);
  return check;
}

}  // namespace

std::string GenerateApiKey() {
  std::array<uint8_t, kRandomCharacters> random;
  tls::RandomBytes(random);
  std::string key(kBegin);
  key.reserve(kBegin.size() + kRandomCharacters + kCheckCharacters);
  for (uint8_t byte : random) key.push_back(kAlphabet[byte & 31]);
  tls::Wipe(random.data(), random.size());
  return key += CheckOf(key);
}

bool IsApiKey(std::string_view text) {
  constexpr size_t kChecked = kBegin.size() + kRandomCharacters;
  if (text.size() != kChecked + kCheckCharacters || !text.starts_with(kBegin)) return false;
  return CheckOf(text.substr(0, kChecked)) == text.substr(kChecked) &&
         text.find_first_not_of(kAlphabet, kBegin.size()) == text.npos;
}

ApiKeyRecord ApiKeyRecord::Of(std::string_view key) { return {tls::Sha256Of(key)}; }

std::string ApiKeyRecord::Encode() const {
  return std::string(1, kFormat) + std::string(tls::View(digest));
}

std::optional<ApiKeyRecord> ApiKeyRecord::Decode(std::string_view bytes) {
  ApiKeyRecord record;
  if (bytes.size() != 1 + record.digest.size() || bytes[0] != kFormat) return std::nullopt;
  std::copy(bytes.begin() + 1, bytes.end(), record.digest.begin());
  return record;
}

}  // namespace ringpost::identity
