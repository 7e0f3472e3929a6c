#include "gateway/delivery/target_addresses.h"

#include <algorithm>
#include <span>
#include <utility>

#include "gateway/base/check.h"

namespace ringpost::delivery {
namespace {

struct Range {
  std::string_view network;
  std::string_view words;
};

// The first that holds an address names it.
constexpr Range kSpecial[] = {
    {"0.0.0.0/8", "an address of \"this network\""},           // RFC 791 section 3.2
    {"10.0.0.0/8", "a private address"},                       // RFC 1918
    {"100.64.0.0/10", "a shared address"},                     // RFC 6598
    {"127.0.0.0/8", "a loopback address"},                     // RFC 1122 section 3.2.1.3
    {"169.254.0.0/16", "a link-local address"},                // RFC 3927
    {"172.16.0.0/12", "a private address"},                    // RFC 1918
    {"192.0.0.0/24", "an address for protocols of the IETF"},  // RFC 6890 section 2.1
    {"192.0.2.0/24", "an address for documentation"},          // RFC 5737
    {"192.168.0.0/16", "a private address"},                   // RFC 1918
    {"198.18.0.0/15", "an address for benchmarks"},            // RFC 2544
    {"198.51.100.0/24", "an address for documentation"},       // RFC 5737
    {"203.0.113.0/24", "an address for documentation"},        // RFC 5737
    {"224.0.0.0/4", "a multicast address"},                    // RFC 5771
    {"255.255.255.255", "the broadcast address"},              // RFC 919 section 7
    {"240.0.0.0/4", "a reserved address"},                     // RFC 1112 section 4
    {"::", "the unspecified address"},                         // RFC 4291 section 2.5.2
    {"::1", "a loopback address"},                             // RFC 4291 section 2.5.3
    {"::/96", "an IPv4-compatible address"},                   // RFC 4291 section 2.5.5.1
    {"64:ff9b:1::/48", "an address of a local translator"},    // RFC 8215
    {"100::/64", "an address that discards"},                  // RFC 6666
    {"100:0:0:1::/64", "an address that stands for none"},     // RFC 9780
    {"2001:2::/48", "an address for benchmarks"},              // RFC 5180
    {"2001:10::/28", "an identifier, not an address"},         // ORCHID: RFC 4843
    {"2001:20::/28", "an identifier, not an address"},         // ORCHIDv2: RFC 7343
    {"2001:db8::/32", "an address for documentation"},         // RFC 3849
    {"3fff::/20", "an address for documentation"},             // RFC 9637
    {"5f00::/16", "a segment identifier, not an address"},     // RFC 9602
    {"fc00::/7", "a unique local address"},                    // RFC 4193
    {"fe80::/10", "a link-local address"},                     // RFC 4291 section 2.5.6
    {"fec0::/10", "a site-local address"},                     // RFC 3879
    {"ff00::/8", "a multicast address"},                       // RFC 4291 section 2.7
};

// Where IPv6 addresses hold one of IPv4, and with which bits turned.
struct Embedding {
  std::string_view network;
  size_t at;  // the first of its four bytes
  uint8_t turned;
};
constexpr Embedding kEmbeddings[] = {
    {"64:ff9b::/96", 12, 0},  // NAT64's well-known prefix: RFC 6052 section 2.1
    {"2002::/16", 2, 0},      // 6to4: RFC 3056 section 2
    {"2001::/32", 4, 0},      // Teredo's server: RFC 4380 section 4
    {"2001::/32", 12, 0xFF},  // Teredo's client, as it is seen from outside
};

template <typename Entry>
struct Parsed {
  IpNetwork network;
  const Entry* entry;
};

template <typename Entry>
std::vector<Parsed<Entry>> Parse(std::span<const Entry> entries) {
  std::vector<Parsed<Entry>> parsed;
  for (const Entry& entry : entries) {
    auto network = IpNetwork::Parse(entry.network);
    RP_CHECK(network.has_value());
    parsed.push_back({*network, &entry});
  }
  return parsed;
}

IpAddress Inside(const IpAddress& address, const Embedding& embedding) {
  uint32_t v4 = 0;
  for (size_t i = 0; i < 4; ++i) {
    v4 = v4 << 8 | static_cast<uint8_t>(address.bytes[embedding.at + i] ^ embedding.turned);
  }
  return IpAddress::V4(v4);
}

}  // namespace

TargetAddresses::TargetAddresses(std::vector<IpNetwork> allowed, std::vector<IpAddress> own)
    : allowed_(std::move(allowed)), own_(std::move(own)) {}

std::string_view TargetAddresses::WhyNot(const IpAddress& address) const {
  static const auto* const kRanges = new auto(Parse(std::span<const Range>(kSpecial)));
  static const auto* const kInside = new auto(Parse(std::span<const Embedding>(kEmbeddings)));
  if (std::find(own_.begin(), own_.end(), address) != own_.end()) {
    return "this gateway's own address";
  }
  bool allowed = std::any_of(allowed_.begin(), allowed_.end(),
                             [&](const IpNetwork& network) { return network.Contains(address); });
  if (allowed) return "";
  for (const auto& [network, range] : *kRanges) {
    if (network.Contains(address)) return range->words;
  }
  for (const auto& [network, embedding] : *kInside) {
    if (!network.Contains(address)) continue;
    std::string_view words = WhyNot(Inside(address, *embedding));  // of IPv4, so it ends there
    if (!words.empty()) return words;
  }
  return "";
}

}  // namespace ringpost::delivery
