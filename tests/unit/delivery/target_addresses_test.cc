#include "gateway/delivery/target_addresses.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace ringpost::delivery {
namespace {

// Both ends of a range, and their neighbours outside; "": one that is refused too, or none.
struct Range {
  const char* name;
  std::string before, first, last, after;
  std::string_view words;
};
std::ostream& operator<<(std::ostream& out, const Range& range) { return out << range.name; }

class TargetAddressesTest : public testing::TestWithParam<Range> {};

std::string_view WhyNot(const std::string& address, std::vector<IpNetwork> allowed = {}) {
  auto parsed = IpAddress::Parse(address);
  if (!parsed) return "no address";
  TargetAddresses targets(std::move(allowed));
  EXPECT_EQ(targets.MayConnect(*parsed), targets.WhyNot(*parsed).empty());
  return targets.WhyNot(*parsed);
}

TEST_P(TargetAddressesTest, EndsWhereItShould) {
  const Range& range = GetParam();
  EXPECT_EQ(WhyNot(range.first), range.words);
  EXPECT_EQ(WhyNot(range.last), range.words);
  for (const std::string& outside : {range.before, range.after}) {
    if (outside.empty()) continue;
    EXPECT_EQ(WhyNot(outside), "") << outside;
  }
}

const Range kRanges[] = {
    {"this_network", "", "0.0.0.0", "0.255.255.255", "1.0.0.0", "an address of \"this network\""},
    {"private_10", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "a private address"},
    {"shared", "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0",
     "a shared address"},
    {"loopback", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0",
     "a loopback address"},
    {"link_local", "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0",
     "a link-local address"},
    {"private_172", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0",
     "a private address"},
    {"ietf", "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0",
     "an address for protocols of the IETF"},
    {"documentation_1", "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0",
     "an address for documentation"},
    {"private_192", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0",
     "a private address"},
    {"benchmarks", "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0",
     "an address for benchmarks"},
    {"documentation_2", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0",
     "an address for documentation"},
    {"documentation_3", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0",
     "an address for documentation"},
    {"multicast", "223.255.255.255", "224.0.0.0", "239.255.255.255", "", "a multicast address"},
    {"reserved", "", "240.0.0.0", "255.255.255.254", "", "a reserved address"},
    {"broadcast", "", "255.255.255.255", "255.255.255.255", "", "the broadcast address"},
    {"mapped_private", "::ffff:9.255.255.255", "::ffff:10.0.0.0", "::ffff:10.255.255.255",
     "::ffff:11.0.0.0", "a private address"},
    {"unspecified", "", "::", "::", "", "the unspecified address"},
    {"loopback_6", "", "::1", "::1", "", "a loopback address"},
    {"compatible", "", "::2", "::ffff:ffff", "::1:0:0", "an IPv4-compatible address"},
    {"compatible_public", "", "::1.1.1.1", "::8.8.8.8", "", "an IPv4-compatible address"},
    {"nat64_private", "64:ff9b::9.255.255.255", "64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255",
     "64:ff9b::11.0.0.0", "a private address"},
    {"nat64_loopback", "64:ff9b::126.255.255.255", "64:ff9b::127.0.0.0", "64:ff9b::127.0.0.1",
     "64:ff9b:0:0:0:1:7f00:1", "a loopback address"},
    {"nat64_local", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::",
     "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::", "an address of a local translator"},
    {"discards", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff", "",
     "an address that discards"},
    {"dummy", "", "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff",
     "100:0:0:2::", "an address that stands for none"},
    {"teredo_server", "2001:0:9ff:ffff::f7f7:f7f7", "2001:0:a00::f7f7:f7f7",
     "2001:0:aff:ffff::f7f7:f7f7", "2001:0:b00::f7f7:f7f7", "a private address"},
    // 192.168.0.0 to 192.168.255.255 with all bits turned, from the last to the first.
    {"teredo_client", "2001:0:808:808::3f56:ffff", "2001:0:808:808::3f57:0",
     "2001:0:808:808::3f57:ffff", "2001:0:808:808::3f58:0", "a private address"},
    {"benchmarks_6", "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "2001:2:1::", "an address for benchmarks"},
    {"orchid", "2001:f:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "", "an identifier, not an address"},
    {"orchid_2", "", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:30::", "an identifier, not an address"},
    {"documentation_6", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
     "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "an address for documentation"},
    {"to4_private", "2002:9ff:ffff::", "2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2002:b00::", "a private address"},
    {"to4_loopback", "2002:7eff:ffff::1", "2002:7f00::1", "2002:7fff:ffff::1", "2002:8000::1",
     "a loopback address"},
    {"documentation_6_new", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::",
     "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "an address for documentation"},
    {"segments", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::",
     "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::", "a segment identifier, not an address"},
    {"unique_local", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", "a unique local address"},
    {"link_local_6", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "a link-local address"},
    {"site_local", "", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "",
     "a site-local address"},
    {"multicast_6", "", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "",
     "a multicast address"},
};
INSTANTIATE_TEST_SUITE_P(All, TargetAddressesTest, testing::ValuesIn(kRanges),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(TargetAddressesListTest, OfTheInternet) {
  for (const char* address :
       {"1.1.1.1", "8.8.8.8", "172.15.0.1", "192.88.99.1", "223.255.255.1", "2606:4700::1111",
        "2a00:1450:4001::1a", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "2002:808:808::1"}) {
    EXPECT_EQ(WhyNot(address), "") << address;
  }
}

TEST(TargetAddressesListTest, WhatIsAllowed) {
  std::vector<IpNetwork> allowed = {*IpNetwork::Parse("10.1.0.0/16"), *IpNetwork::Parse("::1"),
                                    *IpNetwork::Parse("fd00:1::/32")};
  for (const char* address : {"10.1.0.0", "10.1.255.255", "::1", "fd00:1::5", "::ffff:10.1.2.3",
                              "64:ff9b::10.1.2.3", "2002:a01:203::1", "1.1.1.1"}) {
    EXPECT_EQ(WhyNot(address, allowed), "") << address;
  }
  for (const char* address : {"10.0.255.255", "10.2.0.0", "127.0.0.1", "::2", "fd00:2::5",
                              "64:ff9b::10.2.0.0", "2002:a02::1",
                              // Its server is allowed, its client is not.
                              "2001:0:a01:1::3f57:0"}) {
    EXPECT_NE(WhyNot(address, allowed), "") << address;
  }
  allowed = {*IpNetwork::Parse("0.0.0.0/0")};
  EXPECT_EQ(WhyNot("127.0.0.1", allowed), "");
  EXPECT_EQ(WhyNot("::1", allowed), "a loopback address");
  allowed = {*IpNetwork::Parse("::/0")};
  EXPECT_EQ(WhyNot("::1", allowed), "");
  EXPECT_EQ(WhyNot("127.0.0.1", allowed), "a loopback address");
}

TEST(TargetAddressesOwnTest, NoMailIsSentToOurselvesThoughTheNetworkIsAllowed) {
  IpAddress own = *IpAddress::Parse("10.0.0.1");
  TargetAddresses targets({*IpNetwork::Parse("10.0.0.0/8")}, {own});
  EXPECT_EQ(targets.WhyNot(own), "this gateway's own address");
  EXPECT_EQ(targets.WhyNot(*IpAddress::Parse("64:ff9b::10.0.0.1")), "this gateway's own address");
  EXPECT_TRUE(targets.MayConnect(*IpAddress::Parse("10.0.0.2")));
}

}  // namespace
}  // namespace ringpost::delivery
