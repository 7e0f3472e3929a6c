// Routing: which next hops take the mail of a recipient's domain.
//
// A route names a domain, all subdomains of one, or everything: see DomainPatterns. A route has one
// or several next hops; lower preference is tried first, equal ones share the load. Or it leaves it
// to the DNS: mail goes to the domain's mail exchangers (RFC 5321 section 5.1), and ByExchangers
// makes a route of these.
//
// No name is resolved here: a next hop is an address or a name, with its port.
//
// Threads: immutable once built; shared by all shards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/delivery/domain_patterns.h"
#include "gateway/dns/exchangers.h"
#include "gateway/smtp/auth.h"

namespace ringpost::delivery {

// Whether mail for a next hop may leave in clear text. kOpportunistic: where it must, since the
// next hop has no TLS, or TLS with it fails (RFC 7435). kRequired: never, whoever the next hop
// proves to be. kVerified: never, and only to who has a certificate for the host's name from an
// authority. Each is stricter than the one before.
enum class HopTls : uint8_t { kOpportunistic, kRequired, kVerified };

struct NextHop {
  std::string host;  // as written: an address without brackets, or a name in lower case
  uint16_t port = 25;
  std::optional<IpAddress> address;  // where host is an address; nothing needs resolving then
  uint16_t preference = 0;
  HopTls tls = HopTls::kOpportunistic;
  bool implicit_tls = false;  // the handshake comes before the greeting (RFC 8314)
  // Of a mail exchanger: who says that it is one. By a secure answer of the DNS: DANE holds for it
  // where it has TLSA records (RFC 7672). By the domain's policy of MTA-STS, in force.
  bool by_dnssec = false, by_sts = false;
  // Whom AUTH says we are; empty: it is not said. Where there is a user there are credentials, or
  // nothing may be sent.
  std::string user;
  std::string secret_file;  // where the secret came from: tells sites apart
  std::shared_ptr<const smtp::Credentials> credentials;

  // "192.0.2.1:25", "[2001:db8::1]:25", "relay.example.com:25"; without a port: 25. "smtp://" may
  // come before it; with "smtps://": implicit TLS, without a port 465. "user@" may come before the
  // host, percent-encoded (RFC 3986 section 2.1) where it has any of "@:/%[]". nullopt: none of
  // these.
  static std::optional<NextHop> Parse(std::string_view text);
  // The form above, with its port and without what is before the host: how operators and
  // suspensions name it.
  std::string ToString() const;
  bool operator==(const NextHop&) const = default;
};

struct Route {
  std::string domain;              // "example.com", "*.example.com" or "*"
  std::vector<NextHop> next_hops;  // none where `by_mx`
  bool by_mx = false;              // to the domain's mail exchangers
  HopTls mx_tls = HopTls::kOpportunistic;

  // The name of the set of next hops: what connections, health and leases belong to. Two routes
  // with the same hops, preferences, rules of TLS and users share one site.
  std::string SiteName() const;
  // The same with next hops none of which takes less than `floor`.
  Route WithTlsFloor(HopTls floor) const;
  // The route of a domain that has these, by a route that leaves it to the DNS. `by_sts`: they are
  // those that the domain's policy lets take its mail, each of which must prove that it is the one.
  // Domains whose exchangers, preferences and rules of TLS are the same share its site, and no
  // static route does: who is at an exchanger's name is the DNS's to say alone.
  Route ByExchangers(const dns::Exchangers& found, bool by_sts) const;
  // `domain` as routes are told apart: without regard to case or to a final dot. Two routes with
  // one key are one too many.
  std::string DomainKey() const;
};

class RouteTable {
 public:
  // INVALID_ARGUMENT: no next hop and not by MX, a domain that is none, or one given twice; the
  // message names it.
  static StatusOr<RouteTable> Make(std::vector<Route> routes);
  RouteTable() = default;

  // `domain_key` as smtp::DomainKey makes it (an address literal with its brackets matches "*" or
  // exactly). Null: no route. The route lives as long as the table.
  const Route* Find(std::string_view domain_key) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;  // sorted by next-hop order within each; never changed after Make
  DomainPatterns patterns_;
};

}  // namespace ringpost::delivery
