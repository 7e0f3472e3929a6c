// MessageId: the 128-bit name of a message in the store, in logs and in "250 2.0.0 queued as".
//
// Layout, big-endian, so that byte order is time order: 48 bits milliseconds since 1970, 16 bits
// spool partition, 64 random bits (each shard has its own generator; no counter is shared). It
// holds no core number: homes are dealt by HomeOf, so a restart with other cores finds every
// message a home. As text: 26 characters of Crockford's base 32, as a ULID.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/random.h"
#include "gateway/base/time.h"

namespace ringpost {

struct MessageId {
  std::array<uint8_t, 16> bytes{};

  static constexpr size_t kTextSize = 26;

  static MessageId Make(WallTime now, uint16_t partition, Random& random);
  static std::optional<MessageId> Parse(std::string_view text);  // either case

  std::string ToString() const;
  std::string_view key() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static MessageId FromKey(std::string_view sixteen_bytes);
  // In front of all that are made from `time` on, and behind those before.
  static MessageId FirstOf(WallTime time);

  WallTime time() const;
  uint16_t partition() const { return static_cast<uint16_t>(bytes[6] << 8 | bytes[7]); }
  uint64_t random_part() const;
  // The shard of `shards` that is this message's home.
  uint32_t HomeOf(uint32_t shards) const { return static_cast<uint32_t>(random_part() % shards); }

  auto operator<=>(const MessageId&) const = default;
};

struct MessageIdHash {
  size_t operator()(const MessageId& id) const { return id.random_part(); }
};

}  // namespace ringpost
