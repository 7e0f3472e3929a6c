#include "gateway/app/due_times.h"

#include <gtest/gtest.h>

namespace ringpost::app {
namespace {

WallTime At(int64_t seconds) { return WallFromMillis(seconds * 1000); }

TEST(DueTimes, NothingIsDueWhereNothingIs) {
  DueTimes times;
  EXPECT_EQ(times.Next(), std::nullopt);
  EXPECT_EQ(times.FindDue(At(1)), std::nullopt);
  times.Set(3, At(5));
  times.Set(3, std::nullopt);
  EXPECT_EQ(times.Next(), std::nullopt);
  EXPECT_EQ(times.FindDue(At(10)), std::nullopt);
}

TEST(DueTimes, AreInWholeSecondsAndNotTooEarly) {
  DueTimes times;
  times.Set(0, WallFromMillis(5001));
  EXPECT_EQ(times.Next(), At(6));
  EXPECT_EQ(times.FindDue(WallFromMillis(5999)), std::nullopt);
  EXPECT_EQ(times.FindDue(At(6)), 0u);
}

TEST(DueTimes, WhatIsBeyondTheirReachIsDueAtItsEdge) {
  DueTimes times;
  times.Set(0, At(10'000'000'000));
  ASSERT_NE(times.Next(), std::nullopt) << "in 2106, and not never";
  EXPECT_GT(*times.Next(), At(4'000'000'000));
  EXPECT_EQ(times.FindDue(At(4'000'000'000)), std::nullopt);
  EXPECT_EQ(times.FindDue(At(5'000'000'000)), 0u);
  times.Set(0, At(-5));
  EXPECT_EQ(times.Next(), At(0));
  EXPECT_EQ(times.FindDue(At(0)), 0u);
}

TEST(DueTimes, NoneWaitsBehindThoseThatComeDueAgain) {
  DueTimes times;
  for (size_t place = 0; place < 3; ++place) times.Set(place, At(1));
  EXPECT_EQ(times.FindDue(At(1)), 0u);  // and stays due
  EXPECT_EQ(times.FindDue(At(1)), 1u);
  EXPECT_EQ(times.FindDue(At(1)), 2u);
  times.Set(1, At(9));
  EXPECT_EQ(times.FindDue(At(1)), 0u);
  EXPECT_EQ(times.FindDue(At(1)), 2u);
  EXPECT_EQ(times.Next(), At(1));
}

}  // namespace
}  // namespace ringpost::app
