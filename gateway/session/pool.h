// Pool: objects that stay where they are while they are in use and are reused after it. It owns
// them all.
//
// Whoever frees one leaves it as good as new. Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace ringpost::session {

template <typename T>
class Pool {
 public:
  T* Make() {
    if (idle_.empty()) {
      all_.push_back(std::make_unique<T>());
      idle_.push_back(all_.back().get());
    }
    T* object = idle_.back();
    idle_.pop_back();
    return object;
  }
  void Free(T* object) { idle_.push_back(object); }
  size_t in_use() const { return all_.size() - idle_.size(); }

 private:
  std::vector<std::unique_ptr<T>> all_;
  std::vector<T*> idle_;
};

}  // namespace ringpost::session
