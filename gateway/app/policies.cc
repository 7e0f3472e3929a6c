#include "gateway/app/policies.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

// Descriptors that are not inbound connections: stores, logs, listeners, outbound connections.
constexpr uint64_t kOtherDescriptors = 512;

// Debian's ca-certificates.
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

std::string AuthoritiesOr(const std::string& given) {
  bool system = given.empty() && access(kSystemAuthorities, R_OK) == 0;
  return system ? kSystemAuthorities : given;
}

std::shared_ptr<const identity::NetworkList> MakeList(const std::vector<IpNetwork>& networks) {
  auto list = std::make_shared<identity::NetworkList>();
  for (const IpNetwork& network : networks) list->Add(network);
  return list;
}

// The same for the same name over restarts (FNV-1a): what is owed is kept under it.
uint32_t NumberOf(std::string_view name) {
  uint32_t number = 0x811c9dc5;
  for (char c : name) number = (number ^ static_cast<unsigned char>(c)) * 0x01000193;
  return number;
}

Status Refused(const Status& status) {
  return MakeStatus(status.code(), "[tls] authorities: " + std::string(MessageOf(status)));
}

}  // namespace

TlsContexts MakeTlsContexts(const Config& config, std::shared_ptr<tls::TicketKeys> tickets,
                            const std::vector<std::shared_ptr<const tls::Certificate>>& more,
                            std::shared_ptr<tls::AlpnChallenges> challenges) {
  TlsContexts contexts;
  tls::ServerContext::Options options;
  for (const CertificateConfig& one : config.certificates) {
    options.certificates.push_back(one.loaded);
  }
  options.certificates.insert(options.certificates.end(), more.begin(), more.end());
  if (options.certificates.empty()) return contexts;
  options.tickets = std::move(tickets);
  options.challenges = std::move(challenges);
  contexts.modern = tls::ServerContext::Make(options);
  options.old_versions = true;
  contexts.old = tls::ServerContext::Make(std::move(options));
  return contexts;
}

StatusOr<ClientTlsContexts> MakeClientTlsContexts(const Config& config) {
  std::string authorities = AuthoritiesOr(config.tls_authorities);
  ClientTlsContexts contexts;
  auto any = tls::ClientContext::Make({authorities, false, nullptr});
  if (!any.ok()) return Refused(any.status());
  contexts.any = std::move(*any);
  auto verified = tls::ClientContext::Make({authorities, true, contexts.any});
  if (!verified.ok()) return Refused(verified.status());
  contexts.verified = std::move(*verified);
  return contexts;
}

DomainOptions MakeDomainOptions(const Config& config) {
  DomainOptions options;
  options.zone = config.dns.zone;
  options.name_servers = config.dns.name_servers;
  options.mailbox = config.dns.mailbox;
  options.hostname = config.hostname;
  options.queue_life = config.delivery.lifetime;
  for (const RegionConfig& region : config.regions) {
    identity::RegionMail mail;
    uint16_t preference = 10;
    for (const std::string& host : region.bounce_hosts) {
      mail.exchanges.push_back({preference, host});
      preference = static_cast<uint16_t>(preference + 10);
    }
    if (mail.exchanges.empty()) mail.exchanges.push_back({preference, config.hostname});
    mail.spf = region.spf;
    mail.sources = region.egress;
    if (mail.spf.empty()) {
      mail.spf = "v=spf1";
      for (const IpAddress& address : region.egress) {
        mail.spf += (address.is_v4() ? " ip4:" : " ip6:") + address.ToString();
      }
      if (region.egress.empty()) mail.spf += " a:" + config.hostname;
      mail.spf += " -all";
    }
    options.regions.emplace_back(region.name, std::move(mail));
  }
  return options;
}

dns::ResolverOptions MakeResolverOptions(const Config& config) {
  dns::ResolverOptions options;
  options.forwarders = config.dns.forwarders;
  options.trust_anchors_file = config.dns.trust_anchors;
  for (const DnsConfig::Stub& stub : config.dns.stubs) {
    options.stubs.push_back({stub.zone, stub.server});
  }
  // Long enough for the questions of one check. Who asks again has published something meanwhile.
  options.cache_seconds_max = 5;
  return options;
}

