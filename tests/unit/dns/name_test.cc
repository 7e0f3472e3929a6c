#include "gateway/dns/name.h"

#include <gtest/gtest.h>

namespace ringpost::dns {
namespace {

TEST(NameTest, KnowsNames) {
  EXPECT_TRUE(IsName("a"));
  EXPECT_TRUE(IsName("x7q._domainkey.Customer.example"));
  EXPECT_TRUE(IsName(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(IsName(""));
  EXPECT_FALSE(IsName("."));
  EXPECT_FALSE(IsName("a."));
  EXPECT_FALSE(IsName("a..b"));
  EXPECT_FALSE(IsName(std::string(64, 'a')));
  EXPECT_FALSE(IsName("a b"));
  EXPECT_FALSE(IsName("a\nb"));
  EXPECT_FALSE(IsName("b\xc3\xbc.example"));
  std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                        std::string(63, 'c') + "." + std::string(61, 'd');
  EXPECT_TRUE(IsName(longest));
  EXPECT_FALSE(IsName(longest + "d"));
  EXPECT_TRUE(IsHostName("a-b.example"));
  EXPECT_FALSE(IsHostName("a_b.example"));
  EXPECT_FALSE(IsHostName("-a.example"));
  EXPECT_FALSE(IsHostName("a-.example"));
}

TEST(NameTest, Zones) {
  EXPECT_TRUE(IsAtOrBelow("a.b", "b"));
  EXPECT_TRUE(IsAtOrBelow("b", "b"));
  EXPECT_TRUE(IsAtOrBelow("a.b", ""));
  EXPECT_FALSE(IsAtOrBelow("ab", "b"));
  EXPECT_FALSE(IsAtOrBelow("b", "a.b"));
  EXPECT_EQ(JoinNames("a", "b.c"), "a.b.c");
  EXPECT_EQ(JoinNames("", "b"), "b");
  EXPECT_EQ(CanonicalName("A.B."), "a.b");
}

TEST(NameTest, GoesOverTheWire) {
  std::string wire;
  AppendNameOnWire("ab._c.d", &wire);
  EXPECT_EQ(wire, std::string("\2ab\2_c\1d\0", 9));
  size_t at = 0;
  std::string name;
  ASSERT_TRUE(ReadName(wire, &at, &name));
  EXPECT_EQ(name, "ab._c.d");
  EXPECT_EQ(at, wire.size());
}

TEST(NameTest, FollowsPointersBackwardsOnly) {
  std::string message("\1a\0\2BC\xc0\0\xc0\3", 10);
  size_t at = 8;
  std::string name;
  ASSERT_TRUE(ReadName(message, &at, &name));
  EXPECT_EQ(name, "bc.a");
  EXPECT_EQ(at, 10u);
  for (std::string bad : {std::string("\xc0\0", 2), std::string("\xc0\5\1a\0", 5),
                          std::string("\1a"), std::string("\3ab"), std::string("\xc0"),
                          std::string("\x40z\0", 3), std::string("\x80z\0", 3), std::string()}) {
    at = 0;
    EXPECT_FALSE(ReadName(bad, &at, &name)) << testing::PrintToString(bad);
  }
}

TEST(NameTest, ReadsAtMost255Bytes) {
  std::string wire, name;
  for (int i = 0; i < 127; ++i) wire += "\1a";
  size_t at = 0;
  ASSERT_TRUE(ReadName(wire + '\0', &at, &name));  // 255 bytes
  EXPECT_EQ(name.size(), 253u);
  at = 0;
  EXPECT_FALSE(ReadName(wire + "\1a" + '\0', &at, &name));
}

TEST(NameTest, ShowsWhatIsNoLetterByItsNumber) {
  std::string name;
  size_t at = 0;
  ASSERT_TRUE(ReadName(std::string("\5a.\"\n\xff\0", 7), &at, &name));
  EXPECT_EQ(name, "a\\046\\034\\010\\255");
  EXPECT_FALSE(IsName(name));
}

TEST(NameTest, OfAnAddress) {
  EXPECT_EQ(ReverseName(*IpAddress::Parse("192.0.2.1")), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(ReverseName(*IpAddress::Parse("2001:db8::567:89ab")),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace ringpost::dns
