#include "gateway/identity/password_choice.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/password_record.h"
#include "gateway/tls/aead.h"

namespace ringpost::identity {
namespace {

// 32 of them: five random bits are one, with no bias.
constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(kAlphabet.size() == 32);
constexpr size_t kGeneratedBytes = 26;
// A name shorter than this may stand in a password by chance.
constexpr size_t kTellingNameBytes = 4;

// Some part of it, again and again.
bool Repeats(std::string_view text) {
  for (size_t period = 1; period <= text.size() / 2; ++period) {
    if (text.substr(period) == text.substr(0, text.size() - period)) return true;
  }
  return false;
}

// Up or down in steps of one, as "123456" and "fedcba" do.
bool Counts(std::string_view text) {
  for (int step : {1, -1}) {
    const auto breaks = [step](char a, char b) { return b - a != step; };
    if (std::adjacent_find(text.begin(), text.end(), breaks) == text.end()) return true;
  }
  return false;
}

size_t DistinctBytes(std::string_view text) {
  std::bitset<256> seen;
  for (char c : text) seen.set(static_cast<uint8_t>(c));
  return seen.count();
}

bool HoldsName(std::string_view password, std::string_view name) {
  std::string lower = ToLower(password);
  WipedAtEnd wiped(&lower);
  const std::string whole = ToLower(name);
  const std::string local = whole.substr(0, whole.find('@'));
  return lower == whole ||
         (local.size() >= kTellingNameBytes && lower.find(local) != std::string::npos);
}

}  // namespace

std::string GeneratePassword() {
  std::array<uint8_t, kGeneratedBytes> random;
  tls::RandomBytes(random);
  std::string password;
  password.reserve(kGeneratedBytes);
  for (uint8_t byte : random) password.push_back(kAlphabet[byte & 31]);
  tls::Wipe(random.data(), random.size());
  return password;
}

std::string_view WhyNotPassword(std::string_view password, std::string_view name) {
  static_assert(limits::kPasswordBytesMin == 12 && limits::kPasswordBytesMax == 128,
                "the words say so");
  if (password.size() < limits::kPasswordBytesMin) return "a password has 12 characters or more";
  if (password.size() > limits::kPasswordBytesMax) return "a password has 128 characters or fewer";
  if (!IsPasswordText(password)) {
    return "a password is of printable ASCII: clients do not agree on how other characters are "
           "sent";
  }
  if (HoldsName(password, name))
    return "the password holds the user's name, which is guessed first";
  if (DistinctBytes(password) < limits::kPasswordDistinctBytesMin || Repeats(password) ||
      Counts(password)) {
    return "the password is a repetition or a sequence, which is guessed early";
  }
  return {};
}

}  // namespace ringpost::identity
