#include "gateway/delivery/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

namespace ringpost::delivery {
namespace {

MonoTime At(int64_t ms) { return MonoTime(Millis(ms)); }
PaceLimit Limit(const char* text) { return PaceLimit::Parse(text).value(); }

TEST(PaceLimitTest, IsReadAndWritten) {
  EXPECT_EQ(Limit("10/s"), (PaceLimit{10, Seconds(1)}));
  EXPECT_EQ(Limit("600/m"), (PaceLimit{600, Seconds(60)}));
  EXPECT_EQ(Limit("1000/h"), (PaceLimit{1000, Seconds(3600)}));
  EXPECT_EQ(Limit("100/5m"), (PaceLimit{100, Seconds(300)}));
  EXPECT_FALSE(Limit("none").limited());
  for (const char* text : {"10/s", "600/m", "1000/h", "7/d", "100/5m", "3/1h 30m", "none"}) {
    EXPECT_EQ(Limit(text).ToString(), text);
  }
  // What FormatDuration would round.
  EXPECT_EQ(PaceLimit::Parse((PaceLimit{3, Seconds(90'061)}).ToString()),
            (PaceLimit{3, Seconds(90'061)}));
  for (const char* text : {"", "10", "/s", "0/s", "-1/s", "10/", "10/x", "10/500ms", "10/32d",
                           "4294967296/s", "10/s ", "1.5/s", "None", "10/0s"}) {
    EXPECT_FALSE(PaceLimit::Parse(text)) << text;
  }
}

TEST(PaceLimitTest, IsComparedByWhatItLetsThrough) {
  EXPECT_TRUE(Limit("1/m").StricterThan(Limit("1/s")));
  EXPECT_TRUE(Limit("59/m").StricterThan(Limit("1/s")));
  EXPECT_FALSE(Limit("60/m").StricterThan(Limit("1/s")));
  EXPECT_TRUE(Limit("1000000/s").StricterThan(Limit("none")));
  EXPECT_FALSE(Limit("none").StricterThan(Limit("1/d")));
  EXPECT_FALSE(Limit("none").StricterThan(Limit("none")));
}

TEST(PaceTest, GoesOnEvenly) {
  Pace pace;
  PaceLimit limit = Limit("1000/h");  // one each 3600 ms
  EXPECT_TRUE(pace.Take(limit, At(10)));
  EXPECT_FALSE(pace.Take(limit, At(10)));
  EXPECT_EQ(pace.NextAllowed(limit, At(10)), At(3610));
  EXPECT_FALSE(pace.Take(limit, At(3609)));
  EXPECT_TRUE(pace.Take(limit, At(3610)));
}

TEST(PaceTest, LetsASecondsWorthGoAtOnce) {
  Pace pace;
  PaceLimit limit = Limit("10/s");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pace.Take(limit, At(0))) << i;
  EXPECT_FALSE(pace.Take(limit, At(0)));
  EXPECT_EQ(pace.NextAllowed(limit, At(0)), At(100));
  EXPECT_FALSE(pace.Take(limit, At(99)));
  EXPECT_TRUE(pace.Take(limit, At(100)));
  // After a long pause no more than that again.
  int taken = 0;
  while (pace.Take(limit, At(1'000'000))) ++taken;
  EXPECT_EQ(taken, 10);
}

TEST(PaceTest, RefusalsCostNothing) {
  Pace pace;
  PaceLimit limit = Limit("1/s");
  EXPECT_TRUE(pace.Take(limit, At(0)));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(pace.Take(limit, At(999)));
  EXPECT_TRUE(pace.Take(limit, At(1000)));
}

TEST(PaceTest, WithoutALimitAllMayGo) {
  Pace pace;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pace.Take(PaceLimit(), At(0)));
  EXPECT_EQ(pace.NextAllowed(PaceLimit(), At(5)), At(5));
}

TEST(PaceTest, AChangedLimitWaitsForWhatIsOwedOrForgets) {
  Pace pace;
  EXPECT_TRUE(pace.Take(Limit("1/m"), At(0)));
  EXPECT_FALSE(pace.Take(Limit("1/s"), At(59'999)));
  EXPECT_TRUE(pace.Take(Limit("1/s"), At(60'000)));
  EXPECT_TRUE(pace.Take(Limit("1/m"), At(61'000)));
  pace.Forget();
  EXPECT_TRUE(pace.Take(Limit("1/s"), At(61'000)));
}

// Any window of any length holds no more than the header says. `taken` is sorted.
void CheckWindows(const PaceLimit& limit, const std::vector<int64_t>& taken) {
  size_t first = 0;
  for (int64_t length : {int64_t{0}, int64_t{1}, int64_t{37}, int64_t{1000}, int64_t{5000}}) {
    first = 0;
    for (size_t last = 0; last < taken.size(); ++last) {
      while (taken[last] - taken[first] > length) ++first;
      int64_t most = length * 1'000'000 / limit.interval_ns() + limit.burst();
      ASSERT_LE(static_cast<int64_t>(last - first + 1), most)
          << limit.ToString() << " over " << length << " ms from " << taken[first];
    }
  }
}

TEST(PaceTest, NeverExceedsTheRateOverAnyWindow) {
  std::mt19937 random(1);
  for (const char* text : {"10/s", "7/3s", "1000/s", "90/m", "1/s", "333/10s"}) {
    PaceLimit limit = Limit(text);
    Pace pace;
    std::vector<int64_t> taken;
    int64_t now = 0;
    for (int i = 0; i < 50'000; ++i) {
      if (pace.Take(limit, At(now))) {
        taken.push_back(now);
      } else if (random() % 4 == 0) {  // the time that was promised is good
        MonoTime next = pace.NextAllowed(limit, At(now));
        ASSERT_GT(next, At(now));
        ASSERT_FALSE(pace.Take(limit, next - Millis(1)));
        now = next.time_since_epoch().count();
        ASSERT_TRUE(pace.Take(limit, At(now)));
        taken.push_back(now);
      }
      now += random() % 3;
      if (random() % 1000 == 0) now += static_cast<int64_t>(random() % 20'000);
    }
    CheckWindows(limit, taken);
    // Nor does it hold back: who always asks gets the whole rate.
    EXPECT_GT(taken.size(), 10u);
  }
}

TEST(PaceTest, GivesTheWholeRateToWhoAlwaysAsks) {
  Pace pace;
  PaceLimit limit = Limit("300/s");
  int64_t taken = 0;
  for (int64_t now = 0; now < 60'000; ++now) {
    while (pace.Take(limit, At(now))) ++taken;
  }
  EXPECT_GE(taken, 60 * 300 - 1);
  EXPECT_LE(taken, 60 * 300 + 300);
}

TEST(PaceTest, EightThreadsShareOneRate) {
  PaceLimit limit = Limit("2000/s");
  Pace pace;
  std::atomic<int64_t> clock{0};
  std::vector<std::vector<int64_t>> taken(8);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < taken.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20'000; ++i) {
        // Every thread moves the time now and then; what it has read may be old when it is used.
        int64_t now = i % 64 == 0 ? clock.fetch_add(1) + 1 : clock.load();
        if (pace.Take(limit, At(now))) taken[t].push_back(now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int64_t> all;
  for (const auto& one : taken) all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  CheckWindows(limit, all);
  // 2504 ms have passed; all that was allowed by then and asked for was taken.
  EXPECT_GE(all.size(), 3000u);
}

}  // namespace
}  // namespace ringpost::delivery
