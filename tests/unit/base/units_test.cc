#include "gateway/base/units.h"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

TEST(Units, Durations) {
  EXPECT_EQ(ParseDuration("250ms"), Millis(250));
  EXPECT_EQ(ParseDuration("0s"), Millis(0));
  EXPECT_EQ(ParseDuration("90s"), Seconds(90));
  EXPECT_EQ(ParseDuration("5m"), Seconds(300));
  EXPECT_EQ(ParseDuration("1h 30m"), Seconds(5400));
  EXPECT_EQ(ParseDuration("1d12h"), Seconds(129'600));
  for (auto wrong : {"", "5", "m", "5 m", "-5m", "5min", "1w", "1.5h", "1h-", "1h 5", " 1h", "1h ",
                     "1h  1m", "36601d", "36600d 1ms", "99999999999999999999d",
                     "4000000000000000000s4000000000000000000s"}) {
    EXPECT_EQ(ParseDuration(wrong), std::nullopt) << wrong;
  }
  EXPECT_TRUE(ParseDuration("36600d"));
}

TEST(Units, DurationsAsText) {
  EXPECT_EQ(FormatDuration(Millis(0)), "0s");
  EXPECT_EQ(FormatDuration(Millis(250)), "250ms");
  EXPECT_EQ(FormatDuration(Millis(1500)), "1s 500ms");
  EXPECT_EQ(FormatDuration(Seconds(59)), "59s");
  EXPECT_EQ(FormatDuration(Seconds(60)), "1m");
  EXPECT_EQ(FormatDuration(Seconds(312)), "5m 12s");
  EXPECT_EQ(FormatDuration(Seconds(12'005)), "3h 20m");
  EXPECT_EQ(FormatDuration(Seconds(86'460)), "1d");
  EXPECT_EQ(FormatDuration(Seconds(187'200)), "2d 4h");
  EXPECT_EQ(FormatDuration(Seconds(-5)), "-5s");
}

TEST(Units, Sizes) {
  EXPECT_EQ(ParseBytes("512"), 512u);
  EXPECT_EQ(ParseBytes("512 B"), 512u);
  EXPECT_EQ(ParseBytes("64KiB"), 65'536u);
  EXPECT_EQ(ParseBytes("50 MiB"), 52'428'800u);
  for (auto wrong : {"", "MiB", "50 MB", "-1", "1e3", "99999999999999999999", "99999999999 TiB"}) {
    EXPECT_EQ(ParseBytes(wrong), std::nullopt) << wrong;
  }
}

TEST(Units, SizesAsText) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1 KiB");
  EXPECT_EQ(FormatBytes(4096 + 512), "4.5 KiB");
  EXPECT_EQ(FormatBytes(100 * 1024), "100 KiB");
  EXPECT_EQ(FormatBytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(52'428'800), "50 MiB");
  EXPECT_EQ(FormatBytes(uint64_t{1} << 50), "1024 TiB");
  EXPECT_EQ(FormatBytes(UINT64_MAX), "16777216 TiB");
}

}  // namespace
}  // namespace ringpost
