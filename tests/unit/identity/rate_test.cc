#include "gateway/identity/rate.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

constexpr WallTime kStart = WallTime(Millis(1'764'000'000'000));

TEST(Rate, WithoutALimitAllIsTaken) {
  Rate rate;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(rate.Take({}, kStart), Millis(0));
  EXPECT_EQ(rate.state_ns(), 0);
}

TEST(Rate, TakesItsCountAtOnceAndThenEvenly) {
  RateLimit limit{10, Seconds(60)};
  Rate rate;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rate.Take(limit, kStart), Millis(0)) << i;
  EXPECT_EQ(rate.Take(limit, kStart), Seconds(6));
  EXPECT_EQ(rate.Take(limit, kStart + Millis(5999)), Millis(1));
  EXPECT_EQ(rate.Take(limit, kStart + Seconds(6)), Millis(0));
  EXPECT_EQ(rate.Take(limit, kStart + Seconds(6)), Seconds(6));
}

// Whatever a client does, in no period does it get more than twice its count, and in the long run
// just that.
TEST(Rate, HoldsInTheLongRun) {
  for (RateLimit limit : {RateLimit{1, Seconds(1)}, RateLimit{7, Seconds(3)},
                          RateLimit{1000, Seconds(3600)}, RateLimit{50'000, Seconds(1)}}) {
    Rate rate;
    constexpr int kPeriods = 20;
    uint64_t taken = 0;
    for (Millis at(0); at < kPeriods * limit.period;
         at += std::max(Millis(1), Millis(limit.period) / 1000)) {
      for (int i = 0; i < 200; ++i) {
        if (rate.Take(limit, kStart + at) == Millis(0)) ++taken;
      }
    }
    EXPECT_LE(taken, uint64_t{limit.count} * (kPeriods + 1) + 1);
    EXPECT_GE(taken, uint64_t{limit.count} * kPeriods * 99 / 100);
  }
}

TEST(Rate, WhatIsRefusedDoesNotCount) {
  RateLimit limit{1, Seconds(10)};
  Rate rate;
  rate.Take(limit, kStart);
  for (int i = 0; i < 1000; ++i) EXPECT_GT(rate.Take(limit, kStart + Millis(i)), Millis(0));
  EXPECT_EQ(rate.Take(limit, kStart + Seconds(10)), Millis(0));
}

TEST(Rate, WaitTakesNothing) {
  RateLimit limit{2, Seconds(10)};
  Rate rate;
  EXPECT_EQ(rate.Wait(limit, kStart), Millis(0));
  EXPECT_EQ(rate.Wait(limit, kStart, 2), Millis(0));
  EXPECT_EQ(rate.Take(limit, kStart, 2), Millis(0));
  EXPECT_EQ(rate.Wait(limit, kStart), Seconds(5));
}

TEST(Rate, MoreThanTheCountIsTakenWhereNothingIsOwed) {
  RateLimit limit{50, Seconds(60)};
  Rate rate;
  EXPECT_EQ(rate.Take(limit, kStart, 100), Millis(0));
  EXPECT_EQ(rate.Take(limit, kStart, 100), Seconds(60));
  EXPECT_EQ(rate.Take(limit, kStart + Seconds(59), 100), Seconds(1));
  EXPECT_EQ(rate.Take(limit, kStart + Seconds(60), 100), Millis(0));
}

TEST(Rate, IsKeptOverARestart) {
  RateLimit limit{3, Seconds(30)};
  Rate before;
  before.Take(limit, kStart, 3);
  Rate after(before.state_ns());
  EXPECT_EQ(after.Take(limit, kStart + Seconds(4)), Seconds(6));
}

TEST(Rate, AClockThatIsSetBackCostsAPeriodAtMost) {
  RateLimit limit{3, Seconds(30)};
  Rate rate;
  rate.Take(limit, kStart, 3);
  EXPECT_EQ(rate.Take(limit, kStart - Seconds(86'400)), Seconds(10));
  EXPECT_EQ(rate.Take(limit, kStart - Seconds(86'400) + Seconds(10)), Millis(0))
      << "it is as long as was said";
}

TEST(Rate, ALimitThatIsLoweredCountsAtOnce) {
  Rate rate;
  for (int i = 0; i < 100; ++i) rate.Take({1000, Seconds(60)}, kStart);
  EXPECT_EQ(rate.Take({10, Seconds(60)}, kStart), Millis(0)) << "a tenth of a period is owed";
  EXPECT_GT(rate.Take({1, Seconds(60)}, kStart), Millis(0));
}

}  // namespace
}  // namespace ringpost::identity
