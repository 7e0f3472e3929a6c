// What inbound sessions go by: the policy of their listener, and the counts all shards share.
//
// Threads: a ListenerPolicy is immutable once its first session has it; sessions keep the one they
// began with across a reload. InboundShared is atomics only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "gateway/base/time.h"
#include "gateway/identity/decision.h"
#include "gateway/identity/outcome_counts.h"
#include "gateway/identity/quota_table.h"
#include "gateway/identity/rate_table.h"
#include "gateway/identity/trust.h"
#include "gateway/session/address_counts.h"
#include "gateway/session/hand_over.h"
#include "gateway/session/protocol_choice.h"
#include "gateway/smtp/server_session.h"
#include "gateway/tls/kernel_records.h"
#include "gateway/tls/server_context.h"

namespace ringpost::mail {
class BounceClasses;  // mail/bounce_classes.h
}  // namespace ringpost::mail

namespace ringpost::session {

// One [[listener]], with what it refers to.
struct ListenerPolicy {
  std::string name;  // its address as configured
  smtp::ServerOptions smtp;
  // For STARTTLS (see smtp.starttls) and implicit TLS; null where neither is.
  std::shared_ptr<const tls::ServerContext> tls;
  tls::KernelRecordRule kernel_records;
  bool implicit_tls = false;  // the handshake comes before the greeting (RFC 8314)
  ListenerProtocol protocol = ListenerProtocol::kSmtp;
  std::set<std::string, std::less<>> http_names;  // see protocol_choice.h
  smtp::ServerOptions smtp_xclient;               // the same and XCLIENT, for peers on the list
  identity::ListenerIdentity authentication;
  bool takes_bounces = false;  // from anybody, to return paths (inbound_return.h)
  // What those say; null: they are not read.
  std::shared_ptr<const mail::BounceClasses> bounce_classes;
  std::shared_ptr<const identity::NetworkList> trusted;
  std::shared_ptr<const identity::NetworkList> proxy_peers;  // must speak PROXY first
  std::shared_ptr<const identity::NetworkList> xclient_peers;
  // Is there a route for this domain (a routing key, see smtp::DomainKey)?
  std::function<bool(std::string_view domain)> routable;
  // Open connections of this listener over all shards; kept across reloads.
  std::shared_ptr<std::atomic<uint32_t>> connections;
  identity::RateLimit rate;                  // of all messages that come by it
  uint32_t rate_id = 0;                      // its number in the RateTable, kept over restarts
  uint32_t connections_max = 0;              // 0: only the process's limit
  uint32_t connections_per_address_max = 0;  // over all listeners and shards; 0: no limit
  uint32_t command_timeout_seconds = limits::kServerCommandSeconds;
  uint32_t data_bytes_per_second_min = 0;  // rate floor within DATA, after a grace; 0: off
  uint32_t greet_delay_ms = 0;             // early talkers are found out while it lasts
  WallTime::duration message_lifetime{};   // deadline = received + this
};

// How far memory is from its ceiling; each level includes those before it.
enum class Pressure : uint8_t {
  kNone,
  kRefuseMail,         // MAIL and DATA are answered 452 4.3.1
  kCloseIdle,          // idle sessions are closed with 421 4.3.2
  kRefuseConnections,  // new connections are answered 421 4.3.2
};

// One for the process; outlives every shard. What it counts of who sends is kept over restarts by
// app/limit_keeper.h.
struct InboundShared {
  std::atomic<uint32_t> connections{0};
  std::atomic<uint32_t> connections_max{limits::kConnectionsMaxDefault};
  std::atomic<Pressure> pressure{Pressure::kNone};
  AddressCounts addresses;
  identity::RateTable rates{limits::kRatePlaces};  // of listeners, accounts and credentials
  identity::QuotaTable quotas{limits::kQuotaPlaces};
  identity::OutcomeCounts outcomes{limits::kOutcomePlaces};  // of credentials
  HttpSide* http = nullptr;  // null: there is none, and what is HTTP is closed
};

}  // namespace ringpost::session
