#include "tests/dns/mail.h"

#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gateway/base/check.h"
#include "gateway/base/time.h"
#include "gateway/session/mail_lookup.h"

namespace ringpost::session {
namespace {

using Json = nlohmann::ordered_json;

template <typename Request>
struct Asked : Request {
  static void Count(Posted* posted) { ++*static_cast<Asked*>(posted)->done; }
  size_t* done = nullptr;
};

// Asks for all, and waits; how many milliseconds it took.
template <typename Request, typename Ask>
int64_t AskAll(std::deque<Asked<Request>>* all, Ask ask) {
  Inbox inbox;
  size_t done = 0;
  const MonoTime begin = ReadMonoClock();
  for (Asked<Request>& one : *all) {
    one.reply_to = &inbox;
    one.run = &Asked<Request>::Count;
    one.done = &done;
    ask(&one);
  }
  while (done < all->size()) {
    if (inbox.Drain() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Millis(ReadMonoClock() - begin).count();
}

Json Told(const dns::Exchangers& found) {
  Json hosts = Json::array();
  for (const dns::Exchanger& one : found.hosts) hosts.push_back({one.preference, one.host});
  return {{"outcome", static_cast<int>(found.outcome)},
          {"hosts", hosts},
          {"implicit", found.implicit},
          {"secure", found.secure},
          {"ttl", found.ttl_seconds},
          {"words", found.words}};
}

Json Told(const HostRequest& host) {
  Json addresses = Json::array();
  for (const IpAddress& address : host.addresses) addresses.push_back(address.ToString());
  return {{"addresses", addresses}, {"error", host.error}};
}

}  // namespace

int Mail(const std::vector<std::string>& words) {
  MailLookupOptions options;
  options.resolver.stubs = {{words[2], *Endpoint::Parse(words[1])}};
  options.resolver.ask_millis = 5000;
  if (words.size() > 4) options.resolver.trust_anchors_file = words[4];
  auto lookup = MailLookup::Make(options);
  RP_CHECK(lookup.ok());
  std::deque<Asked<ExchangersRequest>> domains;
  std::ifstream names(words[3]);
  for (std::string name; std::getline(names, name);) domains.emplace_back().domain = name;
  int64_t millis = AskAll(&domains, [&](auto* one) { (*lookup)->FindExchangers(one); });
  Json told = {{"domains_millis", millis}, {"domains", Json::object()}, {"hosts", Json::object()}};
  std::set<std::string> of_all;
  for (const auto& one : domains) {
    told["domains"][one.domain] = Told(one.found);
    for (const dns::Exchanger& exchanger : one.found.hosts) of_all.insert(exchanger.host);
  }
  std::deque<Asked<HostRequest>> hosts;
  for (const std::string& host : of_all) hosts.emplace_back().host = host;
  told["hosts_millis"] = AskAll(&hosts, [&](auto* one) { (*lookup)->Resolve(one); });
  for (const auto& one : hosts)
    told["hosts"][one.host] = Told(static_cast<const HostRequest&>(one));
  std::cout << told.dump() << "\n";
  return 0;
}

}  // namespace ringpost::session
