#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace ringpost::bench {
namespace {

TEST(HistogramTest, EmptySaysZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(HistogramTest, QuantilesAreWithinTheStatedError) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(12, 3);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<uint64_t>(spread(random)));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto told = static_cast<double>(histogram.Quantile(q));
    EXPECT_GE(told, exact) << q;
    EXPECT_LE(told, exact * (1 + 1.0 / 64) + 1) << q;
  }
}

TEST(HistogramTest, ExtremesFit) {
  Histogram histogram;
  histogram.Record(0);
  histogram.Record(~uint64_t{0});
  EXPECT_EQ(histogram.Quantile(0), 0u);
  EXPECT_EQ(histogram.Quantile(1), ~uint64_t{0});
}

TEST(HistogramTest, MergedCountsAdd) {
  Histogram one, two;
  one.Record(10);
  two.Record(30);
  two.Record(50);
  one.Merge(two);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one.max(), 50u);
  EXPECT_EQ(one.Quantile(0.5), 30u);
  EXPECT_DOUBLE_EQ(one.mean(), 30);
}

}  // namespace
}  // namespace ringpost::bench
