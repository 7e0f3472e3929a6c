#include "gateway/base/text.h"

#include <gtest/gtest.h>

#include "gateway/base/log.h"

namespace ringpost {
namespace {

TEST(TextTest, CaseIsAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("EHLO", "ehlo"));
  EXPECT_FALSE(EqualsIgnoreCase("EHLO", "EHL"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{")) << "neighbours of the letters";
  EXPECT_FALSE(EqualsIgnoreCase("\xC3\x84", "\xC3\xA4")) << "no locale";
  EXPECT_TRUE(StartsWithIgnoreCase("MAIL FROM:<>", "mail from:"));
  EXPECT_FALSE(StartsWithIgnoreCase("MAIL", "mail from:"));
  EXPECT_EQ(ToLower("Example.ORG@[`"), "example.org@[`");
}

TEST(TextTest, TrimSpace) {
  EXPECT_EQ(TrimSpace(" \t a b\t "), "a b");
  EXPECT_EQ(TrimSpace(" \t "), "");
  EXPECT_EQ(TrimSpace("\r\n"), "\r\n") << "line ends are not space";
}

TEST(TextTest, ParseDecimal) {
  EXPECT_EQ(ParseDecimal("0"), 0u);
  EXPECT_EQ(ParseDecimal("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseDecimal("007"), 7u);
  for (std::string_view text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseDecimal(text)) << text;
  }
}

// Table 3-7 of the Unicode standard, which is RFC 3629's.
TEST(TextTest, Utf8) {
  for (std::string_view text : {"", "ascii", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (std::string_view text : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xE0\x9F\xBF",
                                "\xED\xA0\x80", "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                                "\xF5\x80\x80\x80", "\xFF", "\xF0\x90\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
  EXPECT_EQ(ValidUtf8Prefix("ab\xC3\xA4\xFFzz"), 4u);
}

TEST(TextTest, PrintableIsFitForATerminal) {
  EXPECT_EQ(Printable("250 fine", 100), "250 fine");
  EXPECT_EQ(Printable("a\x1B[31mb\r\n\t\x7F", 100), "a?[31mb????");
  EXPECT_EQ(Printable("caf\xC3\xA9 \xFF", 100), "caf\xC3\xA9 ?");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "1m",
                      100),
            "?1m")
      << "C1 controls act like escapes on some terminals";
  EXPECT_EQ(Printable("abcdef", 3), "abc");
  EXPECT_EQ(Printable("ab\xC3\xA9", 3), "ab") << "never half a character";
}

TEST(TextTest, JsonEscapes) {
  std::string out;
  AppendJsonEscaped(&out, "a\"b\\c\n\x01\x7F/\xC3\xA9\xFFz");
  EXPECT_EQ(out, "a\\\"b\\\\c\\u000a\\u0001\\u007f/\xC3\xA9\\ufffdz");
}

class StringLog final : public Log {
 public:
  void Append(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST(LogLineTest, IsOneJsonObject) {
  StringLog log;
  Random random(1);
  MessageId id = MessageId::Make(WallFromMillis(0), 0, random);
  LogLine(WallFromMillis(0), "accepted")
      .Id(id)
      .Text("from", "a\"b@example.com\r\n{}")
      .Number("size", -4096)
      .Flag("tls", true)
      .Flag("archived", false)
      .To(log);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0],
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"accepted\",\"id\":\"" +
                id.ToString() +
                "\",\"from\":\"a\\\"b@example.com\\u000d\\u000a{}\",\"size\":-4096,"
                "\"tls\":true,\"archived\":false}");
  NullLog().Append("goes nowhere");
}

}  // namespace
}  // namespace ringpost
