#include "gateway/smtp/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kV1Start = "PROXY ";
constexpr size_t kV1BytesMax = 107;  // the specification's worst case, CRLF included
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kV2FixedBytes = 16;

ProxyHeader Malformed() { return {State::kMalformed, 0, std::nullopt, std::nullopt}; }

ProxyHeader NeedMore(std::string_view bytes, size_t bytes_max) {
  return bytes.size() < bytes_max ? ProxyHeader{} : Malformed();
}

bool IsPrefixOfEither(std::string_view a, std::string_view b) {
  size_t common = std::min(a.size(), b.size());
  return a.substr(0, common) == b.substr(0, common);
}

// "0".."65535" without leading zeros.
std::optional<uint16_t> ParsePort(std::string_view text) {
  auto port = ParseDecimal(text);
  if (!port || *port > 65535 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

// PROXY TCP4|TCP6 SP source SP destination SP port SP port, single spaces; or PROXY UNKNOWN and
// anything.
ProxyHeader ParseV1(std::string_view bytes) {
  size_t end = bytes.substr(0, kV1BytesMax).find("\r\n");
  if (end == std::string_view::npos) return NeedMore(bytes, kV1BytesMax);
  ProxyHeader header{State::kParsed, end + 2, std::nullopt, std::nullopt};
  std::string_view rest = bytes.substr(kV1Start.size(), end - kV1Start.size());
  if (rest == "UNKNOWN" || rest.starts_with("UNKNOWN ")) return header;
  std::array<std::string_view, 5> words;
  for (size_t i = 0; i < words.size(); ++i) {
    size_t space = rest.find(' ');
    if ((space == std::string_view::npos) != (i + 1 == words.size())) return Malformed();
    words[i] = rest.substr(0, space);
    rest.remove_prefix(std::min(rest.size(), words[i].size() + 1));
  }
  bool v6 = words[0] == "TCP6";
  if (!v6 && words[0] != "TCP4") return Malformed();
  auto source = IpAddress::Parse(words[1]);
  auto destination = IpAddress::Parse(words[2]);
  auto source_port = ParsePort(words[3]);
  auto destination_port = ParsePort(words[4]);
  if (!source || !destination || !source_port || !destination_port) return Malformed();
  auto has_colon = [](std::string_view text) { return text.find(':') != std::string_view::npos; };
  if (has_colon(words[1]) != v6 || has_colon(words[2]) != v6) return Malformed();
  header.source = Endpoint{*source, *source_port};
  header.destination = Endpoint{*destination, *destination_port};
  return header;
}

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint16_t ReadU16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1));
}

IpAddress ReadAddress(std::string_view bytes, size_t at, bool v6) {
  IpAddress address;
  if (v6) {
    std::memcpy(address.bytes.data(), bytes.data() + at, 16);
    return address;
  }
  return IpAddress::V4(static_cast<uint32_t>(ReadU16(bytes, at)) << 16 | ReadU16(bytes, at + 2));
}

// Fixed part, addresses, then TLVs, which are skipped.
ProxyHeader ParseV2(std::string_view bytes) {
  if (bytes.size() < kV2FixedBytes) return {};
  const uint8_t version = ByteAt(bytes, 12) >> 4;
  const uint8_t command = ByteAt(bytes, 12) & 15;
  const uint8_t family = ByteAt(bytes, 13) >> 4;
  const uint8_t transport = ByteAt(bytes, 13) & 15;
  const size_t length = ReadU16(bytes, 14);
  if (version != 2 || command > 1 || family > 3 || transport > 2) return Malformed();
  if (kV2FixedBytes + length > limits::kProxyHeaderBytesMax) return Malformed();
  if (bytes.size() < kV2FixedBytes + length) return {};
  ProxyHeader header{State::kParsed, kV2FixedBytes + length, std::nullopt, std::nullopt};
  const bool local = command == 0;
  const bool inet = family == 1 || family == 2;
  // LOCAL (a health check of the proxy's own), and families without an IP address: the real peer
  // stands.
  if (local || !inet) return header;
  if (transport != 1) return Malformed();  // not a stream: it can't have come over this connection
  const bool v6 = family == 2;
  const size_t address_bytes = v6 ? 16 : 4;
  if (length < 2 * address_bytes + 4) return Malformed();
  const size_t ports = kV2FixedBytes + 2 * address_bytes;
  header.source = Endpoint{ReadAddress(bytes, kV2FixedBytes, v6), ReadU16(bytes, ports)};
  header.destination =
      Endpoint{ReadAddress(bytes, kV2FixedBytes + address_bytes, v6), ReadU16(bytes, ports + 2)};
  return header;
}

}  // namespace

ProxyHeader ParseProxyHeader(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (IsPrefixOfEither(bytes, kV2Signature)) {
    return bytes.size() < kV2Signature.size() ? ProxyHeader{} : ParseV2(bytes);
  }
  if (!IsPrefixOfEither(bytes, kV1Start)) return Malformed();
  return bytes.size() < kV1Start.size() ? ProxyHeader{} : ParseV1(bytes);
}

}  // namespace ringpost::smtp
