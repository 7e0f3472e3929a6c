#include "gateway/delivery/routing.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::delivery {
namespace {

constexpr uint16_t kSmtpPort = 25;
constexpr uint16_t kSmtpsPort = 465;
constexpr std::string_view kImplicitTls = "smtps://";
constexpr std::string_view kSmtp = "smtp://";

std::optional<uint16_t> ParsePort(std::string_view text) {
  auto value = ParseDecimal(text);
  if (!value || *value == 0 || *value > 65535) return std::nullopt;
  return static_cast<uint16_t>(*value);
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    int high = at + 2 < text.size() ? HexDigit(text[at + 1]) : -1;
    int low = high >= 0 ? HexDigit(text[at + 2]) : -1;
    if (low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high << 4 | low));
    at += 2;
  }
  return decoded;
}

// Nothing of it can be taken for what separates the parts of a site's name.
std::string PercentEncoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (IsAlpha(c) || IsDigit(c) || c == '.' || c == '-' || c == '_') {
      encoded.push_back(c);
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

// Takes "user@" off the front. False: it is no user.
bool TakeUser(std::string_view* text, std::string* user) {
  size_t at = text->find('@');
  if (at == std::string_view::npos) return true;
  std::string_view written = text->substr(0, at);
  text->remove_prefix(at + 1);
  if (written.find_first_of(":/[] ") != std::string_view::npos) return false;
  std::optional<std::string> decoded = PercentDecoded(written);
  if (!decoded || !smtp::IsAuthUser(*decoded)) return false;
  *user = std::move(*decoded);
  return true;
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
  if (hop.implicit_tls) {
    text.remove_prefix(kImplicitTls.size());
  } else if (text.starts_with(kSmtp)) {
    text.remove_prefix(kSmtp.size());
  }
  if (!TakeUser(&text, &hop.user)) return std::nullopt;
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
  std::string name = by_mx ? "mx " : "";
  for (size_t i = 0; i < next_hops.size(); ++i) {
    if (i > 0) name += next_hops[i].preference == next_hops[i - 1].preference ? "," : ";";
    const NextHop& hop = next_hops[i];
    if (hop.implicit_tls) name += kImplicitTls;
    if (!hop.user.empty()) name += PercentEncoded(hop.user) + "@";
    name += hop.ToString();
    if (hop.tls == HopTls::kRequired) name += "/required";
    if (hop.tls == HopTls::kVerified) name += "/verified";
    if (hop.by_dnssec) name += "/dnssec";
    if (hop.by_sts) name += "/sts";
    if (!hop.secret_file.empty()) name += "/secret=" + PercentEncoded(hop.secret_file);
  }
  return name;
}

Route Route::WithTlsFloor(HopTls floor) const {
  Route raised = *this;
  for (NextHop& hop : raised.next_hops) hop.tls = std::max(hop.tls, floor);
  raised.mx_tls = std::max(mx_tls, floor);
  return raised;
}

Route Route::ByExchangers(const dns::Exchangers& found, bool by_sts) const {
  Route route;
  route.domain = domain;
  route.by_mx = true;
  route.mx_tls = by_sts ? HopTls::kVerified : mx_tls;
  for (const dns::Exchanger& exchanger : found.hosts) {
    NextHop& hop = route.next_hops.emplace_back();
    hop.host = exchanger.host;
    hop.preference = exchanger.preference;
    hop.tls = route.mx_tls;
    hop.by_dnssec = found.secure;
    hop.by_sts = by_sts;
  }
  return route;
}

std::string Route::DomainKey() const { return smtp::DomainKey(domain); }

StatusOr<RouteTable> RouteTable::Make(std::vector<Route> routes) {
  RouteTable table;
  for (Route& route : routes) {
    if (route.next_hops.empty() && !route.by_mx) return Refused(route.domain, "has no next hop");
    SortByPreference(&route.next_hops);
    auto added = table.patterns_.Add(route.DomainKey(), table.routes_.size());
    if (added == DomainPatterns::Added::kNoDomain) return Refused(route.domain, "is not a domain");
    if (added == DomainPatterns::Added::kTwice) return Refused(route.domain, "is given twice");
    table.routes_.push_back(std::move(route));
  }
  return table;
}

const Route* RouteTable::Find(std::string_view domain_key) const {
  std::optional<size_t> found = patterns_.Find(domain_key);
  return found ? &routes_[*found] : nullptr;
}

}  // namespace ringpost::delivery
