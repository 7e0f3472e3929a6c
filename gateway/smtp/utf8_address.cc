#include "gateway/smtp/utf8_address.h"

#include <cstdint>

namespace ringpost::smtp {
namespace {

// "\x{" HEXPOINT "}"
void AppendCodePoint(std::string* out, uint32_t point) {
  constexpr char kHex[] = "0123456789ABCDEF";
  out->append("\\x{");
  int shift = 20;
  while (shift > 4 && point >> shift == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) out->push_back(kHex[point >> shift & 15]);
  out->push_back('}');
}

// The code point at the start of `sequence`, one whole UTF-8 sequence.
uint32_t CodePoint(std::string_view sequence) {
  auto first = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return first;
  uint32_t point = first & (0xFFu >> (sequence.size() + 1));
  for (char c : sequence.substr(1)) point = point << 6 | (static_cast<uint8_t>(c) & 0x3F);
  return point;
}

}  // namespace

void AppendUtf8Address(std::string* out, std::string_view address, bool keep_utf8) {
  for (size_t at = 0; at < address.size();) {
    size_t length = 1;
    while (length < 4 && at + length < address.size() && (address[at + length] & 0xC0) == 0x80)
      ++length;
    std::string_view sequence = address.substr(at, length);
    char c = sequence[0];
    bool spelt = c == '\\' && address.substr(at).starts_with("\\x{");
    bool plain = c >= '!' && c <= '~' && c != '+' && c != '=' && c != '\\';
    if (spelt || plain || (keep_utf8 && (c & 0x80) != 0)) {
      out->append(sequence);
    } else {
      AppendCodePoint(out, CodePoint(sequence));
    }
    at += length;
  }
}

}  // namespace ringpost::smtp
