// Bytes as hexadecimal digits, for vectors.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::dns {

inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

inline std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (char c : bytes) {
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) >> 4]);
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

}  // namespace ringpost::dns
