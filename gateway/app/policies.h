// From configuration to what the rooms take: listener policies and the delivery configuration.
//
// Threads: the main thread; what is made is immutable and shared.
#pragma once

#include <map>
#include <memory>

#include "gateway/app/config.h"
#include "gateway/app/domain_book.h"
#include "gateway/base/status.h"
#include "gateway/delivery/config.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/acme_service.h"
#include "gateway/session/inbound_policy.h"
#include "gateway/session/mail_lookup.h"
#include "gateway/tls/client_context.h"
#include "gateway/tls/server_context.h"
#include "gateway/tls/ticket_keys.h"

namespace ringpost::app {

// Open connections of each listener, kept across reloads.
using ListenerCounts = std::map<Endpoint, std::shared_ptr<std::atomic<uint32_t>>>;

// Null where there are no certificates.
struct TlsContexts {
  std::shared_ptr<const tls::ServerContext> modern;
  std::shared_ptr<const tls::ServerContext> old;  // TLS 1.0 and 1.1 too
};

// `tickets` is what shards and the configurations that follow one another share; `more` goes behind
// the certificates of the configuration; `challenges`: see tls::ServerContext.
TlsContexts MakeTlsContexts(const Config& config, std::shared_ptr<tls::TicketKeys> tickets,
                            const std::vector<std::shared_ptr<const tls::Certificate>>& more,
                            std::shared_ptr<tls::AlpnChallenges> challenges);
// For next hops: see session::RegionContext.
struct ClientTlsContexts {
  std::shared_ptr<const tls::ClientContext> any;
  std::shared_ptr<const tls::ClientContext> verified;
};

// Reads the file of authorities, once. An error names it.
StatusOr<ClientTlsContexts> MakeClientTlsContexts(const Config& config);
DomainOptions MakeDomainOptions(const Config& config);
dns::ResolverOptions MakeResolverOptions(const Config& config);
// For mail that goes by MX.
session::MailLookupOptions MakeMailLookupOptions(const Config& config);
// config.acme is there.
StatusOr<http::AcmeOptions> MakeAcmeOptions(const Config& config);
std::shared_ptr<const delivery::DeliveryConfig> MakeDeliveryConfig(const Config& config);
// What is configured, as far as the descriptors that may be open allow: those of the HTTP side,
// where a listener takes HTTP, and of all that is no connection are left free.
uint32_t InboundConnectionsMax(const Config& config, uint64_t open_files_max);
// Where requests in clear are redirected to: 443 where a listener takes HTTP under TLS there, else
// the first that does; 0: none.
uint16_t HttpsPort(const Config& config);
// Where web clients find this gateway: "https://HOSTNAME:PORT" as above, else
// "http://HOSTNAME:PORT" (80 where a listener takes HTTP in clear there, else the first that does),
// the usual port left out; empty: no listener takes HTTP.
std::string WebBase(const Config& config);
std::shared_ptr<const session::ListenerPolicy> MakeListenerPolicy(
    const Config& config, const ListenerConfig& listener, const TlsContexts& tls,
    const tls::KernelRecordRule& kernel_records,
    std::shared_ptr<const delivery::DeliveryConfig> delivery, ListenerCounts* counts);

}  // namespace ringpost::app
