#include "gateway/smtp/xtext.h"

#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

// RFC 3461 section 4: hexchar has upper-case digits only.
int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

void AppendXtext(std::string* out, std::string_view text) {
  for (char c : text) {
    if (c >= '!' && c <= '~' && c != '+' && c != '=') {
      out->push_back(c);
    } else {
      out->push_back('+');
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
}

std::optional<std::string> DecodeXtext(std::string_view xtext, bool allow_utf8) {
  std::string text;
  text.reserve(xtext.size());
  for (size_t at = 0; at < xtext.size(); ++at) {
    char c = xtext[at];
    if (c == '+') {
      if (xtext.size() - at < 3) return std::nullopt;
      int high = HexDigit(xtext[at + 1]);
      int low = HexDigit(xtext[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      text.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    } else if ((c >= '!' && c <= '~' && c != '=') ||
               (allow_utf8 && static_cast<unsigned char>(c) >= 0x80)) {
      text.push_back(c);
    } else {
      return std::nullopt;
    }
  }
  if (allow_utf8 && !IsUtf8(xtext)) return std::nullopt;
  return text;
}

}  // namespace ringpost::smtp
