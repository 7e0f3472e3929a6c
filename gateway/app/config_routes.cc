// The sections of ringpost.toml that say where mail goes: [[route]] and [[destination]].
#include <algorithm>
#include <set>
#include <utility>

#include "gateway/app/config_reader.h"
#include "gateway/app/config_sections.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

constexpr char kDomainWanted[] =
    "expects \"example.com\", \"*.example.com\" (all below it) or \"*\" (all), not ";

// What an operator wrote in the place of a password is not to be repeated where others read it.
std::string WithoutPassword(std::string_view text) {
  size_t at = text.rfind('@');
  if (at == std::string_view::npos) return std::string(text);
  size_t scheme = text.find("://");
  size_t user = scheme == std::string_view::npos || scheme > at ? 0 : scheme + 3;
  size_t colon = text.find(':', user);
  if (colon > at) return std::string(text);
  return std::string(text.substr(0, colon)) + ":***" + std::string(text.substr(at));
}

std::optional<std::string> AddRelay(std::string_view text, uint16_t preference,
                                    delivery::Route* route) {
  auto hop = delivery::NextHop::Parse(text);
  if (!hop && text.find('@') != std::string_view::npos) {
    return "expects a next hop that wants to know us such as \"smtps://user@relay.example.com\", "
           "with @ and : within the user as %40 and %3A, and its password in secret_file, not " +
           Quoted(WithoutPassword(text));
  }
  if (!hop) {
    return "expects a next hop such as \"192.0.2.1:25\", \"[2001:db8::1]:25\", "
           "\"relay.example.com:587\" (without a port: 25) or \"smtps://relay.example.com\" "
           "(implicit TLS, 465), not " +
           Quoted(text);
  }
  hop->preference = preference;
  route->next_hops.push_back(std::move(*hop));
  return std::nullopt;
}

// { host = "192.0.2.1:25", preference = 10 }
void ReadRelayTable(const toml::table* from, ErrorList* errors, delivery::Route* route) {
  TableReader table(from, "route.relay", errors);
  table.Required("host", "the next hop, such as \"192.0.2.1:25\"");
  uint32_t preference = 0;
  table.Integer("preference", 0, UINT16_MAX, &preference);
  table.Texts("host", 1, [&](std::string_view text) {
    return AddRelay(text, static_cast<uint16_t>(preference), route);
  });
  table.Finish();
}

// A next hop, a list in the order of trying, or a list of tables with preferences of their own.
void ReadRelays(TableReader* table, ErrorList* errors, delivery::Route* route) {
  if (table->Find("mx")) {
    if (table->Find("relay")) table->Error("relay", "is given, and mx as well: which of the two?");
    return;
  }
  table->Required("relay",
                  "the next hop, such as \"192.0.2.1:25\", or a list of them; or mx = true");
  const toml::node* node = table->Find("relay");
  const toml::array* list = node ? node->as_array() : nullptr;
  bool tables = list && !list->empty() && list->front().is_table();
  if (!tables) {
    uint16_t preference = 0;
    table->Texts("relay", limits::kNextHopsPerRouteMax,
                 [&](std::string_view text) { return AddRelay(text, preference++, route); });
    if (list && list->empty()) table->Error("relay", "is an empty list; expects a next hop");
    return;
  }
  if (list->size() > limits::kNextHopsPerRouteMax) {
    table->Error("relay",
                 "has more than " + std::to_string(limits::kNextHopsPerRouteMax) + " next hops");
    return;
  }
  for (const toml::node& item : *list) {
    if (const toml::table* relay = item.as_table()) {
      ReadRelayTable(relay, errors, route);
    } else {
      table->ErrorAt(item, "relay", "expects tables alone, or strings alone, in one list");
    }
  }
}

// Without a word on it a route is verified where it says who we are.
void ReadRouteTls(TableReader* table, bool has_user, delivery::Route* route) {
  size_t tls = static_cast<size_t>(has_user ? delivery::HopTls::kVerified
                                            : delivery::HopTls::kOpportunistic);
  table->Choice("tls", kHopTlsChoices, &tls);
  auto chosen = static_cast<delivery::HopTls>(tls);
  if (has_user && chosen != delivery::HopTls::kVerified) {
    table->Error("tls",
                 "a relay of this route has a user, whose password must not leave but under TLS "
                 "with a next hop that has proven who it is; say \"verified\", or nothing");
  }
  for (delivery::NextHop& hop : route->next_hops) hop.tls = chosen;
  route->mx_tls = chosen;
}

