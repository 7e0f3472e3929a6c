#include "gateway/dns/name.h"

#include <algorithm>
#include <cstdint>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {
namespace {

// The two top bits of a length: 11 is a pointer; 01 and 10 are nothing any more (RFC 6891 section
// 5).
constexpr uint8_t kPointerBits = 0xC0;

bool IsLabelByte(char c) { return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_'; }

// Calls `fits` with each label; false where one does not, or where there is none.
template <typename Fits>
bool EachLabel(std::string_view name, Fits fits) {
  if (name.size() > limits::kNameBytesMax) return false;
  while (true) {
    std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > limits::kLabelBytesMax || !fits(label)) return false;
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

void AppendLabelText(std::string_view label, std::string* name) {
  if (!name->empty()) name->push_back('.');
  for (char c : label) {
    if (IsLabelByte(c) || c == '*' || c == '/') {
      name->push_back(AsciiLower(c));
    } else {
      auto byte = static_cast<uint8_t>(c);
      *name += {'\\', static_cast<char>('0' + byte / 100), static_cast<char>('0' + byte / 10 % 10),
                static_cast<char>('0' + byte % 10)};
    }
  }
}

}  // namespace

bool IsName(std::string_view name) {
  return EachLabel(name, [](std::string_view label) {
    return std::all_of(label.begin(), label.end(), IsLabelByte);
  });
}

bool IsHostName(std::string_view name) {
  return IsName(name) && EachLabel(name, [](std::string_view label) {
           return label.front() != '-' && label.back() != '-' && label.find('_') == label.npos;
         });
}

std::string ReverseName(const IpAddress& address) {
  constexpr size_t kV4Bytes = 4;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  size_t bytes = address.is_v4() ? kV4Bytes : address.bytes.size();
  for (size_t i = 1; i <= bytes; ++i) {
    uint8_t byte = address.bytes[address.bytes.size() - i];
    if (address.is_v4()) {
      name += std::to_string(byte) + ".";
    } else {
      name += {kDigits[byte & 15], '.', kDigits[byte >> 4], '.'};
    }
  }
  return name + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

std::string CanonicalName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return ToLower(name);
}

bool IsAtOrBelow(std::string_view name, std::string_view zone) {
  if (zone.empty() || name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) &&
         name[name.size() - zone.size() - 1] == '.';
}

std::string JoinNames(std::string_view below, std::string_view above) {
  std::string name(below);
  if (!below.empty() && !above.empty()) name.push_back('.');
  return name.append(above);
}

void AppendNameOnWire(std::string_view name, std::string* out) {
  RP_CHECK(name.empty() || IsName(name));
  while (!name.empty()) {
    std::string_view label = name.substr(0, name.find('.'));
    out->push_back(static_cast<char>(label.size()));
    out->append(label);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out->push_back('\0');
}

bool ReadName(std::string_view message, size_t* at, std::string* name) {
  name->clear();
  size_t from = *at;
  size_t bytes = 1;  // on the wire, with the root
  size_t pointers = 0;
  while (from < message.size()) {
    auto length = static_cast<uint8_t>(message[from]);
    if ((length & kPointerBits) == kPointerBits) {
      if (from + 1 >= message.size() || ++pointers > limits::kNamePointersMax) return false;
      size_t target = (length & 0x3FU) << 8 | static_cast<uint8_t>(message[from + 1]);
      if (target >= from) return false;  // only backwards, so there is no loop
      if (pointers == 1) *at = from + 2;
      from = target;
      continue;
    }
    if ((length & kPointerBits) != 0) return false;
    if (length == 0) {
      if (pointers == 0) *at = from + 1;
      return true;
    }
    bytes += 1 + length;
    if (from + 1 + length > message.size() || bytes > limits::kNameBytesMax + 2) return false;
    AppendLabelText(message.substr(from + 1, length), name);
    from += 1 + length;
  }
  return false;
}

}  // namespace ringpost::dns
