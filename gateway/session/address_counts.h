// AddressCounts: how many connections each client address has open, over all shards, without a
// lock. Of IPv6 a /64 counts as one address: it is what one customer has.
//
// A counting sketch of two rows: an address adds to one slot in each, and its count is the smaller.
// So a count is never too low; it is too high only where other busy addresses share both slots,
// which a peer cannot arrange (the hash is keyed by a random number). Costs 128 KiB whatever the
// number of addresses.
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "gateway/base/ip_address.h"

namespace ringpost::session {

class AddressCounts {
 public:
  AddressCounts();
  // Adds one connection of `address`; returns its count, this one included.
  uint32_t Add(const IpAddress& address);
  void Remove(const IpAddress& address);

 private:
  static constexpr uint32_t kSlots = 32 * 1024;
  using Row = std::array<std::atomic<uint16_t>, kSlots>;
  uint32_t SlotOf(const IpAddress& address, uint32_t row) const;

  uint64_t seeds_[2];
  std::array<Row, 2> rows_{};
};

}  // namespace ringpost::session
