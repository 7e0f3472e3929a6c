#include "gateway/app/allocator.h"

#include <malloc.h>
#include <sys/prctl.h>

#include <cstddef>

// jemalloc(3). Both are weak in its library or here, so that programs without it link.
extern "C" {
// thp: memtables and bodies fill fresh memory all the time; without faults of 4 KiB a message is
// accepted for a quarter less CPU. dirty_decay: what a memtable's end frees, the next one uses, for
// the same reason; it is not given back by the clock, but by ReturnFreedMemory.
extern const char* malloc_conf;
const char* malloc_conf = "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:0";

__attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_bytes,
                                  void* new_value, size_t new_bytes);
}

namespace ringpost::app {

void ChoosePages(uint64_t ceiling_bytes) {
  if (ceiling_bytes < kHugePagesCeilingBytesMin) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

uint64_t FreedBytesKept() {
  if (mallctl == nullptr) return mallinfo2().fordblks;
  uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);  // what follows is as of now
  auto read = [](const char* name) {
    size_t value = 0, bytes = sizeof value;
    mallctl(name, &value, &bytes, nullptr, 0);
    return uint64_t{value};
  };
  uint64_t used = read("stats.active") + read("stats.metadata");
  uint64_t resident = read("stats.resident");
  return resident > used ? resident - used : 0;
}

void ReturnFreedMemory() {
  if (mallctl != nullptr) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
  } else {
    malloc_trim(0);
  }
}

}  // namespace ringpost::app
