// AddressCounts: how many connections each client address has open, over all shards, without a
// lock. Of IPv6 a /64 counts as one address: it is what one customer has.
//
// A counting sketch of two rows: an address adds to one slot in each, and its count is the smaller.
// So a count is never too low; it is too high only where other busy addresses share both slots,
// which a peer cannot arrange (the hash is keyed). Costs 128 KiB whatever the
// number of addresses.
//
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "gateway/base/ip_address.h"
#include "gateway/tls/keyed_hash.h"

namespace ringpost::session {

class AddressCounts {
 public:
  // Adds one connection of `address`; returns its count, this one included.
  uint32_t Add(const IpAddress& address);
  void Remove(const IpAddress& address);

 private:
  static constexpr uint32_t kSlots = 32 * 1024;
  static constexpr uint32_t kRows = 2;
  using Row = std::array<std::atomic<uint16_t>, kSlots>;
  using Slots = std::array<uint32_t, kRows>;
  Slots SlotsOf(const IpAddress& address) const;

  tls::KeyedHash hash_;
  std::array<Row, kRows> rows_{};
};

}  // namespace ringpost::session
