#include "gateway/session/inbound_service.h"

#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/session/inbound_connection.h"
#include "gateway/session/inbound_rules.h"

namespace ringpost::session {
namespace {

// Over the process's limit or the listener's; `none`: not.
std::optional<smtp::Reply> RefuseConnection(const InboundHost& host, const ListenerPolicy& policy) {
  const std::string& hostname = policy.smtp.hostname;
  if (host.draining) return ShuttingDown(hostname);
  if (host.shared->pressure.load(std::memory_order_relaxed) >= Pressure::kRefuseConnections) {
    return MemoryShort(hostname);
  }
  if (host.shared->connections.load(std::memory_order_relaxed) >=
      host.shared->connections_max.load(std::memory_order_relaxed)) {
    return TooManyConnections(hostname, "in all");
  }
  if (policy.connections_max > 0 && policy.connections &&
      policy.connections->load(std::memory_order_relaxed) >= policy.connections_max) {
    return TooManyConnections(hostname, "on this port");
  }
  return std::nullopt;
}

}  // namespace

InboundService::InboundService(const RegionContext* region, InboundShared* shared, AdmitFn admit,
                               ShardIdentity* identity)
    : host_(std::make_unique<InboundHost>()) {
  host_->region = region;
  host_->shared = shared;
  host_->admit = std::move(admit);
  host_->identity = identity;
}

InboundService::~InboundService() { RP_CHECK(idle()); }

void InboundService::Accept(int fd, std::shared_ptr<const ListenerPolicy> policy) {
  Count(Counter::kConnectionsAccepted);
  reactor::Io& io = host_->io();
  uint32_t open = host_->shared->connections.load(std::memory_order_relaxed);
  uint32_t most = host_->shared->connections_max.load(std::memory_order_relaxed);
  if (open >= most + limits::kRefusedConnectionsMax) {
    Count(Counter::kConnectionsRefused);
    Count(Counter::kConnectionsClosed);
    io.Close(fd);
    return;
  }
  std::optional<smtp::Reply> refusal = RefuseConnection(*host_, *policy);
  auto* connection = new InboundConnection(host_.get(), std::move(policy), io.PeerOf(fd));
  connection->Start(fd, refusal);
}

void InboundService::BeginDrain() {
  host_->draining = true;
  for (InboundConnection *next, *at = host_->first; at; at = next) {
    next = at->next();
    at->BeginDrain();
  }
}

void InboundService::Abort() {
  host_->draining = true;
  for (InboundConnection *next, *at = host_->first; at; at = next) {
    next = at->next();
    at->Abort();
  }
}

void InboundService::CloseIdle() {
  for (InboundConnection *next, *at = host_->first; at; at = next) {
    next = at->next();
    at->CloseIdle(MemoryShort(host_->region->hostname));
  }
}

size_t InboundService::connections() const { return host_->connections; }
bool InboundService::idle() const {
  return host_->connections == 0 && host_->messages == 0 && host_->password_jobs == 0 &&
         host_->origin_reads == 0;
}

void InboundService::Trace(const IpNetwork& client, TraceSink sink) {
  host_->trace_network = client;
  host_->trace = std::move(sink);
  for (InboundConnection* at = host_->first; at; at = at->next()) at->UpdateTrace();
}

void InboundService::Untrace() {
  host_->trace = nullptr;
  for (InboundConnection* at = host_->first; at; at = at->next()) at->UpdateTrace();
}

}  // namespace ringpost::session
