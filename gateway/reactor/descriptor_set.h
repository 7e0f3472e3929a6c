// DescriptorSet: a set of file descriptors, one bit each.
#pragma once

#include <cstddef>
#include <vector>

namespace ringpost::reactor {

class DescriptorSet {
 public:
  bool Contains(int fd) const { return At(fd) < bits_.size() && bits_[At(fd)]; }
  void Add(int fd) {
    if (At(fd) >= bits_.size()) bits_.resize(At(fd) + 1);
    bits_[At(fd)] = true;
  }
  // Whether it was there.
  bool Remove(int fd) {
    if (!Contains(fd)) return false;
    bits_[At(fd)] = false;
    return true;
  }

 private:
  static size_t At(int fd) { return static_cast<size_t>(fd); }
  std::vector<bool> bits_;
};

}  // namespace ringpost::reactor
