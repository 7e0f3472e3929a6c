#include "gateway/smtp/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "gateway/base/wipe.h"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNone = 64;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return values;
}();

}  // namespace

void AppendBase64(std::string_view bytes, std::string* out) {
  ReserveWiped(out, out->size() + (bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
      out->push_back(i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=');
    }
  }
}

bool DecodeBase64(std::string_view text, std::string* out) {
  if (text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  const auto is_none = [](char c) { return kValues[static_cast<uint8_t>(c)] == kNone; };
  if (std::any_of(text.begin(), text.end(), is_none)) return false;
  ReserveWiped(out, out->size() + text.size() * 3 / 4);
  uint32_t group = 0;
  unsigned bits = 0;
  for (char c : text) {
    group = group << 6 | kValues[static_cast<uint8_t>(c)];
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out->push_back(static_cast<char>(group >> bits));
    group &= (1u << bits) - 1;
  }
  if (group == 0) return true;
  const size_t whole = text.size() * 3 / 4;
  std::fill_n(out->end() - static_cast<std::ptrdiff_t>(whole), whole, '\0');
  out->resize(out->size() - whole);
  return false;
}

}  // namespace ringpost::smtp
