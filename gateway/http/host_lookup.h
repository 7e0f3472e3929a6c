// HostLookup: a name's addresses, for code that runs on an Asio executor: a
// session::HostResolver's, awaited. The wait can be given up, and what was asked of the resolver
// with it: a program that ends does not wait for a name server that does not answer.
//
// Threads: the executor's; one that one thread runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/session/host_resolver.h"

namespace ringpost::http {

// An address literal is its own address. UNAVAILABLE, in words: there are none, or not in time.
// `resolver` outlives the wait; null: the process's.
boost::asio::awaitable<StatusOr<std::vector<IpAddress>>> LookUpHost(
    std::string host, Millis patience, session::HostResolver* resolver = nullptr);

}  // namespace ringpost::http
