#include "gateway/mail/content_encoding.h"

#include <algorithm>
#include <cstdint>

namespace ringpost::mail {
namespace {

constexpr size_t kLineMax = 998;        // RFC 5322 section 2.1.1
constexpr size_t kEncodedLineMax = 76;  // RFC 2045 section 6.7 rule 5
constexpr size_t kBase64LineBytes = kEncodedLineMax / 4 * 3;

constexpr char kHex[] = "0123456789ABCDEF";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool IsCrlf(std::string_view text, size_t at) {
  return at + 1 < text.size() && text[at] == '\r' && text[at + 1] == '\n';
}

}  // namespace

ContentTraits InspectContent(std::string_view bytes) {
  ContentTraits traits;
  size_t line_begin = 0;
  auto end_line = [&](size_t end) { traits.long_line |= end - line_begin > kLineMax; };
  for (size_t at = 0; at < bytes.size(); ++at) {
    char c = bytes[at];
    traits.high_bytes += static_cast<uint8_t>(c) >> 7;
    if (c == 0) traits.nul = true;
    if (c != '\r' && c != '\n') continue;
    if (IsCrlf(bytes, at)) {
      end_line(at);
      line_begin = ++at + 1;
    } else {
      traits.bare_newline = true;
    }
  }
  end_line(bytes.size());
  return traits;
}

void AppendQuotedPrintable(std::string_view text, std::string* out) {
  size_t column = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (IsCrlf(text, at)) {
      out->append("\r\n");
      column = 0;
      ++at;
      continue;
    }
    char c = text[at];
    bool ends_line = at + 1 == text.size() || IsCrlf(text, at + 1);
    bool literal = (c > 0x20 && c < 0x7F && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
    // The last place of a line is for the "=" of a soft break, unless the line ends here.
    if (column + (literal ? 1 : 3) > kEncodedLineMax - (ends_line ? 0 : 1)) {
      out->append("=\r\n");
      column = 0;
    }
    if (column == 0 && c == '-' && text.substr(at).starts_with("--")) literal = false;
    if (literal) {
      out->push_back(c);
      ++column;
    } else {
      out->push_back('=');
      out->push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out->push_back(kHex[static_cast<uint8_t>(c) & 15]);
      column += 3;
    }
  }
}

void AppendBase64(std::string_view bytes, std::string* out) {
  for (size_t from = 0; from < bytes.size(); from += kBase64LineBytes) {
    std::string_view line = bytes.substr(from, kBase64LineBytes);
    for (size_t at = 0; at < line.size(); at += 3) {
      size_t count = std::min<size_t>(3, line.size() - at);
      uint32_t group = 0;
      for (size_t i = 0; i < 3; ++i)
        group = group << 8 | (i < count ? static_cast<uint8_t>(line[at + i]) : 0);
      for (size_t i = 0; i < 4; ++i) {
        out->push_back(i <= count ? kBase64[group >> (18 - 6 * i) & 63] : '=');
      }
    }
    out->append("\r\n");
  }
}

}  // namespace ringpost::mail
