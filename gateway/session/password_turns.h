// PasswordTurns: how many passwords from one address are verified at once; the others wait for
// their turn, in the order in which they came. So one address does not fill the workers' queue, and
// guesses that come all at once are judged one after the other, each with what is known of those
// before it (identity/login_throttle.h). Of IPv6 a /64 is one address.
//
// Nobody waits while a turn is free. Bounded by the connections, of which each waits once.
//
// Threads: one shard's own.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "gateway/base/ip_address.h"

namespace ringpost::session {

class InboundLogin;

class PasswordTurns {
 public:
  // True: it has one, until Return. False: it waits, until Next gives it or Forget.
  bool Take(const IpAddress& client, InboundLogin* login);
  void Return(const IpAddress& client);
  // Who has waited longest, where a turn is free: it may take it now. Null: nobody.
  InboundLogin* Next(const IpAddress& client);
  void Forget(const IpAddress& client, const InboundLogin* login);
  // Of those that have a turn or wait for one.
  size_t addresses() const { return by_address_.size(); }

 private:
  using Address = std::array<uint8_t, 16>;
  struct Turns {
    uint32_t taken = 0;
    std::deque<InboundLogin*> waiting;
  };

  static Address AddressOf(const IpAddress& client);

  absl::flat_hash_map<Address, Turns> by_address_;
};

}  // namespace ringpost::session
