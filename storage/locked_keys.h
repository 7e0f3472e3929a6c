// LockedPool: a fixed number of secrets in memory that is locked (never swapped), left out of core
// dumps, and wiped when one is given back. A secret keeps all of itself in its own bytes and wipes
// them when it goes.
//
// Where the kernel refuses to lock (RLIMIT_MEMLOCK), they are there all the same and locked() is
// false: the caller says so to the operator. Threads: Take and the deleter from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "gateway/tls/aead.h"

namespace ringpost::storage {

// The pages.
class LockedMemory {
 public:
  explicit LockedMemory(size_t bytes);
  ~LockedMemory();  // wipes them
  LockedMemory(const LockedMemory&) = delete;
  LockedMemory& operator=(const LockedMemory&) = delete;
  void* at(size_t offset) const { return static_cast<char*>(memory_) + offset; }
  bool locked() const { return locked_; }

 private:
  void* memory_ = nullptr;
  size_t bytes_ = 0;
  bool locked_ = false;
};

template <typename Secret>
class LockedPool {
 public:
  explicit LockedPool(size_t capacity) : memory_(capacity * sizeof(Secret)) {
    free_.reserve(capacity);
    for (size_t i = capacity; i-- > 0;) free_.push_back(memory_.at(i * sizeof(Secret)));
  }
  // Every secret is back by then.

  struct GiveBack {
    LockedPool* owner = nullptr;
    void operator()(Secret* secret) const { owner->Return(secret); }
  };
  using Holder = std::unique_ptr<Secret, GiveBack>;

  // An empty secret; null when all are taken.
  Holder Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return Holder(nullptr, GiveBack{this});
    void* place = free_.back();
    free_.pop_back();
    return Holder(new (place) Secret(), GiveBack{this});
  }
  bool locked() const { return memory_.locked(); }

 private:
  void Return(Secret* secret) {
    secret->~Secret();
    std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(secret);
  }

  LockedMemory memory_;
  std::mutex mutex_;
  std::vector<void*> free_;
};

using LockedKeys = LockedPool<tls::Key>;

}  // namespace ringpost::storage
