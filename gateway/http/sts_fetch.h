// One fetch of a domain's policy of MTA-STS (RFC 8461 section 3.3): GET of
// https://mta-sts.<domain>/.well-known/mta-sts.txt, a connection for each.
//
// The server is verified by name and chain; redirects are not followed, nothing comes from an HTTP
// cache, and only 200 with text/plain is a policy. The domain is a stranger's, and so are the
// server's addresses: whoever resolves must refuse those that are not of the Internet
// (session/mail_lookup.h does).
//
// Threads: the executor's; one that one thread runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/dns/mta_sts.h"
#include "gateway/session/host_resolver.h"
#include "gateway/session/sts_policies.h"
#include "gateway/tls/client_context.h"

namespace ringpost::http {

struct StsFetched {
  std::optional<dns::StsPolicy> policy;
  session::StsFailure failure = session::StsFailure::kNone;  // where there is no policy
  std::string words;                                         // of the failure; printable
};

struct StsFetchOptions {
  std::shared_ptr<const tls::ClientContext> context;  // verifies
  session::HostResolver* hosts = nullptr;
  std::string user_agent;
  uint16_t port = 443;  // tests have no right to that one
};

// `options` outlives it. `domain` is canonical.
boost::asio::awaitable<StsFetched> FetchStsPolicy(std::string domain,
                                                  const StsFetchOptions* options);

}  // namespace ringpost::http
