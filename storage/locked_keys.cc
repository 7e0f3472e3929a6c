#include "storage/locked_keys.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "gateway/base/check.h"

namespace ringpost::storage {

LockedKeys::LockedKeys(size_t capacity) {
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  bytes_ = (capacity * sizeof(tls::Key) + page - 1) / page * page;
  memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RP_CHECK(memory_ != MAP_FAILED);
  locked_ = mlock(memory_, bytes_) == 0;
  madvise(memory_, bytes_, MADV_DONTDUMP);
  madvise(memory_, bytes_, MADV_WIPEONFORK);
  free_.reserve(capacity);
  auto* at = static_cast<char*>(memory_);
  for (size_t i = capacity; i-- > 0;) {
    free_.push_back(new (at + i * sizeof(tls::Key)) tls::Key());
  }
}

LockedKeys::~LockedKeys() {
  tls::Wipe(memory_, bytes_);
  munmap(memory_, bytes_);
}

LockedKeys::Holder LockedKeys::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (free_.empty()) return Holder(nullptr, GiveBack{this});
  tls::Key* key = free_.back();
  free_.pop_back();
  return Holder(key, GiveBack{this});
}

void LockedKeys::Return(tls::Key* key) {
  *key = tls::Key();
  std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(key);
}

}  // namespace ringpost::storage
