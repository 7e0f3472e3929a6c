#include "gateway/base/time.h"

#include <gtest/gtest.h>
#include <time.h>

#include <cstdio>

#include "gateway/base/random.h"

namespace ringpost {
namespace {

TEST(TimeTest, Rfc3339) {
  EXPECT_EQ(FormatRfc3339(WallFromMillis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(WallFromMillis(1'795'504'584'123)), "2026-11-24T07:16:24.123Z");
  EXPECT_EQ(FormatRfc3339(WallFromMillis(951'782'400'009)), "2000-02-29T00:00:00.009Z");
  EXPECT_EQ(FormatRfc3339(WallFromMillis(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(TimeTest, Rfc5322Date) {
  EXPECT_EQ(FormatRfc5322Date(WallFromMillis(1'795'504'584'123)),
            "Tue, 24 Nov 2026 07:16:24 +0000");
  EXPECT_EQ(FormatRfc5322Date(WallFromMillis(0)), "Thu, 1 Jan 1970 00:00:00 +0000");
}

// Both formats agree with the C library's calendar from the year -200 to 12000.
TEST(TimeTest, TheCalendarIsTheLibrarys) {
  Random random(1);
  auto compare = [](int64_t seconds, int ms) {
    time_t library = seconds;
    tm parts;
    ASSERT_NE(gmtime_r(&library, &parts), nullptr);
    char day[64], date[64], text[160];
    std::strftime(day, sizeof day, "%a", &parts);
    std::strftime(date, sizeof date, "%b", &parts);
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms);
    ASSERT_EQ(FormatRfc3339(WallFromMillis(seconds * 1000 + ms)), text) << seconds;
    std::snprintf(text, sizeof text, "%s, %d %s %04d %02d:%02d:%02d +0000", day, parts.tm_mday,
                  date, parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    ASSERT_EQ(FormatRfc5322Date(WallFromMillis(seconds * 1000 + ms)), text) << seconds;
  };
  constexpr int64_t kFirst = -68'475'000'000, kLast = 316'520'000'000;
  for (int64_t day = kFirst / 86'400; day < kLast / 86'400; day += 61) {  // both ends of the day
    compare(day * 86'400, 0);
    compare(day * 86'400 - 1, 999);
  }
  for (int64_t day = -366; day < 366 * 60; ++day) compare(day * 86'400 + 86'399, 1);
  for (int i = 0; i < 50'000; ++i) {
    compare(kFirst + static_cast<int64_t>(random.Below(static_cast<uint64_t>(kLast - kFirst))),
            static_cast<int>(random.Below(1000)));
  }
}

TEST(TimeTest, ClocksRun) {
  MonoTime first = ReadMonoClock();
  EXPECT_GE(ReadMonoClock(), first);
  EXPECT_GT(ToMillis(ReadWallClock()), 1'700'000'000'000);
}

TEST(RandomTest, SameSeedSameNumbers) {
  Random a(42), b(42), c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    uint64_t value = a.Next();
    EXPECT_EQ(value, b.Next());
    differs = differs || value != c.Next();
  }
  EXPECT_TRUE(differs);
  EXPECT_NE(Random::FromSystem().Next(), Random::FromSystem().Next());
}

TEST(RandomTest, BelowStaysBelowAndIsEven) {
  Random random(1);
  int counts[10] = {};
  for (int i = 0; i < 100'000; ++i) ++counts[random.Below(10)];
  for (int count : counts) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(random.Below(1), 0u);
}

// The generator of Blackman and Vigna with the state that splitmix64 makes of seed 0.
TEST(RandomTest, KnownAnswer) {
  Random random(0);
  EXPECT_EQ(random.Next(), 0x99EC5F36CB75F2B4u);
  EXPECT_EQ(random.Next(), 0xBF6E1F784956452Au);
}

}  // namespace
}  // namespace ringpost
