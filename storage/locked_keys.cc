#include "storage/locked_keys.h"

#include <sys/mman.h>
#include <unistd.h>

#include "gateway/base/check.h"

namespace ringpost::storage {

LockedMemory::LockedMemory(size_t bytes) {
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  bytes_ = (bytes + page - 1) / page * page;
  memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RP_CHECK(memory_ != MAP_FAILED);
  locked_ = mlock(memory_, bytes_) == 0;
  madvise(memory_, bytes_, MADV_DONTDUMP);
  madvise(memory_, bytes_, MADV_WIPEONFORK);
}

LockedMemory::~LockedMemory() {
  tls::Wipe(memory_, bytes_);
  munmap(memory_, bytes_);
}

}  // namespace ringpost::storage