namespace {

// The addresses at which an exchanger's port would lead back here. Of those that come later nothing
// is known: Received fields end such a loop (RFC 5321 section 6.3).
std::vector<IpAddress> OwnAddresses(const Config& config) {
  constexpr uint16_t kExchangersPort = 25;
  std::vector<IpAddress> own;
  bool any_v4 = false, any_v6 = false;
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.address.port != kExchangersPort) continue;
    own.push_back(listener.address.address);
    any_v4 |= listener.address.address == IpAddress::V4(0);
    any_v6 |= listener.address.address == IpAddress();
  }
  ifaddrs* interfaces = nullptr;
  if ((!any_v4 && !any_v6) || getifaddrs(&interfaces) != 0) return own;
  for (const ifaddrs* one = interfaces; one; one = one->ifa_next) {
    if (!one->ifa_addr) continue;
    sockaddr_storage storage{};
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    std::memcpy(&storage, one->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    auto endpoint = Endpoint::FromSockaddr(storage);
    if (endpoint && (family == AF_INET ? any_v4 || any_v6 : any_v6)) {
      own.push_back(endpoint->address);
    }
  }
  freeifaddrs(interfaces);
  return own;
}

}  // namespace

session::MailLookupOptions MakeMailLookupOptions(const Config& config) {
  session::MailLookupOptions options;
  options.resolver = MakeResolverOptions(config);
  options.resolver.cache_seconds_max.reset();  // as the records say
  options.own_names = {config.hostname};
  options.allowed_targets = config.dns.allowed_networks;
  options.own_addresses = OwnAddresses(config);
  return options;
}

StatusOr<http::AcmeOptions> MakeAcmeOptions(const Config& config) {
  const AcmeConfig& acme = *config.acme;
  auto authorities = tls::ClientContext::Make({AuthoritiesOr(acme.authorities), true});
  if (!authorities.ok()) return authorities.status();
  return http::AcmeOptions{acme.directory, acme.email, acme.names, acme.challenges,
                           std::move(*authorities)};
}

std::shared_ptr<const delivery::DeliveryConfig> MakeDeliveryConfig(const Config& config) {
  auto made = std::make_shared<delivery::DeliveryConfig>();
  made->hostname = config.hostname;
  auto routes = delivery::RouteTable::Make(config.routes);
  RP_CHECK(routes.ok());  // ParseConfig has tried each
  for (const delivery::Route& route : routes->routes()) {
    for (const delivery::NextHop& hop : route.next_hops) {
      RP_CHECK(hop.user.empty() == (hop.credentials == nullptr));  // LoadConfig has read them
    }
  }
  made->routes = std::move(*routes);
  auto destinations = delivery::DestinationTable::Make(config.destinations);
  RP_CHECK(destinations.ok());
  made->destinations = std::move(*destinations);
  made->retry.steps = config.delivery.retry;
  made->connections_per_site = config.delivery.connections_per_next_hop;
  made->messages_per_connection = config.delivery.messages_per_connection;
  made->message_lifetime = config.delivery.lifetime;
  made->delay_warning = config.delivery.delay_warning;
  made->shaping = config.shaping.table;
  return made;
}

uint32_t InboundConnectionsMax(const Config& config, uint64_t open_files_max) {
  bool http = std::any_of(config.listeners.begin(), config.listeners.end(),
                          [](const ListenerConfig& listener) {
                            return listener.protocol != session::ListenerProtocol::kSmtp;
                          });
  uint64_t others = kOtherDescriptors + (http ? limits::kHttpConnectionsMax : 0);
  uint64_t possible = open_files_max > 2 * others ? open_files_max - others : open_files_max / 2;
  return static_cast<uint32_t>(std::min<uint64_t>(config.limits.connections_max, possible));
}

uint16_t HttpsPort(const Config& config) {
  constexpr uint16_t kHttpsPort = 443;
  uint16_t first = 0;
  for (const ListenerConfig& listener : config.listeners) {
    bool https = listener.tls == ListenerTls::kImplicit &&
                 listener.protocol != session::ListenerProtocol::kSmtp;
    if (https && (first == 0 || listener.address.port == kHttpsPort)) first = listener.address.port;
  }
  return first;
}

