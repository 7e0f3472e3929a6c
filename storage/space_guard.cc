#include "storage/space_guard.h"

#include "gateway/base/limits.h"

namespace ringpost::storage {

void SpaceGuard::Check() {
  uint64_t free_bytes = 0;
  rocksdb::IOStatus status =
      engine_.file_system->GetFreeSpace(engine_.options.path, {}, &free_bytes, nullptr);
  if (!status.ok()) return;
  free_bytes_.store(free_bytes, std::memory_order_relaxed);
  uint64_t floor = engine_.options.free_space_floor_bytes;
  // An eighth above the floor before it goes on, so that it does not flutter.
  bool low =
      low_.load(std::memory_order_relaxed) ? free_bytes < floor + floor / 8 : free_bytes < floor;
  if (low_.exchange(low, std::memory_order_relaxed) == low) return;
  LogLine(engine_.Now(), low ? "store_space_low" : "store_space_back")
      .Text("path", engine_.options.path)
      .Number("free_bytes", static_cast<int64_t>(free_bytes))
      .Number("floor_bytes", static_cast<int64_t>(floor))
      .To(engine_.log());
}

void SpaceGuard::Wrote(uint64_t bytes) {
  unchecked_bytes_ += bytes;
  if (unchecked_bytes_ < limits::kFreeSpaceCheckBytes) return;
  unchecked_bytes_ = 0;
  Check();
}

std::string SpaceGuard::reason() const {
  return "the store has " + std::to_string(free_bytes()) + " bytes left, less than the floor of " +
         std::to_string(engine_.options.free_space_floor_bytes) + ": free some space on " +
         engine_.options.path;
}

}  // namespace ringpost::storage
