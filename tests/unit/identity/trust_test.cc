// Who is trusted by address alone.
#include "gateway/identity/trust.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

NetworkList ListOf(std::initializer_list<std::string_view> networks) {
  NetworkList list;
  for (std::string_view network : networks) list.Add(*IpNetwork::Parse(network));
  return list;
}

bool Has(const NetworkList& list, std::string_view address) {
  return list.Contains(*IpAddress::Parse(address));
}

TEST(NetworkList, NothingIsTrustedByDefault) {
  NetworkList list;
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(Has(list, "127.0.0.1"));
}

TEST(NetworkList, NetworksAndSingleAddresses) {
  NetworkList list = ListOf({"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"});
  EXPECT_TRUE(Has(list, "10.255.0.1"));
  EXPECT_FALSE(Has(list, "11.0.0.1"));
  EXPECT_TRUE(Has(list, "192.0.2.7"));
  EXPECT_FALSE(Has(list, "192.0.2.8"));
  EXPECT_TRUE(Has(list, "2001:db8:1::1"));
  EXPECT_FALSE(Has(list, "2001:db9::1"));
}

TEST(NetworkList, FamiliesDoNotMix) {
  // A network of all of IPv6 does not trust every IPv4 client, whose mapped form lies inside it.
  EXPECT_FALSE(Has(ListOf({"::/0"}), "192.0.2.1"));
  EXPECT_FALSE(Has(ListOf({"0.0.0.0/0"}), "2001:db8::1"));
  // A mapped address is the IPv4 address: a dual-stack socket must not make a stranger of it.
  EXPECT_TRUE(Has(ListOf({"192.0.2.0/24"}), "::ffff:192.0.2.1"));
}

}  // namespace
}  // namespace ringpost::identity
