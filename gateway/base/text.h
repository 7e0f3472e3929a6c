// Small helpers for protocol text: ASCII only, no locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost {

inline char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsAlpha(char c) { return (AsciiLower(c) >= 'a' && AsciiLower(c) <= 'z'); }

bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);
std::string ToLower(std::string_view text);
// A byte that is not ASCII.
bool HasEighthBit(std::string_view text);
std::string_view TrimSpace(std::string_view text);  // SP and HTAB at both ends
// Decimal digits only, all of `text`, no sign; nothing where it does not fit.
std::optional<uint64_t> ParseDecimal(std::string_view text);
// What a hostile peer sent, made fit for a log line or a terminal: control characters and bytes
// that are not UTF-8 become '?', and it is cut at `bytes_max`.
std::string Printable(std::string_view text, size_t bytes_max);
// Appends `text` as the inside of a JSON string (no quotes); bytes that are not UTF-8 become
// U+FFFD.
void AppendJsonEscaped(std::string* out, std::string_view text);
// How many bytes of `text` from its start form whole, valid UTF-8 (RFC 3629).
size_t ValidUtf8Prefix(std::string_view text);
inline bool IsUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

}  // namespace ringpost
