// HashSet: 64-bit hashes that were seen. In many parts, so that it never stops for long: a set of
// one part that grows moves all it has, which at twelve million took the sink seconds, and the
// mail of these seconds piled up in the server that was measured.
//
// Not for several threads at once.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace ringpost::bench {

class HashSet {
 public:
  // False where it was there already.
  bool Insert(uint64_t hash) {
    bool inserted = parts_[hash >> (64 - kPartBits)].insert(hash).second;
    size_ += inserted;
    return inserted;
  }
  uint64_t size() const { return size_; }

 private:
  static constexpr uint32_t kPartBits = 12;
  std::vector<std::unordered_set<uint64_t>> parts_ =
      std::vector<std::unordered_set<uint64_t>>(1 << kPartBits);
  uint64_t size_ = 0;
};

}  // namespace ringpost::bench
