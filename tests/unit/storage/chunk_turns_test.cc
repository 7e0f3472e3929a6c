#include "storage/chunk_turns.h"

#include <gtest/gtest.h>

namespace ringpost::storage {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class ChunkTurnsTest : public ::testing::Test {
 protected:
  ChunkTurnsTest() { turns_.Took({now_, now_, false, false}); }
  // A group of so long after so long without one.
  void Group(microseconds gap, microseconds took, bool chunks, bool other_mail) {
    now_ += gap;
    turns_.Took({now_, now_ + took, chunks, other_mail});
    now_ += took;
  }
  void OtherMailFor(milliseconds total, microseconds gap, microseconds took) {
    for (auto end = now_ + total; now_ < end;) Group(gap, took, false, true);
  }
  microseconds Wait() const {
    return std::max(microseconds(0), std::chrono::duration_cast<microseconds>(turns_.due() - now_));
  }

  ChunkTurns turns_;
  ChunkTurns::Clock::time_point now_{std::chrono::hours(1)};
};

constexpr microseconds kNone(0);

TEST_F(ChunkTurnsTest, FollowEachOtherWithoutOtherMail) {
  EXPECT_EQ(Wait(), kNone) << "the first waits for nobody";
  for (int i = 0; i < 100; ++i) {
    Group(kNone, milliseconds(10), true, false);
    EXPECT_EQ(Wait(), kNone);
  }
}

TEST_F(ChunkTurnsTest, WaitLongestWhereOtherMailFillsTheTime) {
  OtherMailFor(milliseconds(10 * limits::kCommitLoadMillis), kNone, microseconds(500));
  Group(kNone, milliseconds(2), true, false);
  double pauses = static_cast<double>(Wait().count()) / 2000;
  EXPECT_GT(pauses, 0.99 * limits::kCommitChunkPausesMax);
  EXPECT_LE(pauses, limits::kCommitChunkPausesMax);
}

TEST_F(ChunkTurnsTest, WaitInProportionToOtherMailsTime) {
  OtherMailFor(milliseconds(10 * limits::kCommitLoadMillis), microseconds(4500), microseconds(500));
  Group(kNone, milliseconds(2), true, false);
  EXPECT_NEAR(static_cast<double>(Wait().count()) / 2000, 0.1 * limits::kCommitChunkPausesMax, 0.1);
}

// Streams alone fill every group; other mail that begins rides with them, and must be seen.
TEST_F(ChunkTurnsTest, SeeOtherMailThatComesInTheGroupsOfChunks) {
  for (int i = 0; i < 1000; ++i) Group(kNone, milliseconds(2), true, false);
  for (uint32_t i = 0; i < limits::kCommitLoadMillis / 2; ++i)
    Group(kNone, milliseconds(2), true, true);
  EXPECT_GT(Wait(), milliseconds(limits::kCommitChunkPausesMax)) << "half of what it may be";
}

TEST_F(ChunkTurnsTest, ForgetOtherMailThatHasStopped) {
  OtherMailFor(milliseconds(10 * limits::kCommitLoadMillis), kNone, microseconds(500));
  Group(milliseconds(limits::kCommitLoadMillis), milliseconds(2), true, false);
  EXPECT_NEAR(static_cast<double>(Wait().count()) / 2000,
              limits::kCommitChunkPausesMax / std::exp(1), 0.1);
  Group(milliseconds(10 * limits::kCommitLoadMillis), milliseconds(2), true, false);
  EXPECT_LT(Wait(), microseconds(10));
}

TEST_F(ChunkTurnsTest, DoNotWaitLongAfterADiskThatHung) {
  OtherMailFor(milliseconds(10 * limits::kCommitLoadMillis), kNone, microseconds(500));
  Group(kNone, std::chrono::minutes(1), true, true);
  EXPECT_EQ(Wait(), milliseconds(limits::kCommitChunkWaitMillisMax));
}

}  // namespace
}  // namespace ringpost::storage
