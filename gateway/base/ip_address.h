// IP addresses, endpoints and networks as values. No name is resolved here.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost {

// IPv4 is kept as an IPv4-mapped IPv6 address, so that one comparison serves both.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  static std::optional<IpAddress> Parse(std::string_view text);  // "192.0.2.1", "2001:db8::1"
  static IpAddress V4(uint32_t host_order);

  bool is_v4() const;
  std::string ToString() const;
  // RFC 5321 section 4.1.3: [192.0.2.1] or [IPv6:2001:db8::1].
  std::string ToLiteral() const;
  auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  // "192.0.2.1:25" or "[2001:db8::1]:25".
  static std::optional<Endpoint> Parse(std::string_view text);
  static std::optional<Endpoint> FromSockaddr(const sockaddr_storage& storage);
  // Fills `storage`, returns its length.
  socklen_t ToSockaddr(sockaddr_storage* storage) const;
  std::string ToString() const;
  auto operator<=>(const Endpoint&) const = default;
};

// A CIDR network: "127.0.0.0/8", "2001:db8::/32", or a single address.
struct IpNetwork {
  IpAddress address;
  uint8_t prefix_bits = 128;  // of the mapped form

  // Refuses host bits that are set beyond the prefix: nearly always a typing error.
  static std::optional<IpNetwork> Parse(std::string_view text);
  bool Contains(const IpAddress& other) const;
  std::string ToString() const;
  bool operator==(const IpNetwork&) const = default;
};

}  // namespace ringpost
