// HostResolver: next hops given by name, resolved off the shard by a few threads that may block.
//
// getaddrinfo decides (hosts file, resolver configuration); A and AAAA in its order. Answers are
// cached for limits::kHostAnswerSeconds, failures for limits::kHostFailureSeconds. Address literals
// need none of this.
//
// Threads: Resolve from any; `run` of the request runs on the thread that drains its reply_to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/inbox.h"
#include "gateway/base/ip_address.h"
#include "gateway/dns/dane_lookup.h"

namespace ringpost::session {

// Owned by the asker, who keeps it until it is posted back.
struct HostRequest : Posted {
  std::string host;
  // Who says the name says it securely: which TLSA records hold for the host is found out too
  // (MailLookup alone). Where that cannot be known, it has no addresses.
  bool dane = false;
  Inbox* reply_to = nullptr;
  std::vector<IpAddress> addresses;  // empty: not found, or not now
  std::string error;                 // in words, where empty
  bool no_address = false;           // it is certain that there is none
  dns::TlsaSet tlsa;                 // of `dane`
};

class HostResolver {
 public:
  virtual ~HostResolver() = default;
  virtual void Resolve(HostRequest* request) = 0;
  // True: the request will not be posted, and is the asker's again. False: it was posted already.
  virtual bool Cancel(HostRequest* request) = 0;

  // With that many threads; they end, after the lookup in hand, when it is destroyed. Requests
  // still open then are answered with an error.
  static std::unique_ptr<HostResolver> Make(unsigned threads = 4);
  // One for the process, made on first use and never destroyed.
  static HostResolver* Shared();
};

}  // namespace ringpost::session
