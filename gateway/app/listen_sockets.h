// Listening sockets: one per address and shard, all with SO_REUSEPORT, so that the kernel deals
// connections to the cores; taken from the service manager where it has them.
//
// What a .socket unit hands over is one socket: nobody else may bind its address, so every shard
// gets a duplicate of it and the shards accept from one queue.
//
// Threads: the main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/app/listen_fds.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::app {

struct ListenSocket {
  int fd = -1;
  // What the manager's store has it under, or is to have it; empty: a .socket unit's, which the
  // manager hands over at every start anyway.
  std::string name;
};

// The sockets that the service manager hands over for `endpoint`, at most `count`; they listen
// already. From a .socket unit: exactly `count`, duplicates where it has fewer.
StatusOr<std::vector<ListenSocket>> TakeListeners(const Endpoint& endpoint, uint32_t count,
                                                  ListenFds* handed_over);

// Whether this process may listen at `endpoint` and nobody else does: found out by binding a socket
// and closing it, so that a start fails early and not after a store was opened. A port that is
// taken is asked for again until `patience` is over (blocks): a start has some, a reload none.
Status ProbeListener(const Endpoint& endpoint, MonoTime patience = MonoTime());

// Opens listening sockets at `endpoint` until `sockets` has `count` of them. The status says what
// is in the way and what to do; `sockets` stays the caller's to close.
Status OpenListeners(const Endpoint& endpoint, uint32_t count, std::vector<ListenSocket>* sockets);

void CloseAll(const std::vector<ListenSocket>& sockets);

}  // namespace ringpost::app
