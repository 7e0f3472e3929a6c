#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ringpost::bench {

size_t Histogram::IndexOf(uint64_t nanos) {
  if (nanos < kSteps) return static_cast<size_t>(nanos);
  const unsigned shift = static_cast<unsigned>(std::bit_width(nanos)) - 1 - kStepBits;
  // The top bit of nanos >> shift is always set: it is the step count itself.
  return (shift + 1) * kSteps + static_cast<size_t>(nanos >> shift) - kSteps;
}

uint64_t Histogram::UpperOf(size_t index) {
  if (index < kSteps) return index;
  const size_t shift = index / kSteps - 1;
  const uint64_t step = index % kSteps + kSteps;
  return ((step + 1) << shift) - 1;
}

void Histogram::Record(uint64_t nanos) {
  ++counts_[IndexOf(nanos)];
  ++count_;
  max_ = std::max(max_, nanos);
  sum_ += static_cast<double>(nanos);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

uint64_t Histogram::Quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(UpperOf(i), max_);
  }
  return max_;
}

}  // namespace ringpost::bench
