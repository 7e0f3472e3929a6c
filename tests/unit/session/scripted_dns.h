// A MailLookup for tests that says what it is told.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/session/mail_lookup.h"

namespace ringpost::session {

// Answers at once, or, while it is closed, when told to.
class ScriptedDns final : public MailLookup {
 public:
  void FindExchangers(ExchangersRequest* request) override {
    ++asked[request->domain];
    open.insert(request);
    most_open = std::max(most_open, open.size());
    if (!closed) Answer(request);
  }
  bool CancelExchangers(ExchangersRequest* request) override { return open.erase(request) > 0; }
  void Resolve(HostRequest* request) override {
    ++hosts_asked;
    request->addresses.clear();
    request->no_address = false;
    auto found = hosts.find(request->host);
    if (found != hosts.end()) {
      request->addresses = {*IpAddress::Parse(found->second)};
    } else {
      request->no_address = !hosts_fail;
      request->error = hosts_fail ? "SERVFAIL" : "the name has no address";
    }
    auto records = tlsa.find(request->host);
    if (request->dane && records != tlsa.end()) request->tlsa = records->second;
    if (request->dane && !request->tlsa.known()) {
      request->addresses.clear();
      request->error = "its TLSA records cannot be had";
      request->no_address = false;
    }
    request->reply_to->Post(request);
  }
  bool Cancel(HostRequest*) override { return false; }

  void Answer(ExchangersRequest* request) {
    open.erase(request);
    auto found = domains.find(request->domain);
    request->found = found == domains.end() ? dns::Exchangers{dns::Exchangers::Outcome::kNoDomain}
                                            : found->second;
    request->found.ttl_seconds = ttl_seconds;
    auto policy = policies.find(request->domain);
    if (policy != policies.end()) request->policy = policy->second;
    request->reply_to->Post(request);
  }
  void AnswerAll() {
    while (!open.empty()) Answer(*open.begin());
  }
  void Has(const std::string& domain, std::vector<dns::Exchanger> mx) {
    domains[domain] = dns::Exchangers{dns::Exchangers::Outcome::kHosts, std::move(mx)};
  }
  void Fails(const std::string& domain, dns::Exchangers::Outcome verdict) {
    domains[domain] = dns::Exchangers{verdict};
  }

  std::map<std::string, dns::Exchangers> domains;
  std::map<std::string, std::string> hosts;
  std::map<std::string, StsVerdict> policies;  // by domain
  std::map<std::string, dns::TlsaSet> tlsa;    // by host; where it is asked for
  bool hosts_fail = false;
  uint32_t ttl_seconds = 60;
  bool closed = false;
  std::map<std::string, int> asked;
  int hosts_asked = 0;
  std::set<ExchangersRequest*> open;
  size_t most_open = 0;
};

}  // namespace ringpost::session
