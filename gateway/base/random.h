// Random: a small fast generator for ids, jitter and simulation. Not for keys: those come from
// gateway/tls.
//
// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Not thread-safe: one per shard.
#pragma once

#include <cstdint>

namespace ringpost {

class Random {
 public:
  explicit Random(uint64_t seed);
  // Seeded from the kernel.
  static Random FromSystem();

  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_[4];
};

}  // namespace ringpost
