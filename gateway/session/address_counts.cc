#include "gateway/session/address_counts.h"

#include <algorithm>
#include <cstring>

#include "gateway/base/random.h"

namespace ringpost::session {

AddressCounts::AddressCounts() {
  Random random = Random::FromSystem();
  for (uint64_t& seed : seeds_) seed = random.Next();
}

uint32_t AddressCounts::SlotOf(const IpAddress& address, uint32_t row) const {
  uint64_t halves[2];
  std::memcpy(halves, address.bytes.data(), sizeof halves);
  if (!address.is_v4()) halves[1] = 0;
  uint64_t hash = seeds_[row];
  for (uint64_t half : halves) {
    // Multiply and fold (as wyhash does): 64 x 64 bits, both halves of the product mixed.
    unsigned __int128 product =
        static_cast<unsigned __int128>(half ^ hash) * (0x9E3779B97F4A7C15u ^ seeds_[1 - row]);
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  return static_cast<uint32_t>(hash % kSlots);
}

uint32_t AddressCounts::Add(const IpAddress& address) {
  uint32_t count = UINT32_MAX;
  for (uint32_t row = 0; row < 2; ++row) {
    uint32_t before = rows_[row][SlotOf(address, row)].fetch_add(1, std::memory_order_relaxed);
    count = std::min(count, before + 1);
  }
  return count;
}

void AddressCounts::Remove(const IpAddress& address) {
  for (uint32_t row = 0; row < 2; ++row) {
    rows_[row][SlotOf(address, row)].fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace ringpost::session
