// One request to an ACME server, and its answer: HTTP/1.1 over TLS, the server verified by name and
// chain (RFC 8555 section 6.1), a connection for each, all within limits::kAcmeRequestSeconds.
//
// Threads: the executor's; one that one thread runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "gateway/base/status.h"
#include "gateway/http/acme/issuance.h"
#include "gateway/tls/client_context.h"

namespace ringpost::http {

// `context` verifies. The answer is whatever the server said; an error is that there was none, or
// none that is HTTP or within the bounds, in words that name the server.
boost::asio::awaitable<StatusOr<acme::Issuance::Answer>> AskAcmeServer(
    acme::Issuance::Request request, std::shared_ptr<const tls::ClientContext> context,
    std::string user_agent);

}  // namespace ringpost::http
