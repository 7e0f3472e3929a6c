#include "tools/ringpost/text.h"

#include <chrono>
#include <cstdio>

#include "gateway/base/text.h"

namespace ringpost::cli {
namespace {

// The code point of the valid UTF-8 sequence at `text`, and its length.
uint32_t Decode(std::string_view text, size_t* size) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return *size = 1, byte(0);
  if (byte(0) < 0xe0) return *size = 2, (byte(0) & 0x1fu) << 6 | (byte(1) & 0x3fu);
  if (byte(0) < 0xf0) {
    return *size = 3, (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
  }
  return *size = 4, (byte(0) & 0x07u) << 18 | (byte(1) & 0x3fu) << 12 | (byte(2) & 0x3fu) << 6 |
                        (byte(3) & 0x3fu);
}

bool Shown(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  return !(code >= 0x200b && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
         !(code >= 0x2066 && code <= 0x2069) && code != 0xfeff;
}

}  // namespace

std::string SafeText(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    size_t valid = ValidUtf8Prefix(text);
    for (size_t at = 0; at < valid;) {
      size_t size = 0;
      uint32_t code = Decode(text.substr(at), &size);
      Shown(code) ? safe.append(text.substr(at, size)) : safe.append("?");
      at += size;
    }
    text.remove_prefix(valid);
    if (!text.empty()) {
      safe.push_back('?');
      text.remove_prefix(1);
    }
  }
  return safe;
}

std::string SafeLines(std::string_view text) {
  std::string safe;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    safe += SafeText(text.substr(0, end)) + "\n";
  }
  return safe + SafeText(text);
}

size_t Columns(std::string_view text) {
  size_t columns = 0;
  for (unsigned char c : text) columns += (c & 0xc0) != 0x80;
  return columns;
}

std::string Fit(std::string_view text, size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  std::string fitted;
  size_t used = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && ++used >= columns) break;
    fitted.push_back(text[i]);
  }
  return fitted + "…";
}

std::string Wrap(std::string_view text, size_t columns, size_t indent) {
  std::string wrapped;
  size_t used = 0;
  while (!text.empty()) {
    size_t end = text.find(' ', 1);
    std::string_view word = text.substr(0, end);
    text.remove_prefix(word.size());
    size_t width = Columns(word);
    if (used > indent && used + width > columns) {
      wrapped.push_back('\n');
      wrapped.append(indent, ' ');
      used = indent;
      if (word[0] == ' ') {
        word.remove_prefix(1);
        --width;
      }
    }
    wrapped.append(word);
    used += width;
  }
  return wrapped;
}

std::string FormatCount(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::optional<WallTime> ParseTime(std::string_view rfc3339) {
  int year, month, day, hour, minute, second, millis;
  std::string text(rfc3339);
  int end = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
                  &minute, &second, &millis, &end) != 7 ||
      end != static_cast<int>(text.size())) {
    return std::nullopt;
  }
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) + Millis(millis));
}

std::string FormatTime(std::string_view rfc3339) {
  if (!ParseTime(rfc3339)) return SafeText(rfc3339);
  return std::string(rfc3339.substr(0, 10)) + " " + std::string(rfc3339.substr(11, 8)) + " UTC";
}

}  // namespace ringpost::cli
