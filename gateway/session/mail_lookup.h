// MailLookup: what delivery by MX asks of the DNS, off the shards: which hosts take a domain's mail
// and which policy the domain has (MTA-STS), which addresses a host has and which TLSA records hold
// for it (DANE).
//
// The DNS alone decides (dns/resolver.h), not the hosts file; what it says is kept by the resolver
// for as long as the records allow, and nowhere else. Addresses are those of host_addresses.h.
// Equal questions that are open at once are asked once. limits::kQuestionsInFlightMax of
// dns/dns_limits.h are asked at the same time, an address is two of them (A and AAAA); the others
// wait in their order, for ResolverOptions::ask_millis at most, and are asked for as long again.
// More than limits::kMailLookupsOpenMax of it: a failure at once.
//
// Threads: any may ask and cancel; `run` of a request runs on the thread that drains its reply_to.
// One thread of its own asks, and one of the library's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/inbox.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/dns/exchangers.h"
#include "gateway/dns/resolver.h"
#include "gateway/session/host_resolver.h"
#include "gateway/session/sts_policies.h"

namespace ringpost::session {

// Owned by the asker, who keeps it, its domain unchanged, until it is posted back.
struct ExchangersRequest : Posted {
  std::string domain;
  Inbox* reply_to = nullptr;
  dns::Exchangers found;
  StsVerdict policy;  // the domain's, where it has hosts
};

struct MailLookupOptions {
  dns::ResolverOptions resolver;
  // Of this gateway: an MX that is one of them is no way out (dns/exchangers.h).
  std::vector<std::string> own_names;
  // Addresses that mail may be sent to though they are not of the Internet
  // (delivery/target_addresses.h).
  std::vector<IpNetwork> allowed_targets;
  // Where this gateway takes mail itself: nobody's mail is sent there.
  std::vector<IpAddress> own_addresses;
  // Outlives the MailLookup. Null: no policy of MTA-STS is asked for.
  StsPolicies* policies = nullptr;
};

class MailLookup : public HostResolver {
 public:
  virtual void FindExchangers(ExchangersRequest* request) = 0;
  // As Cancel: true: the request will not be posted, and is the asker's again.
  virtual bool CancelExchangers(ExchangersRequest* request) = 0;

  // Requests that are still open when it is destroyed are answered with a failure.
  // INVALID_ARGUMENT: as dns::Resolver::Create.
  static StatusOr<std::unique_ptr<MailLookup>> Make(const MailLookupOptions& options);
};

}  // namespace ringpost::session
