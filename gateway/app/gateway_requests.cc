// What an operator asks of a running gateway, from any thread.
#include <sys/eventfd.h>

#include "gateway/app/gateway_impl.h"
#include "gateway/app/process_setup.h"
#include "gateway/app/version.h"
#include "gateway/base/check.h"

namespace ringpost::app {

std::vector<std::string> GatewayImpl::regions() const {
  std::vector<std::string> names;
  for (const auto& region : regions_) names.push_back(region->config.name);
  return names;
}

bool GatewayImpl::PostQueueCommand(std::string_view region, uint32_t shard,
                                   session::QueueCommand* command) {
  size_t index = RegionIndex(region);
  if (index == std::string::npos || shard >= shards_.size()) return false;
  Shard* to = shards_[shard].get();
  to->Post([to, index, command] { to->dispatcher(index).Handle(command); });
  return true;
}

GatewayStatus GatewayImpl::GetStatus() const {
  GatewayStatus status;
  std::shared_ptr<http::AcmeService> acme;
  {
    std::lock_guard lock(mutex_);
    acme = acme_;
    status.state = state_;
    status.started = started_;
    status.config_loaded = config_loaded_;
    status.listeners = listener_names_;
    status.memory_bytes = memory_bytes_;
    status.memory_ceiling_bytes = memory_ceiling_;
  }
  if (acme) status.acme = acme->status();
  status.version = kVersion;
  status.hostname = hostname_;
  status.config_path = config_path_;
  status.open_files_max = OpenFilesMax();
  if (!shards_.empty()) status.reactor_features = shards_[0]->Features();
  for (size_t i = 0; i < regions_.size(); ++i) {
    RegionStatus region;
    region.name = regions_[i]->config.name;
    region.spool = regions_[i]->spool->health();
    region.scan_done = true;
    for (const auto& shard : shards_) {
      const ShardGauges::Region& gauges = shard->gauges().regions[i];
      region.queued_entries += gauges.queued_entries.load(std::memory_order_relaxed);
      region.held_body_bytes += gauges.held_body_bytes.load(std::memory_order_relaxed);
      region.scan_done &= gauges.scan_done.load(std::memory_order_relaxed);
    }
    status.regions.push_back(std::move(region));
  }
  for (const auto& shard : shards_) {
    const ShardGauges& gauges = shard->gauges();
    ShardStatus& shown = status.shards.emplace_back();
    shown.connections = gauges.connections.load(std::memory_order_relaxed);
    shown.pool_bytes = gauges.pool_bytes.load(std::memory_order_relaxed);
    shown.pool_bytes_held = gauges.pool_bytes_held.load(std::memory_order_relaxed);
    for (size_t i = 0; i < kCounterCount; ++i) {
      shown.counters.push_back(shard->counters().Get(static_cast<Counter>(i)));
    }
  }
  for (size_t i = 0; i < kCounterCount; ++i) {
    auto counter = static_cast<Counter>(i);
    uint64_t sum = SpilledCount(counter);
    for (const auto& shard : shards_) sum += shard->counters().Get(counter);
    for (const auto& region : regions_) sum += region->spool->counters().Get(counter);
    status.counters.emplace_back(CounterName(counter), sum);
  }
  return status;
}

template <typename StartOne>
bool GatewayImpl::StartSomeTrace(const StartOne& start) {
  {
    std::lock_guard lock(mutex_);
    if (tracing_) return false;
    tracing_ = true;
  }
  for (auto& shard : shards_) {
    Shard* one = shard.get();
    one->Post([one, start] {
      for (size_t i = 0; i < one->region_count(); ++i) start(*one, i);
    });
  }
  return true;
}

bool GatewayImpl::StartTrace(const IpNetwork& client, TraceSink sink) {
  return StartSomeTrace([client, sink = std::move(sink)](Shard& shard, size_t region) {
    shard.inbound(region).Trace(client, sink);
  });
}

bool GatewayImpl::StartOutboundTrace(std::string_view next_hop, TraceSink sink) {
  return StartSomeTrace(
      [hop = std::string(next_hop), sink = std::move(sink)](Shard& shard, size_t region) {
        shard.dispatcher(region).Trace(hop, sink);
      });
}

void GatewayImpl::StopTrace() {
  for (auto& shard : shards_) {
    Shard* one = shard.get();
    one->Post([one] {
      for (size_t i = 0; i < one->region_count(); ++i) {
        one->inbound(i).Untrace();
        one->dispatcher(i).Untrace();
      }
    });
  }
  std::lock_guard lock(mutex_);
  tracing_ = false;
}

void GatewayImpl::Wake() { RP_CHECK(eventfd_write(request_fd_, 1) == 0); }

void GatewayImpl::RequestReload(std::function<void(const ReloadOutcome&)> done) {
  {
    std::lock_guard lock(mutex_);
    reload_requests_.push_back(std::move(done));
  }
  Wake();
}

void GatewayImpl::RequestDrain() {
  {
    std::lock_guard lock(mutex_);
    drain_requested_ = true;
  }
  Wake();
}

bool GatewayImpl::ServeRequests() {
  eventfd_t count;
  eventfd_read(request_fd_, &count);
  std::vector<std::function<void(const ReloadOutcome&)>> reloads;
  bool drain, certificates;
  {
    std::lock_guard lock(mutex_);
    certificates = std::exchange(certificates_changed_, false);
    reloads.swap(reload_requests_);
    drain = drain_requested_;
  }
  if (certificates) ServeNewCertificates();
  if (!reloads.empty()) {
    ReloadOutcome outcome = Reload();  // one for all that asked meanwhile
    for (auto& done : reloads) {
      if (done) done(outcome);
    }
  }
  return drain;
}

}  // namespace ringpost::app
