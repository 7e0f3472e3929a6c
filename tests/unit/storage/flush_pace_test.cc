#include "storage/flush_pace.h"

#include <gtest/gtest.h>

#include "gateway/base/limits.h"

namespace ringpost::storage {
namespace {

constexpr uint64_t kMiB = limits::kMiB;

class FlushPaceTest : public ::testing::Test {
 protected:
  // Seconds in which so much was committed, looked at four times each.
  void Commit(uint64_t bytes_per_second, int seconds) {
    for (int i = 0; i < 4 * seconds; ++i) {
      now_ += Millis(250);
      committed_ += bytes_per_second / 4;
      pace_.Look(committed_, now_);
    }
  }
  int64_t mib_per_second() const { return pace_.bytes_per_second() / static_cast<int64_t>(kMiB); }

  FlushPace pace_;
  uint64_t committed_ = 0;
  MonoTime now_{Seconds(1000)};
};

TEST_F(FlushPaceTest, HoldsNothingBackBeforeItKnows) {
  EXPECT_EQ(pace_.bytes_per_second(), int64_t{limits::kFlushBytesPerSecondMax});
  pace_.Look(500 * kMiB, now_);
  EXPECT_EQ(pace_.bytes_per_second(), int64_t{limits::kFlushBytesPerSecondMax});
}

TEST_F(FlushPaceTest, FollowsWhatIsCommittedWithAMargin) {
  pace_.Look(0, now_);
  Commit(100 * kMiB, 1);
  EXPECT_EQ(mib_per_second(), 125);
  Commit(400 * kMiB, 1);
  EXPECT_EQ(mib_per_second(), 500);
}

TEST_F(FlushPaceTest, FallsSlowlyAndNotBelowItsLeast) {
  pace_.Look(0, now_);
  Commit(400 * kMiB, 1);
  Commit(0, 1);
  EXPECT_GT(mib_per_second(), 300);
  EXPECT_LT(mib_per_second(), 400);
  Commit(0, 30);
  EXPECT_EQ(pace_.bytes_per_second(), int64_t{limits::kFlushBytesPerSecondMin});
}

}  // namespace
}  // namespace ringpost::storage
