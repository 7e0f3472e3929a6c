#include "gateway/session/address_counts.h"

#include <algorithm>

namespace ringpost::session {

AddressCounts::Slots AddressCounts::SlotsOf(const IpAddress& address) const {
  size_t bytes = address.is_v4() ? address.bytes.size() : address.bytes.size() / 2;
  uint64_t hash = hash_({reinterpret_cast<const char*>(address.bytes.data()), bytes});
  return {static_cast<uint32_t>(hash % kSlots), static_cast<uint32_t>((hash >> 32) % kSlots)};
}

uint32_t AddressCounts::Add(const IpAddress& address) {
  Slots slots = SlotsOf(address);
  uint32_t count = UINT32_MAX;
  for (uint32_t row = 0; row < kRows; ++row) {
    uint32_t before = rows_[row][slots[row]].fetch_add(1, std::memory_order_relaxed);
    count = std::min(count, before + 1);
  }
  return count;
}

void AddressCounts::Remove(const IpAddress& address) {
  Slots slots = SlotsOf(address);
  for (uint32_t row = 0; row < kRows; ++row) {
    rows_[row][slots[row]].fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace ringpost::session
