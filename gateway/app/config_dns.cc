// ParseConfig: [dns], and what a region says of itself there.
#include "gateway/app/config_sections.h"
#include "gateway/app/config_text.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

std::optional<std::string> HostInto(std::string_view text, std::vector<std::string>* hosts) {
  if (text.size() > limits::kDomainBytesMax || !smtp::IsDomain(text, false)) {
    return "expects the name of a host, such as \"mx1.example.com\", not " + Quoted(text);
  }
  hosts->push_back(ToLower(text));
  return std::nullopt;
}

std::optional<Endpoint> ServerOf(std::string_view text) {
  auto endpoint = Endpoint::Parse(text);
  return endpoint && endpoint->port != 0 ? endpoint : std::nullopt;
}

constexpr char kServerWords[] =
    "expects a server's address and port, such as \"127.0.0.1:53\", not ";

void ReadName(TableReader* table, std::string_view key, std::string* name) {
  if (!table->Text(key, name)) return;
  std::vector<std::string> one;
  if (auto words = HostInto(*name, &one)) {
    table->Error(key, *words);
  } else {
    *name = one.front();
  }
}

void ReadStub(const toml::table* from, ErrorList* errors, DnsConfig* dns) {
  TableReader table(from, "dns.stub", errors);
  DnsConfig::Stub stub;
  std::string server;
  table.Required("server", "the zone's server, such as \"192.0.2.53:53\"");
  if (table.Text("zone", &stub.zone) && !stub.zone.empty()) ReadName(&table, "zone", &stub.zone);
  if (table.Text("server", &server)) {
    auto endpoint = ServerOf(server);
    if (endpoint) {
      stub.server = *endpoint;
    } else {
      table.Error("server", kServerWords + Quoted(server));
    }
  }
  table.Finish();
  dns->stubs.push_back(std::move(stub));
}

}  // namespace

void ReadRegionMail(TableReader* table, RegionConfig* region) {
  table->Texts("bounce_hosts", limits::kDnsServersMax,
               [region](std::string_view text) { return HostInto(text, &region->bounce_hosts); });
  if (!table->Text("spf", &region->spf)) return;
  if (!region->spf.starts_with("v=spf1 ") || region->spf.size() > limits::kSpfBytesMax) {
    table->Error("spf",
                 "expects an SPF record of at most 450 bytes, such as \"v=spf1 "
                 "ip4:192.0.2.0/24 -all\", not " +
                     Quoted(region->spf));
  }
}

void ReadDns(TableReader* root, Config* config) {
  DnsConfig* dns = &config->dns;
  TableReader table(Section(root, "dns"), "dns", root->errors());
  ReadName(&table, "zone", &dns->zone);
  table.Texts("name_servers", limits::kDnsServersMax,
              [dns](std::string_view text) { return HostInto(text, &dns->name_servers); });
  if (dns->name_servers.empty() && !dns->zone.empty()) dns->name_servers = {"ns1." + dns->zone};
  ReadName(&table, "mailbox", &dns->mailbox);
  if (dns->mailbox.empty() && !dns->zone.empty()) dns->mailbox = "hostmaster." + dns->zone;
  table.Texts("forwarders", limits::kDnsServersMax,
              [dns](std::string_view text) -> std::optional<std::string> {
                auto endpoint = ServerOf(text);
                if (!endpoint) return kServerWords + Quoted(text);
                dns->forwarders.push_back(*endpoint);
                return std::nullopt;
              });
  table.Texts("allowed_networks", limits::kConfigNetworksMax, NetworksInto(&dns->allowed_networks));
  if (table.Text("trust_anchors", &dns->trust_anchors) && !dns->trust_anchors.empty()) {
    CheckAbsolutePath(&table, "trust_anchors", dns->trust_anchors);
  }
  for (const toml::table* stub : Sections(&table, "stub", limits::kDnsServersMax)) {
    ReadStub(stub, root->errors(), dns);
  }
  table.Finish();
}

}  // namespace ringpost::app
