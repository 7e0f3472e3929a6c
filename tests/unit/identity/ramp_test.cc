#include "gateway/identity/ramp.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

WallTime On(std::string_view day, int64_t hours = 0) {
  return WallFromMillis(int64_t{*ParseDay(day)} * 86'400'000 + hours * 3'600'000);
}

TEST(Ramp, DoublesEachDayUntilItEnds) {
  Ramp ramp{200, 4, *ParseDay("2026-11-29")};
  EXPECT_EQ(RampLimit(ramp, On("2026-11-28")), 200u);  // a clock that was set back
  EXPECT_EQ(RampLimit(ramp, On("2026-11-29", 23)), 200u);
  EXPECT_EQ(RampLimit(ramp, On("2026-11-30")), 400u);
  EXPECT_EQ(RampLimit(ramp, On("2026-12-02", 23)), 1600u);
  EXPECT_EQ(RampLimit(ramp, On("2026-12-03")), 0u);
  EXPECT_EQ(RampLimit({}, On("2026-12-03")), 0u);
  EXPECT_EQ(RampLimit({200, 60, *ParseDay("2026-11-01")}, On("2026-12-15")), UINT32_MAX);
  EXPECT_EQ(RampLimit({UINT32_MAX, 60, *ParseDay("2026-11-01")}, On("2026-11-02")), UINT32_MAX);
}

TEST(Ramp, DaysAsText) {
  EXPECT_EQ(FormatDay(*ParseDay("2026-02-28")), "2026-02-28");
  for (const char* none : {"", "2026-02-30", "2026-2-28", "2026-02-28T", "20260228", "1969-12-31",
                           "2026-00-10", "x026-02-28", "2026/02/28"}) {
    EXPECT_FALSE(ParseDay(none)) << none;
  }
}

}  // namespace
}  // namespace ringpost::identity
