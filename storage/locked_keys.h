// LockedKeys: a fixed number of keys in memory that is locked (never swapped), left out of core
// dumps, and wiped when a key is given back.
//
// Where the kernel refuses to lock (RLIMIT_MEMLOCK), the keys are there all the same and locked()
// is false: the caller says so to the operator. Threads: Take and the deleter from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/tls/aead.h"

namespace ringpost::storage {

class LockedKeys {
 public:
  explicit LockedKeys(size_t capacity);
  ~LockedKeys();  // every key is back by then
  LockedKeys(const LockedKeys&) = delete;
  LockedKeys& operator=(const LockedKeys&) = delete;

  struct GiveBack {
    LockedKeys* owner = nullptr;
    void operator()(tls::Key* key) const { owner->Return(key); }
  };
  using Holder = std::unique_ptr<tls::Key, GiveBack>;

  Holder Take();  // an empty key; null when all are taken
  bool locked() const { return locked_; }

 private:
  void Return(tls::Key* key);

  void* memory_ = nullptr;
  size_t bytes_ = 0;
  bool locked_ = false;
  std::mutex mutex_;
  std::vector<tls::Key*> free_;
};

}  // namespace ringpost::storage
