#include "tools/ringpost/text.h"

#include <gtest/gtest.h>

#include "tools/ringpost/table.h"

namespace ringpost::cli {
namespace {

using std::chrono::seconds;

TEST(Text, Bytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(4096 + 512), "4.5 KiB");
  EXPECT_EQ(FormatBytes(100 * 1024), "100 KiB");
  EXPECT_EQ(FormatBytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(20ull << 30), "20.0 GiB");
  EXPECT_EQ(FormatBytes(UINT64_MAX), "16777216 TiB");
}

TEST(Text, Counts) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
}

TEST(Text, Durations) {
  EXPECT_EQ(FormatDuration(seconds(0)), "0s");
  EXPECT_EQ(FormatDuration(seconds(59)), "59s");
  EXPECT_EQ(FormatDuration(seconds(60)), "1m");
  EXPECT_EQ(FormatDuration(seconds(312)), "5m 12s");
  EXPECT_EQ(FormatDuration(seconds(12'000)), "3h 20m");
  EXPECT_EQ(FormatDuration(seconds(187'200)), "2d 4h");
  EXPECT_EQ(FormatDuration(seconds(-5)), "-5s");
}

TEST(Text, ReadsDurations) {
  EXPECT_EQ(ParseDuration("90s"), seconds(90));
  EXPECT_EQ(ParseDuration("1h 30m"), seconds(5400));
  EXPECT_EQ(ParseDuration("1d12h"), seconds(129'600));
  for (const char* bad : {"", "0s", "5", "h", "1w", "-1h", "1h-", "1.5h", "1h 5", " 1h",
                          "99999999999999999999h", "4000000000000000000s4000000000000000000s"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
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
