// What the ring puts into a request's user_data: the two top bits say what it is about.
#pragma once

#include <cstdint>

#include "gateway/reactor/slot_table.h"

namespace ringpost::reactor {

enum class UserData : uint64_t {
  kOperation = 0,  // the rest is the key of a slot
  kCancelOf = 1,   // a cancel of the operation with that key
  kInternal = 2,   // the rest is an Internal
};

enum class Internal : uint32_t {
  kWakePoll,     // the poll on our own eventfd
  kWakeMessage,  // another ring's message
  kMessageSent,  // our message to another ring failed; its eventfd is in bits 32 to 61
  kIgnored,
};

inline UserData KindOf(uint64_t user_data) { return static_cast<UserData>(user_data >> 62); }
inline uint64_t CancelOf(uint64_t key) { return uint64_t{1} << 62 | key; }
inline uint64_t InternalData(Internal what, int eventfd = 0) {
  return uint64_t{2} << 62 | static_cast<uint64_t>(eventfd) << 32 | static_cast<uint32_t>(what);
}
inline Internal InternalOf(uint64_t user_data) {
  return static_cast<Internal>(static_cast<uint32_t>(user_data));
}
inline int EventfdOf(uint64_t user_data) {
  return static_cast<int>((user_data & SlotTable::kKeyMask) >> 32);
}

}  // namespace ringpost::reactor
