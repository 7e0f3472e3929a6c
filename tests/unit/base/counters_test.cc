#include "gateway/base/counters.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <thread>

namespace ringpost {
namespace {

TEST(CountersTest, CountGoesToTheInnermostScope) {
  Counters outer, inner;
  CountersScope outer_scope(&outer);
  Count(Counter::kCommands);
  {
    CountersScope inner_scope(&inner);
    Count(Counter::kCommands, 10);
  }
  Count(Counter::kCommands);
  EXPECT_EQ(outer.Get(Counter::kCommands), 2u);
  EXPECT_EQ(inner.Get(Counter::kCommands), 10u);
}

TEST(CountersTest, ThreadsWithoutASetSpill) {
  uint64_t before = SpilledCount(Counter::kDelivered);
  Counters mine;
  CountersScope scope(&mine);
  std::thread other([] { Count(Counter::kDelivered, 5); });
  other.join();
  EXPECT_EQ(SpilledCount(Counter::kDelivered), before + 5);
  EXPECT_EQ(mine.Get(Counter::kDelivered), 0u);
}

TEST(CountersTest, CanBeReadWhileItIsCounted) {
  Counters counters;
  std::thread counting([&] {
    CountersScope scope(&counters);
    for (int i = 0; i < 100'000; ++i) Count(Counter::kCommands);
  });
  uint64_t last = 0;
  while (last < 100'000) {
    uint64_t now = counters.Get(Counter::kCommands);
    ASSERT_GE(now, last);
    last = now;
  }
  counting.join();
}

TEST(CountersTest, NamesAreDistinctAndFitForMetrics) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kCounterCount; ++i) {
    std::string_view name = CounterName(static_cast<Counter>(i));
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << name;
  }
}

}  // namespace
}  // namespace ringpost
