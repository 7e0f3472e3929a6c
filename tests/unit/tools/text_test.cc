#include "tools/ringpost/text.h"

#include <gtest/gtest.h>

#include "tools/ringpost/table.h"

namespace ringpost::cli {
namespace {

TEST(Text, Counts) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
}

TEST(Text, LinesStayLines) {
  EXPECT_EQ(SafeLines("a\nb\x1b[0m\n"), "a\nb?[0m\n");
  EXPECT_EQ(SafeLines("a\r\n\nb"), "a?\n\nb");
  EXPECT_EQ(SafeLines(""), "");
}

TEST(Text, ReadsTimes) {
  auto time = ParseTime("2026-11-24T07:16:24.123Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(FormatRfc3339(*time), "2026-11-24T07:16:24.123Z");
  EXPECT_EQ(FormatTime("2026-11-24T07:16:24.123Z"), "2026-11-24 07:16:24 UTC");
  for (const char* bad :
       {"", "now", "2026-11-24", "2026-13-24T07:16:24.123Z", "2026-11-24T07:16:24.123Zx"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

// What a remote server says must not steer the operator's terminal.
TEST(Text, NothingHostileReachesTheTerminal) {
  EXPECT_EQ(SafeText("plain, gr\u00fcn, \u65e5\u672c"), "plain, gr\u00fcn, \u65e5\u672c");
  EXPECT_EQ(SafeText("a\033[31mred\r\n\tb\x7f"), "a?[31mred???b?");
  EXPECT_EQ(SafeText("\u009b31m"), "?31m");                  // the one-character CSI
  EXPECT_EQ(SafeText("safe\u202etxt.exe"), "safe?txt.exe");  // right-to-left override
  EXPECT_EQ(SafeText("a\u200bb\ufeffc\u2066d"), "a?b?c?d");
  EXPECT_EQ(SafeText("\xff\xc3(\xe2\x82"), std::string("?") + "?(?" + "?");
  EXPECT_EQ(SafeText(std::string_view("\0x", 2)), "?x");
}

TEST(Text, FitsColumns) {
  EXPECT_EQ(Fit("short", 5), "short");
  EXPECT_EQ(Fit("longer", 5), "long…");
  EXPECT_EQ(Fit("gr\u00fc\u00dfe an alle", 5), "gr\u00fc\u00df…");
  EXPECT_EQ(Columns("gr\u00fc\u00df…"), 5u);
}

TEST(Text, Wraps) {
  EXPECT_EQ(Wrap("one two three", 80, 2), "one two three");
  EXPECT_EQ(Wrap("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(Wrap("  label  one two three", 14, 9), "  label  one\n         two\n         three");
  EXPECT_EQ(Wrap("unbreakable words", 4, 0), "unbreakable\nwords");
  EXPECT_EQ(Wrap("", 4, 0), "");
}

TEST(TableText, Aligns) {
  Table table({{"DOMAIN", false, true}, {"QUEUED", true}});
  table.Row({"example.com", "12"});
  table.Row({"b.example", "1,234"});
  EXPECT_EQ(table.ToString(Terminal{}),
            "DOMAIN       QUEUED\n"
            "example.com      12\n"
            "b.example     1,234\n");
}

TEST(TableText, CutsOnATerminalOnly) {
  Table table({{"DOMAIN", false, true}, {"QUEUED", true}});
  table.Row({"a-very-long-domain-name.example", "12"});
  Terminal narrow;
  narrow.tty = true;
  narrow.width = 24;
  EXPECT_EQ(table.ToString(narrow),
            "DOMAIN            QUEUED\n"
            "a-very-long-dom…      12\n");
  EXPECT_NE(table.ToString(Terminal{}).find("a-very-long-domain-name.example"), std::string::npos);
  narrow.colour = true;
  EXPECT_TRUE(table.ToString(narrow).starts_with("\033[1mDOMAIN"));
}

}  // namespace
}  // namespace ringpost::cli
