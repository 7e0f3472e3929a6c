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

// `count` listening sockets at `endpoint`, the caller's to close. Sockets that `handed_over` holds
// are used first. All or none: the status says what is in the way and what to do.
StatusOr<std::vector<int>> OpenListeners(const Endpoint& endpoint, uint32_t count,
                                         ListenFds* handed_over);

}  // namespace ringpost::app