// mx = true: the domain's mail exchangers, as the DNS has them.
void ReadMx(TableReader* table, delivery::Route* route) {
  table->Flag("mx", &route->by_mx);
  if (table->Find("mx") && !route->by_mx) {
    table->Error("mx", "is true, or not there: then relay names the next hop");
  }
}

void ReadSecretFile(TableReader* table, bool has_user, delivery::Route* route, Config* config) {
  std::string path;
  bool given = table->Text("secret_file", &path);
  if (given) CheckAbsolutePath(table, "secret_file", path);
  if (given && !has_user && (!route->next_hops.empty() || route->by_mx)) {
    table->Error("secret_file",
                 "no relay of this route has a user; name one, as in "
                 "\"smtps://user@relay.example.com\"");
  }
  if (has_user) {
    table->Required("secret_file", "the file with the password of the user that the relay names");
  }
  if (!given || !has_user) return;
  for (delivery::NextHop& hop : route->next_hops) {
    if (!hop.user.empty()) hop.secret_file = path;
  }
  const toml::source_position& at = table->Find("secret_file")->source().begin;
  config->secret_files.push_back({std::move(path), at.line, at.column});
}

}  // namespace

void ReadRoutes(TableReader* root, Config* config) {
  std::vector<const toml::table*> tables = Sections(root, "route", limits::kConfigRoutesMax);
  if (!root->Find("route")) {
    root->Error("route",
                "is missing: at least one [[route]] with a domain (\"*\": all) and a relay");
  }
  std::set<std::string> seen;
  for (const toml::table* from : tables) {
    delivery::Route route;
    TableReader table(from, "route", root->errors());
    table.Required("domain", "\"example.com\", \"*.example.com\" (all below it) or \"*\" (all)");
    bool given = table.Text("domain", &route.domain);
    ReadMx(&table, &route);
    ReadRelays(&table, root->errors(), &route);
    bool has_user = std::any_of(route.next_hops.begin(), route.next_hops.end(),
                                [](const delivery::NextHop& hop) { return !hop.user.empty(); });
    ReadRouteTls(&table, has_user, &route);
    ReadSecretFile(&table, has_user, &route, config);
    table.Finish();
    if (!given || (route.next_hops.empty() && !route.by_mx)) continue;
    if (!seen.insert(route.DomainKey()).second) {
      table.Error("domain", "there are two routes for " + Quoted(route.domain));
      continue;
    }
    auto checked = delivery::RouteTable::Make({route});
    if (!checked.ok()) {
      table.Error("domain", kDomainWanted + Quoted(route.domain));
      continue;
    }
    config->routes.push_back(std::move(route));
  }
}

void ReadDestinations(TableReader* root, Config* config) {
  std::set<std::string> seen;
  for (const toml::table* from : Sections(root, "destination", limits::kConfigRoutesMax)) {
    delivery::Destination destination;
    TableReader table(from, "destination", root->errors());
    table.Required("domain", "\"example.com\", \"*.example.com\" (all below it) or \"*\" (all)");
    table.Required("tls", "opportunistic, required or verified");
    bool given = table.Text("domain", &destination.domain);
    size_t tls = 0;
    table.Choice("tls", kHopTlsChoices, &tls);
    destination.tls = static_cast<delivery::HopTls>(tls);
    table.Finish();
    if (!given) continue;
    if (!seen.insert(smtp::DomainKey(destination.domain)).second) {
      table.Error("domain", "there are two destinations " + Quoted(destination.domain));
    } else if (!delivery::DestinationTable::Make({destination}).ok()) {
      table.Error("domain", kDomainWanted + Quoted(destination.domain));
    } else {
      config->destinations.push_back(std::move(destination));
    }
  }
}

}  // namespace ringpost::app
