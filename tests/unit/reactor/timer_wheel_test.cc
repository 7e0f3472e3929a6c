#include "gateway/reactor/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "gateway/base/random.h"

namespace ringpost::reactor {
namespace {

struct TestTimer : Timer {
  TestTimer() : Timer([](Timer* timer) { static_cast<TestTimer*>(timer)->Fired(); }) {}
  void Fired() {
    ++fired;
    if (on_fire) on_fire();
  }
  int fired = 0;
  std::function<void()> on_fire;
};

MonoTime At(int64_t ms) { return MonoTime(Millis(ms)); }

class TimerWheelTest : public testing::Test {
 protected:
  TimerWheel wheel_{At(1000)};
};

TEST_F(TimerWheelTest, EmptyWheelHasNothingDue) {
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.NextDue(), std::nullopt);
  EXPECT_EQ(wheel_.Advance(At(1'000'000'000)), 0u);
}

TEST_F(TimerWheelTest, FiresAtItsTimeAndNotBefore) {
  for (int64_t delay : {1, 2, 63, 64, 65, 100, 4095, 4096, 4097, 262'143, 262'144, 300'000,
                        16'777'216, 432'000'000, 1'073'741'823, 1'073'741'824, 2'000'000'000}) {
    TimerWheel wheel(At(777));
    TestTimer timer;
    wheel.Schedule(&timer, At(777 + delay));
    EXPECT_TRUE(timer.scheduled());
    EXPECT_EQ(timer.due(), At(777 + delay));
    ASSERT_TRUE(wheel.NextDue().has_value());
    EXPECT_LE(*wheel.NextDue(), At(777 + delay));
    EXPECT_EQ(wheel.Advance(At(777 + delay - 1)), 0u) << delay;
    EXPECT_EQ(wheel.Advance(At(777 + delay)), 1u) << delay;
    EXPECT_EQ(timer.fired, 1) << delay;
    EXPECT_FALSE(timer.scheduled());
    EXPECT_TRUE(wheel.empty());
  }
}

TEST_F(TimerWheelTest, TimeAlreadyPastFiresAtTheNextAdvance) {
  TestTimer timer;
  wheel_.Schedule(&timer, At(10));
  EXPECT_EQ(*wheel_.NextDue(), At(1000));
  EXPECT_EQ(wheel_.Advance(At(1000)), 1u) << "though the clock stands still";
}

TEST_F(TimerWheelTest, ReschedulesAndCancels) {
  TestTimer timer;
  wheel_.Schedule(&timer, At(1010));
  wheel_.Schedule(&timer, At(5000));
  EXPECT_EQ(wheel_.Advance(At(4999)), 0u);
  timer.Cancel();
  EXPECT_FALSE(timer.scheduled());
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.Advance(At(6000)), 0u);
  timer.Cancel();  // twice is harmless
}

TEST_F(TimerWheelTest, TimerThatDiesIsCancelled) {
  {
    TestTimer timer;
    wheel_.Schedule(&timer, At(1500));
  }
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, MayScheduleItselfWhileItFires) {
  TestTimer timer;
  timer.on_fire = [&] { wheel_.Schedule(&timer, At(0)); };
  wheel_.Schedule(&timer, At(1001));
  EXPECT_EQ(wheel_.Advance(At(1001)), 1u) << "an overdue timer waits for the next Advance";
  EXPECT_EQ(wheel_.Advance(At(1001)), 1u);
  EXPECT_EQ(wheel_.Advance(At(1002)), 1u);
  timer.Cancel();
}

TEST_F(TimerWheelTest, MayCancelAndScheduleOthersWhileItFires) {
  TestTimer first, second, third;
  first.on_fire = [&] {
    second.Cancel();
    wheel_.Schedule(&third, At(1004));
  };
  wheel_.Schedule(&first, At(1003));
  wheel_.Schedule(&second, At(1003));
  EXPECT_EQ(wheel_.Advance(At(1010)), 2u);
  EXPECT_EQ(second.fired, 0);
  EXPECT_EQ(third.fired, 1);
}

TEST_F(TimerWheelTest, MayDestroyOthersWhileItFires) {
  TestTimer first;
  auto second = std::make_unique<TestTimer>();
  first.on_fire = [&] { second.reset(); };
  wheel_.Schedule(&first, At(1003));
  wheel_.Schedule(second.get(), At(1003));
  EXPECT_EQ(wheel_.Advance(At(1003)), 1u);
}

TEST_F(TimerWheelTest, ClockThatStepsBackIsIgnored) {
  TestTimer timer;
  wheel_.Advance(At(2000));
  wheel_.Schedule(&timer, At(2500));
  EXPECT_EQ(wheel_.Advance(At(1500)), 0u);
  EXPECT_EQ(wheel_.Advance(At(2500)), 1u);
}

TEST_F(TimerWheelTest, NextDueSkipsSlotsWhoseTimersWereCancelled) {
  TestTimer soon, late;
  wheel_.Schedule(&soon, At(1010));
  wheel_.Schedule(&late, At(1050));
  soon.Cancel();
  EXPECT_EQ(*wheel_.NextDue(), At(1050));
}

// Sleeping until NextDue each time must never make a timer late.
TEST_F(TimerWheelTest, SleepingUntilNextDueFiresEverythingOnTime) {
  Random random(7);
  std::vector<std::unique_ptr<TestTimer>> timers;
  int64_t now = 1000;
  for (int i = 0; i < 500; ++i) {
    auto timer = std::make_unique<TestTimer>();
    TestTimer* raw = timer.get();
    timer->on_fire = [raw, &now] { EXPECT_EQ(raw->due(), At(now)); };
    wheel_.Schedule(raw, At(now + 1 + static_cast<int64_t>(random.Below(400'000))));
    timers.push_back(std::move(timer));
  }
  int wakes = 0;
  while (auto due = wheel_.NextDue()) {
    now = due->time_since_epoch().count();
    wheel_.Advance(At(now));
    ASSERT_LT(++wakes, 3000);
  }
  for (auto& timer : timers) EXPECT_EQ(timer->fired, 1);
}

// Against a model that keeps a sorted list.
TEST_F(TimerWheelTest, AgreesWithAModel) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    int64_t now = static_cast<int64_t>(random.Below(1'000'000));
    TimerWheel wheel(At(now));
    std::vector<std::unique_ptr<TestTimer>> timers;
    std::vector<std::optional<int64_t>> due(64);
    for (int i = 0; i < 64; ++i) timers.push_back(std::make_unique<TestTimer>());
    for (int step = 0; step < 2000; ++step) {
      size_t i = random.Below(64);
      int64_t scale = int64_t{1} << random.Below(26);
      switch (random.Below(3)) {
        case 0:
          due[i] = now - 5 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(scale) + 10));
          wheel.Schedule(timers[i].get(), At(*due[i]));
          break;
        case 1:
          due[i].reset();
          timers[i]->Cancel();
          break;
        default: {
          now += static_cast<int64_t>(random.Below(static_cast<uint64_t>(scale) + 1));
          size_t expected = 0;
          for (auto& time : due) {
            if (!time || *time > now) continue;
            time.reset();
            ++expected;
          }
          ASSERT_EQ(wheel.Advance(At(now)), expected) << "seed " << seed << " step " << step;
        }
      }
      for (size_t j = 0; j < 64; ++j) ASSERT_EQ(timers[j]->scheduled(), due[j].has_value());
      auto next = wheel.NextDue();
      std::optional<int64_t> earliest;
      for (auto& time : due) {
        if (time) earliest = std::min(earliest.value_or(*time), *time);
      }
      ASSERT_EQ(next.has_value(), earliest.has_value());
      if (next) {
        ASSERT_LE(*next, At(std::max(*earliest, now)));
      }
    }
    timers.clear();
  }
}

TEST(TimerWheelDeathTest, WheelWithTimersMustNotDie) {
  EXPECT_DEATH(
      {
        TestTimer timer;
        TimerWheel wheel(At(0));
        wheel.Schedule(&timer, At(5));
      },
      "broken invariant");
}

}  // namespace
}  // namespace ringpost::reactor
