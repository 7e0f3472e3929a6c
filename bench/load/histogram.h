// Latency histogram in the manner of HdrHistogram: 64 linear steps in each power of two, so a
// quantile is right to within 1.6 %, at any scale, in 30 KiB.
//
// Values are nanoseconds. Not thread-safe: one per worker, merged at the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringpost::bench {

class Histogram {
 public:
  void Record(uint64_t nanos);
  void Merge(const Histogram& other);

  // The value below or at which a share `q` (0 to 1) of the records lies; 0 when there are none.
  uint64_t Quantile(double q) const;
  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  static constexpr unsigned kStepBits = 6;
  static constexpr size_t kSteps = size_t{1} << kStepBits;
  static size_t IndexOf(uint64_t nanos);
  // The highest value that lands in the same step.
  static uint64_t UpperOf(size_t index);

  std::array<uint64_t, kSteps * (64 - kStepBits + 1)> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace ringpost::bench
