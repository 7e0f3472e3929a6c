// Listening sockets: one per address and shard, all with SO_REUSEPORT, so that the kernel deals
// connections to the cores; taken from the service manager where it has them.
//
// Threads: the main thread.
#pragma once

#include <cstdint>
#include <vector>

#include "gateway/app/listen_fds.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"

namespace ringpost::app {

// The sockets that the service manager hands over for `endpoint`, at most `count`; they listen
// already.
std::vector<int> TakeListeners(const Endpoint& endpoint, uint32_t count, ListenFds* handed_over);

// Whether this process may listen at `endpoint` and nobody else does: found out by binding a socket
// and closing it, so that a start fails at once and not after a store was opened.
Status ProbeListener(const Endpoint& endpoint);

// Opens listening sockets at `endpoint` until `sockets` has `count` of them. The status says what
// is in the way and what to do; `sockets` stays the caller's to close.
Status OpenListeners(const Endpoint& endpoint, uint32_t count, std::vector<int>* sockets);

}  // namespace ringpost::app
