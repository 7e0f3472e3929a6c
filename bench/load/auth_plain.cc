#include "bench/load/auth_plain.h"

#include <cstddef>
#include <cstdint>

namespace ringpost::bench {
namespace {

// RFC 4648 section 4.
void AppendBase64(std::string_view bytes, std::string* out) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? static_cast<uint8_t>(group[i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
      *out += i <= group.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
}

}  // namespace

std::string AuthPlain(std::string_view user, std::string_view password) {
  std::string message(1, '\0');  // no authorization identity
  message.append(user).append(1, '\0').append(password);
  std::string command = "AUTH PLAIN ";
  AppendBase64(message, &command);
  return command += "\r\n";
}

bool ParseAuthPlain(std::string_view pair, std::string* command) {
  const size_t colon = pair.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == pair.size()) return false;
  *command = AuthPlain(pair.substr(0, colon), pair.substr(colon + 1));
  return true;
}

}  // namespace ringpost::bench
