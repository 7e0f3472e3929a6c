// The few socket calls that need no ring: they never block.
//
// Sockets stay in blocking mode: io_uring answers -EAGAIN at once on a non-blocking one instead of
// waiting for it.
#pragma once

#include "gateway/base/ip_address.h"

namespace ringpost::reactor {

// A TCP socket towards `peer`, bound to `source` where given; -errno on failure.
int OpenTcpSocket(const Endpoint& peer, const IpAddress* source);
// Replies and bodies leave in whole sends already: waiting for more (Nagle) would only delay them.
// Accepted sockets inherit it from their listener.
void SetNoDelay(int fd);
bool IsSocket(int fd);
// For a socket that somebody else made (service managers listen without blocking).
void SetBlocking(int fd);
// An endpoint of zeros where the socket has none any more.
Endpoint PeerOfSocket(int fd);
Endpoint LocalOfSocket(int fd);

}  // namespace ringpost::reactor
