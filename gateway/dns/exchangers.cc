#include "gateway/dns/exchangers.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

using Outcome = Exchangers::Outcome;

// No host's last label is a number (RFC 1123 section 2.1): "192.0.2.1" is an address that somebody
// took for a name.
bool NamesHost(std::string_view name) {
  if (!IsHostName(name)) return false;
  std::string_view last = name.substr(name.rfind('.') + 1);  // npos + 1: all of it
  return !std::all_of(last.begin(), last.end(), IsDigit);
}

bool IsOurs(std::string_view host, std::span<const std::string> own_names) {
  return std::any_of(own_names.begin(), own_names.end(), [&](std::string_view own) {
    if (own.ends_with('.')) own.remove_suffix(1);
    return EqualsIgnoreCase(own, host);
  });
}

Outcome OutcomeOf(Answer::Failure failure) {
  switch (failure) {
    case Answer::Failure::kTimeout:
      return Outcome::kTimeout;
    case Answer::Failure::kBogus:
      return Outcome::kBogus;
    case Answer::Failure::kMalformed:
      return Outcome::kMalformed;
    case Answer::Failure::kNone:
    case Answer::Failure::kServfail:
      return Outcome::kServfail;
  }
  return Outcome::kServfail;
}

void Refuse(Outcome outcome, std::string words, Exchangers* found) {
  found->outcome = outcome;
  found->hosts.clear();
  found->words = std::move(words);
}

// By preference; the same host may still be in it twice.
std::vector<Exchanger> HostsOf(const std::vector<Record>& records) {
  std::vector<Exchanger> hosts;
  for (const Record& record : records) {
    std::string host = CanonicalName(record.value);
    if (NamesHost(host)) hosts.push_back({record.preference, std::move(host)});
  }
  std::stable_sort(hosts.begin(), hosts.end(), [](const Exchanger& a, const Exchanger& b) {
    return a.preference < b.preference;
  });
  return hosts;
}

// Leaves out ourselves and whoever is no better (RFC 5321 section 5.1). `hosts` are sorted.
void CutLoop(std::span<const std::string> own_names, std::vector<Exchanger>* hosts) {
  auto ours = std::find_if(hosts->begin(), hosts->end(),
                           [&](const Exchanger& one) { return IsOurs(one.host, own_names); });
  if (ours == hosts->end()) return;
  uint16_t preference = ours->preference;
  std::erase_if(*hosts, [&](const Exchanger& one) { return one.preference >= preference; });
}

// The first of each host, which has its lowest preference, and not too many.
void KeepBest(std::vector<Exchanger>* hosts) {
  std::vector<Exchanger> best;
  for (Exchanger& one : *hosts) {
    if (best.size() == limits::kExchangersMax) break;
    bool known = std::any_of(best.begin(), best.end(),
                             [&](const Exchanger& other) { return other.host == one.host; });
    if (!known) best.push_back(std::move(one));
  }
  *hosts = std::move(best);
}

void ReadRecords(const Answer& mx, std::span<const std::string> own_names, Exchangers* found) {
  if (mx.records.size() == 1 && mx.records[0].value.empty()) {
    Refuse(Outcome::kNullMx, "the domain takes no mail (its MX is \".\")", found);
    return;
  }
  found->hosts = HostsOf(mx.records);
  if (found->hosts.empty()) {
    Refuse(Outcome::kNoHost, "no MX of the domain names a host", found);
    return;
  }
  CutLoop(own_names, &found->hosts);
  if (found->hosts.empty()) {
    Refuse(Outcome::kLoop, "the best MX of the domain is this gateway", found);
    return;
  }
  found->outcome = Outcome::kHosts;
  KeepBest(&found->hosts);
}

// The domain takes its mail itself. Where it is an alias, mail goes where that leads; an alias that
// leads to us is a loop too.
void ReadImplicit(const Answer& mx, std::span<const std::string> own_names, Exchangers* found) {
  std::string domain = CanonicalName(mx.question.name);
  found->implicit = true;
  bool ours = IsOurs(domain, own_names) ||
              std::any_of(mx.aliases.begin(), mx.aliases.end(),
                          [&](const Alias& alias) { return IsOurs(alias.target, own_names); });
  if (ours) {
    Refuse(Outcome::kLoop, "the domain has no MX, and is this gateway", found);
  } else if (!NamesHost(domain)) {
    Refuse(Outcome::kNoHost, "the domain has no MX, and is no host name", found);
  } else {
    found->outcome = Outcome::kHosts;
    found->hosts.push_back({0, std::move(domain)});
  }
}

}  // namespace

Exchangers ReadExchangers(const Answer& mx, std::span<const std::string> own_names) {
  Exchangers found;
  found.secure = mx.security == Answer::Security::kSecure;
  // How long absence may be believed is in the zone's SOA, which is not read: the least.
  found.ttl_seconds = limits::kExchangersTtlMin;
  switch (mx.outcome) {
    case Answer::Outcome::kRecords:
      found.ttl_seconds =
          std::clamp(mx.ttl_seconds, limits::kExchangersTtlMin, limits::kExchangersTtlMax);
      ReadRecords(mx, own_names, &found);
      break;
    case Answer::Outcome::kNoData:
      ReadImplicit(mx, own_names, &found);
      break;
    case Answer::Outcome::kNoName:
      Refuse(Outcome::kNoDomain, "there is no such domain", &found);
      break;
    case Answer::Outcome::kFailure:
      found.ttl_seconds = limits::kExchangersFailureSeconds;
      Refuse(OutcomeOf(mx.failure), mx.words, &found);
      break;
  }
  return found;
}

}  // namespace ringpost::dns
