#include "gateway/delivery/routing.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::delivery {
namespace {

constexpr uint16_t kSmtpPort = 25;
constexpr uint16_t kSmtpsPort = 465;
constexpr std::string_view kImplicitTls = "smtps://";

std::optional<uint16_t> ParsePort(std::string_view text) {
  auto value = ParseDecimal(text);
  if (!value || *value == 0 || *value > 65535) return std::nullopt;
  return static_cast<uint16_t>(*value);
}

// Keeps the order of equal ones: an insertion sort, for a handful.
void SortByPreference(std::vector<NextHop>* hops) {
  for (auto at = hops->begin(); at != hops->end(); ++at) {
    auto place = std::upper_bound(hops->begin(), at, *at, [](const NextHop& a, const NextHop& b) {
      return a.preference < b.preference;
    });
    std::rotate(place, at, at + 1);
  }
}

Status Refused(std::string_view domain, std::string_view why) {
  return MakeStatus(StatusCode::kInvalidArgument,
                    "route \"" + std::string(domain) + "\": " + std::string(why));
}

}  // namespace

std::optional<NextHop> NextHop::Parse(std::string_view text) {
  NextHop hop;
  hop.implicit_tls = text.starts_with(kImplicitTls);
  if (hop.implicit_tls) text.remove_prefix(kImplicitTls.size());
  std::string_view host = text;
  std::optional<uint16_t> port = hop.implicit_tls ? kSmtpsPort : kSmtpPort;
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) port = rest[0] == ':' ? ParsePort(rest.substr(1)) : std::nullopt;
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = ParsePort(text.substr(colon + 1));
  }
  if (!port) return std::nullopt;
  hop.address = IpAddress::Parse(host);
  if (!hop.address && (text.starts_with('[') || !smtp::IsDomain(host, false))) return std::nullopt;
  hop.host = hop.address ? hop.address->ToString() : smtp::DomainKey(host);
  hop.port = *port;
  return hop;
}

std::string NextHop::ToString() const {
  if (address) return Endpoint{*address, port}.ToString();
  return host + ":" + std::to_string(port);
}

std::string Route::SiteName() const {
  std::string name;
  for (size_t i = 0; i < next_hops.size(); ++i) {
    if (i > 0) name += next_hops[i].preference == next_hops[i - 1].preference ? "," : ";";
    const NextHop& hop = next_hops[i];
    if (hop.implicit_tls) name += kImplicitTls;
    name += hop.ToString();
    if (hop.tls == HopTls::kRequired) name += "/required";
    if (hop.tls == HopTls::kVerified) name += "/verified";
  }
  return name;
}

std::string Route::DomainKey() const { return smtp::DomainKey(domain); }

StatusOr<RouteTable> RouteTable::Make(std::vector<Route> routes) {
  RouteTable table;
  for (Route& route : routes) {
    if (route.next_hops.empty()) return Refused(route.domain, "has no next hop");
    SortByPreference(&route.next_hops);
    size_t number = table.routes_.size();
    std::string key = route.DomainKey();
    bool fresh = true;
    if (key == "*") {
      fresh = !table.all_.has_value();
      table.all_ = number;
    } else if (key.starts_with("*.")) {
      std::string base = key.substr(2);
      if (!smtp::IsDomain(base, true)) return Refused(route.domain, "is not a domain");
      fresh = table.below_.emplace(base, number).second;
    } else {
      bool domain = smtp::IsDomain(key, true) || smtp::IsAddressLiteral(key);
      if (!domain) return Refused(route.domain, "is not a domain");
      fresh = table.exact_.emplace(key, number).second;
    }
    if (!fresh) return Refused(route.domain, "is given twice");
    table.routes_.push_back(std::move(route));
  }
  return table;
}

const Route* RouteTable::Find(std::string_view domain_key) const {
  if (auto found = exact_.find(domain_key); found != exact_.end()) return &routes_[found->second];
  // Longest wildcard first: cut one label after the other. A domain has at most 127 labels.
  std::string_view rest = domain_key.starts_with('[') ? std::string_view() : domain_key;
  for (size_t dot = rest.find('.'); !below_.empty() && dot != std::string_view::npos;
       dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    if (auto found = below_.find(rest); found != below_.end()) return &routes_[found->second];
  }
  return all_ ? &routes_[*all_] : nullptr;
}

}  // namespace ringpost::delivery
