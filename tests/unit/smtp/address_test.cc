#include "gateway/smtp/address.h"

#include <gtest/gtest.h>

namespace ringpost::smtp {
namespace {

bool Lenient(std::string_view text) { return ParseMailbox(text, {}).has_value(); }
bool Strict(std::string_view text) { return ParseMailbox(text, {.strict = true}).has_value(); }
bool Utf8(std::string_view text) { return ParseMailbox(text, {.allow_utf8 = true}).has_value(); }

TEST(Address, SplitsAtTheRightAt) {
  auto mailbox = ParseMailbox("\"a@b\\\"c\"@Example.COM", {});
  ASSERT_TRUE(mailbox);
  EXPECT_EQ(mailbox->local_part, "\"a@b\\\"c\"");
  EXPECT_EQ(mailbox->domain, "Example.COM");
}

TEST(Address, AcceptsWhatTheRfcDoes) {
  for (std::string_view text :
       {"a@b", "first.last@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "\"\"@example.com",
        "\"with space\"@example.com", "\"back\\\\slash\"@example.com", "a@1.2.3", "a@x-y.example",
        "a@[192.0.2.1]", "a@[IPv6:::1]", "a@[ipv6:2001:db8::1]", "a@[IPv6:::ffff:192.0.2.1]"}) {
    EXPECT_TRUE(Strict(text)) << text;
    EXPECT_TRUE(Lenient(text)) << text;
  }
}

TEST(Address, IsLenientOnlyWhereItIsHarmless) {
  for (std::string_view text :
       {".a@example.com", "a.@example.com", "a..b@example.com", "a@under_score.example",
        "a@-x.example", "a@x-.example", "a@example.com."}) {
    EXPECT_FALSE(Strict(text)) << text;
    EXPECT_TRUE(Lenient(text)) << text;
  }
}

TEST(Address, RefusesWhatIsNone) {
  using namespace std::string_view_literals;
  for (std::string_view text : {""sv,           "@"sv,         "a"sv,
                                "a@"sv,         "@b"sv,        "a b@c"sv,
                                "a@b c"sv,      "a@b@c"sv,     "a@b..c"sv,
                                "a@.b"sv,       "a@."sv,       "a@b.."sv,
                                "<a@b>"sv,      "a@<b>"sv,     "a,b@c"sv,
                                "a:b@c"sv,      "a;b@c"sv,     "(c)a@b"sv,
                                "a[@b"sv,       "\"a@b"sv,     "\"a\"b@c"sv,
                                "a\"b\"@c"sv,   "\"a\n\"@b"sv, "\"a\\\n\"@b"sv,
                                "\"a\\"sv,      "a\r@b"sv,     "a\n@b"sv,
                                "a\0@b"sv,      "a@b\0"sv,     "a@b\n"sv,
                                "a\t@b"sv,      "a@[1.2.3]"sv, "a@[1.2.3.4"sv,
                                "a@1.2.3.4]"sv, "a@[]"sv,      "a@[IPv6:1.2.3.4]"sv,
                                "a@[::1]"sv,    "a@[x:y]"sv,   "a@[IPv6:::1%lo]"sv,
                                "\x7f@b"sv}) {
    EXPECT_FALSE(Lenient(text)) << text;
    EXPECT_FALSE(Strict(text)) << text;
    EXPECT_FALSE(Utf8(text)) << text;
  }
}

TEST(Address, KeepsTheLimits) {
  const std::string domain = "@example.com";
  EXPECT_TRUE(Strict(std::string(64, 'a') + domain));
  EXPECT_FALSE(Lenient(std::string(65, 'a') + domain));
  const std::string label(63, 'b');
  EXPECT_TRUE(Strict("a@" + label + ".example"));
  EXPECT_FALSE(Lenient("a@" + label + "b.example"));
  // 254 octets are 256 with the angle brackets.
  std::string text = "a@" + label + "." + label + "." + label + "." + std::string(60, 'b');
  ASSERT_EQ(text.size(), 254u);
  EXPECT_TRUE(Strict(text));
  EXPECT_FALSE(Lenient(text + "b"));
  EXPECT_TRUE(IsDomain(label + "." + label + "." + label + "." + label, false));
  EXPECT_FALSE(IsDomain(label + "." + label + "." + label + "." + label + ".b", false));
}

TEST(Address, TakesUtf8OnlyWhereAllowed) {
  EXPECT_TRUE(
      Utf8("gr\xc3\xbc\xc3\x9f"
           "e@m\xc3\xbcnchen.example"));
  EXPECT_TRUE(Utf8("\"gr\xc3\xbc\"@example.com"));
  EXPECT_FALSE(Lenient("gr\xc3\xbc@example.com"));
  EXPECT_FALSE(Lenient("a@m\xc3\xbcnchen.example"));
  EXPECT_FALSE(Lenient("\"\xc3\xbc\"@example.com"));
  EXPECT_FALSE(Utf8("gr\xfc@example.com"));
  EXPECT_FALSE(Utf8("a@m\xfcnchen.example"));
  EXPECT_FALSE(Utf8("\"\xc3\"@example.com"));
  EXPECT_FALSE(Utf8("\"\\\xc3\xbc\"@example.com"));  // a quoted pair is ASCII
  EXPECT_FALSE(Utf8("\xed\xa0\x80@example.com"));    // a surrogate
}

TEST(Address, MakesRoutingKeys) {
  EXPECT_EQ(DomainKey("Example.COM."), "example.com");
  EXPECT_EQ(DomainKey("[IPv6:2001:DB8::1]"), "[ipv6:2001:db8::1]");
  EXPECT_EQ(DomainKey(""), "");
}

TEST(Address, KnowsDomains) {
  EXPECT_TRUE(IsDomain("a", false));
  EXPECT_TRUE(IsDomain("xn--mnchen-3ya.example", false));
  EXPECT_FALSE(IsDomain("", false));
  EXPECT_FALSE(IsDomain(".", false));
  EXPECT_FALSE(IsDomain("a.", false));
  EXPECT_FALSE(IsDomain("a_b", false));
  EXPECT_FALSE(IsDomain("m\xc3\xbcnchen.example", false));
  EXPECT_TRUE(IsDomain("m\xc3\xbcnchen.example", true));
}

}  // namespace
}  // namespace ringpost::smtp
