#include "gateway/base/ip_address.h"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

IpAddress Ip(std::string_view text) { return IpAddress::Parse(text).value(); }

TEST(IpAddressTest, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(Ip("192.0.2.1").ToString(), "192.0.2.1");
  EXPECT_TRUE(Ip("192.0.2.1").is_v4());
  EXPECT_EQ(Ip("192.0.2.1"), IpAddress::V4(0xC0000201));
  EXPECT_EQ(Ip("2001:DB8::0:1").ToString(), "2001:db8::1");
  EXPECT_FALSE(Ip("2001:db8::1").is_v4());
  EXPECT_EQ(Ip("::ffff:192.0.2.1"), Ip("192.0.2.1")) << "mapped and plain are one";
}

TEST(IpAddressTest, LiteralsOfRfc5321) {
  EXPECT_EQ(Ip("192.0.2.1").ToLiteral(), "[192.0.2.1]");
  EXPECT_EQ(Ip("2001:db8::1").ToLiteral(), "[IPv6:2001:db8::1]");
}

TEST(IpAddressTest, RefusesWhatIsNone) {
  for (std::string_view text : {"", "192.0.2", "192.0.2.256", "1.2.3.4.5", "192.0.2.1 ", "[::1]",
                                "::g", "example.com", "0x7f.1", "127.1"}) {
    EXPECT_FALSE(IpAddress::Parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("192.0.2.1\0x", 11)));
  EXPECT_FALSE(IpAddress::Parse(std::string(100, '1')));
}

TEST(EndpointTest, ParsesAndPrints) {
  auto v4 = Endpoint::Parse("192.0.2.1:25");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->port, 25);
  EXPECT_EQ(v4->ToString(), "192.0.2.1:25");
  auto v6 = Endpoint::Parse("[2001:db8::1]:65535");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->ToString(), "[2001:db8::1]:65535");
}

TEST(EndpointTest, RefusesWhatIsNone) {
  for (std::string_view text :
       {"", ":25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1: 25",
        "2001:db8::1:25", "[192.0.2.1]:25", "[]:25", "example.com:25", "192.0.2.1:25x"}) {
    EXPECT_FALSE(Endpoint::Parse(text)) << text;
  }
}

TEST(EndpointTest, GoesThroughSockaddr) {
  for (std::string_view text : {"192.0.2.1:25", "[2001:db8::1]:587"}) {
    Endpoint endpoint = Endpoint::Parse(text).value();
    sockaddr_storage storage;
    EXPECT_GT(endpoint.ToSockaddr(&storage), 0u);
    EXPECT_EQ(Endpoint::FromSockaddr(storage), endpoint);
  }
  sockaddr_storage other{};
  other.ss_family = AF_UNIX;
  EXPECT_FALSE(Endpoint::FromSockaddr(other));
}

TEST(IpNetworkTest, Contains) {
  auto network = IpNetwork::Parse("192.0.2.0/25").value();
  EXPECT_TRUE(network.Contains(Ip("192.0.2.0")));
  EXPECT_TRUE(network.Contains(Ip("192.0.2.127")));
  EXPECT_FALSE(network.Contains(Ip("192.0.2.128")));
  EXPECT_TRUE(IpNetwork::Parse("0.0.0.0/0")->Contains(Ip("203.0.113.9")));
  EXPECT_FALSE(IpNetwork::Parse("0.0.0.0/0")->Contains(Ip("2001:db8::1")));
  EXPECT_FALSE(IpNetwork::Parse("::/0")->Contains(Ip("192.0.2.1"))) << "the families are apart";
  EXPECT_TRUE(IpNetwork::Parse("2001:db8::/33")->Contains(Ip("2001:db8:7fff::1")));
  EXPECT_FALSE(IpNetwork::Parse("2001:db8::/33")->Contains(Ip("2001:db8:8000::1")));
  EXPECT_TRUE(IpNetwork::Parse("192.0.2.7")->Contains(Ip("192.0.2.7")));
  EXPECT_FALSE(IpNetwork::Parse("192.0.2.7")->Contains(Ip("192.0.2.6")));
}

TEST(IpNetworkTest, PrintsAsItWasWritten) {
  for (std::string_view text : {"192.0.2.0/25", "0.0.0.0/0", "2001:db8::/33", "192.0.2.7/32"}) {
    EXPECT_EQ(IpNetwork::Parse(text)->ToString(), text);
  }
}

TEST(IpNetworkTest, RefusesWhatIsNone) {
  for (std::string_view text : {"192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/",
                                "/8", "192.0.2.0/8/8", "192.0.2.0/-1", "2001:db8::1/64"}) {
    EXPECT_FALSE(IpNetwork::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace ringpost