std::string WebBase(const Config& config) {
  constexpr uint16_t kHttpPort = 80, kHttpsPort = 443;
  if (uint16_t port = HttpsPort(config)) {
    std::string base = "https://" + config.hostname;
    return port == kHttpsPort ? base : base + ":" + std::to_string(port);
  }
  uint16_t first = 0;
  for (const ListenerConfig& listener : config.listeners) {
    bool http = listener.tls != ListenerTls::kImplicit &&
                listener.protocol != session::ListenerProtocol::kSmtp;
    if (http && (first == 0 || listener.address.port == kHttpPort)) first = listener.address.port;
  }
  if (first == 0) return "";
  std::string base = "http://" + config.hostname;
  return first == kHttpPort ? base : base + ":" + std::to_string(first);
}

std::shared_ptr<const session::ListenerPolicy> MakeListenerPolicy(
    const Config& config, const ListenerConfig& listener, const TlsContexts& tls,
    const tls::KernelRecordRule& kernel_records,
    std::shared_ptr<const delivery::DeliveryConfig> delivery, ListenerCounts* counts) {
  auto policy = std::make_shared<session::ListenerPolicy>();
  policy->name = listener.address.ToString();
  smtp::ServerOptions& smtp = policy->smtp;
  smtp.hostname = config.hostname;
  smtp.strict = listener.strict;
  smtp.unqualified_senders = !listener.strict;
  smtp.normalise_bare_newlines = listener.normalise_bare_newlines;
  smtp.message_bytes_max = config.limits.message_bytes_max;
  smtp.recipients_max = config.limits.recipients_max;
  if (listener.tls != ListenerTls::kNone) {
    policy->tls = listener.tls_old_versions ? tls.old : tls.modern;
    policy->kernel_records = kernel_records;
    policy->implicit_tls = listener.tls == ListenerTls::kImplicit;
  }
  policy->protocol = listener.protocol;
  policy->http_names = listener.http_names;
  if (listener.tls == ListenerTls::kOptional) smtp.starttls = smtp::StartTls::kOffered;
  if (listener.tls == ListenerTls::kRequired) smtp.starttls = smtp::StartTls::kRequired;
  policy->authentication = listener.authentication;
  // Where no client could say a password, none is asked for one.
  bool sayable =
      listener.auth_in_clear || (listener.tls != ListenerTls::kNone && !listener.tls_old_versions);
  policy->authentication.by_password &= sayable;
  if (policy->authentication.by_password) {
    smtp.auth = listener.auth_in_clear ? smtp::Auth::kAlsoInClear : smtp::Auth::kUnderTls;
  }
  policy->takes_bounces = listener.takes_bounces;
  policy->bounce_classes = config.bounces.loaded;
  policy->smtp_xclient = smtp;
  policy->smtp_xclient.xclient = true;
  policy->trusted = MakeList(config.trust);
  policy->proxy_peers = MakeList(listener.proxy_protocol_from);
  policy->xclient_peers = MakeList(listener.xclient_from);
  policy->routable = [delivery = std::move(delivery)](std::string_view domain) {
    return delivery->routes.Find(domain) != nullptr;
  };
  auto& count = (*counts)[listener.address];
  if (!count) count = std::make_shared<std::atomic<uint32_t>>(0);
  policy->connections = count;
  policy->rate = listener.rate;
  policy->rate_id = NumberOf(policy->name);
  policy->connections_max = listener.connections_max;
  policy->connections_per_address_max = config.limits.connections_per_address_max;
  policy->command_timeout_seconds = static_cast<uint32_t>(config.limits.command_timeout.count());
  policy->data_bytes_per_second_min = config.limits.data_bytes_per_second_min;
  policy->greet_delay_ms = static_cast<uint32_t>(listener.greet_delay.count());
  policy->message_lifetime = config.delivery.lifetime;
  return policy;
}

}  // namespace ringpost::app
