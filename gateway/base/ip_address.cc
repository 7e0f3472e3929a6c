#include "gateway/base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace ringpost {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) {
  IpAddress address;
  std::memcpy(address.bytes.data(), kMappedPrefix, 12);
  for (int i = 0; i < 4; ++i)
    address.bytes[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof terminated) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  if (std::strlen(terminated) != text.size()) return std::nullopt;
  in_addr v4;
  if (inet_pton(AF_INET, terminated, &v4) == 1) return V4(ntohl(v4.s_addr));
  IpAddress v6;
  if (inet_pton(AF_INET6, terminated, v6.bytes.data()) == 1) return v6;
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::memcmp(bytes.data(), kMappedPrefix, 12) == 0; }

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

std::string IpAddress::ToLiteral() const { return (is_v4() ? "[" : "[IPv6:") + ToString() + "]"; }

std::optional<Endpoint> Endpoint::Parse(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = IpAddress::Parse(host);
  auto port = ParseNumber<uint16_t>(text.substr(colon + 1));
  if (!address || !port || bracketed == address->is_v4()) return std::nullopt;
  return Endpoint{*address, *port};
}

std::optional<Endpoint> Endpoint::FromSockaddr(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    endpoint.address = IpAddress::V4(ntohl(in.sin_addr.s_addr));
    endpoint.port = ntohs(in.sin_port);
    return endpoint;
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    std::memcpy(endpoint.address.bytes.data(), &in.sin6_addr, 16);
    endpoint.port = ntohs(in.sin6_port);
    return endpoint;
  }
  return std::nullopt;
}

socklen_t Endpoint::ToSockaddr(sockaddr_storage* storage) const {
  std::memset(storage, 0, sizeof *storage);
  if (address.is_v4()) {
    auto* in = reinterpret_cast<sockaddr_in*>(storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, address.bytes.data() + 12, 4);
    return sizeof *in;
  }
  auto* in = reinterpret_cast<sockaddr_in6*>(storage);
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(port);
  std::memcpy(&in->sin6_addr, address.bytes.data(), 16);
  return sizeof *in;
}

std::string Endpoint::ToString() const {
  std::string host = address.is_v4() ? address.ToString() : "[" + address.ToString() + "]";
  return host + ":" + std::to_string(port);
}

std::optional<IpNetwork> IpNetwork::Parse(std::string_view text) {
  size_t slash = text.find('/');
  auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, 128};
  if (slash != std::string_view::npos) {
    auto bits = ParseNumber<uint8_t>(text.substr(slash + 1));
    uint8_t most = address->is_v4() ? 32 : 128;
    if (!bits || *bits > most) return std::nullopt;
    network.prefix_bits = static_cast<uint8_t>(*bits + (128 - most));
  }
  for (int bit = network.prefix_bits; bit < 128; ++bit) {
    if (network.address.bytes[bit / 8] & (0x80 >> bit % 8)) return std::nullopt;
  }
  return network;
}

bool IpNetwork::Contains(const IpAddress& other) const {
  if (address.is_v4() != other.is_v4()) return false;
  int whole = prefix_bits / 8;
  if (std::memcmp(address.bytes.data(), other.bytes.data(), static_cast<size_t>(whole)) != 0)
    return false;
  int rest = prefix_bits % 8;
  if (rest == 0) return true;
  uint8_t mask = static_cast<uint8_t>(0xFF << (8 - rest));
  return (address.bytes[whole] & mask) == (other.bytes[whole] & mask);
}

std::string IpNetwork::ToString() const {
  int bits = address.is_v4() ? prefix_bits - 96 : prefix_bits;
  return address.ToString() + "/" + std::to_string(bits);
}

}  // namespace ringpost
