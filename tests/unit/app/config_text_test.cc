// Durations, sizes, and the suggestion for a misspelt word.
#include "gateway/app/config_text.h"

#include <gtest/gtest.h>

namespace ringpost::app {
namespace {

TEST(ConfigText, Durations) {
  EXPECT_EQ(ParseDuration("250ms"), Millis(250));
  EXPECT_EQ(ParseDuration("30s"), Seconds(30));
  EXPECT_EQ(ParseDuration("5m"), Seconds(300));
  EXPECT_EQ(ParseDuration("4h"), Seconds(14'400));
  EXPECT_EQ(ParseDuration("5d"), Seconds(432'000));
  for (auto wrong :
       {"", "5", "m", "5 m", "-5m", "5min", "1.5h", "99999999999999999999d", "36601d"}) {
    EXPECT_EQ(ParseDuration(wrong), std::nullopt) << wrong;
  }
}

TEST(ConfigText, DurationsAsText) {
  EXPECT_EQ(FormatDuration(Millis(0)), "0s");
  EXPECT_EQ(FormatDuration(Millis(1500)), "1500ms");
  EXPECT_EQ(FormatDuration(Seconds(90)), "90s");
  EXPECT_EQ(FormatDuration(Seconds(300)), "5m");
  EXPECT_EQ(FormatDuration(Seconds(432'000)), "5d");
}

TEST(ConfigText, Sizes) {
  EXPECT_EQ(ParseBytes("512"), 512u);
  EXPECT_EQ(ParseBytes("64KiB"), 65'536u);
  EXPECT_EQ(ParseBytes("50 MiB"), 52'428'800u);
  for (auto wrong : {"", "MiB", "50 MB", "-1", "1e3", "99999999999999999999", "99999999999 TiB"}) {
    EXPECT_EQ(ParseBytes(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(FormatBytes(52'428'800), "50 MiB");
  EXPECT_EQ(FormatBytes(1000), "1000");
}

TEST(ConfigText, EditDistance) {
  EXPECT_EQ(EditDistance("relay", "relay", 2), 0u);
  EXPECT_EQ(EditDistance("realy", "relay", 2), 1u);  // a swap
  EXPECT_EQ(EditDistance("rely", "relay", 2), 1u);
  EXPECT_EQ(EditDistance("rellay", "relay", 2), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 2), 3u);  // more than asked for
  EXPECT_EQ(EditDistance("", "ab", 2), 2u);
}

TEST(ConfigText, NearestKnownWord) {
  constexpr std::string_view known[] = {"address", "region", "strict", "to"};
  EXPECT_EQ(Nearest("adress", known), "address");
  EXPECT_EQ(Nearest("reigon", known), "region");
  EXPECT_EQ(Nearest("colour", known), "");
  EXPECT_EQ(Nearest("xy", known), "");  // two edits would make it "to", and anything else
}

}  // namespace
}  // namespace ringpost::app
