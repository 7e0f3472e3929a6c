// SimGateway: the gateway's rooms put together as app does, on simulated shards and a MemorySpool.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/base/worker_pool.h"
#include "gateway/delivery/config.h"
#include "gateway/delivery/site_budget.h"
#include "gateway/reactor/sim_io.h"
#include "gateway/reactor/stream.h"
#include "gateway/session/dispatcher.h"
#include "gateway/session/inbound_service.h"
#include "storage/sim/memory_spool.h"
#include "tests/sim/sim_signing.h"
#include "tests/sim/sim_talk.h"

namespace ringpost::sim {

// What does not change within a run.
struct GatewayPlan {
  Endpoint listen;
  std::vector<Endpoint> next_hops;  // three
  Seconds lifetime{};
  const TlsSetup* tls = nullptr;
  Signing signing = Signing::kNever;
};

class SimGateway {
 public:
  // `seed` draws the configuration: limits, time-outs, which hops a domain goes to.
  SimGateway(reactor::SimWorld* world, storage::MemorySpool* spool, const GatewayPlan& plan,
             uint32_t shards, uint64_t seed);
  ~SimGateway();

  // Now and then the workers make a signature. False: not now, or there is none to make.
  bool Work();
  // Other limits, routes and keys, drawn anew.
  void Reload();
  uint32_t shards() const { return static_cast<uint32_t>(shards_.size()); }
  void Handle(uint32_t shard, session::QueueCommand* command);
  void BeginDrain();
  void Abort();  // the grace period is over
  bool drained() const;
  uint64_t queued() const;

 private:
  struct Shard;
  std::shared_ptr<const delivery::DeliveryConfig> DrawDelivery();
  std::shared_ptr<const session::ListenerPolicy> DrawPolicy();
  tls::KernelRecordRule DrawKernelRecords();
  uint64_t DrawSigningKey();

  GatewayPlan plan_;
  Random random_;
  WorkerPool signers_{"sim", 0, 3};  // few may wait: that they are too many happens
  std::vector<std::unique_ptr<Shard>> shards_;
  storage::MemorySpool* spool_;
  delivery::SiteBudgets budgets_;
  NullLog log_;
  session::InboundShared shared_;
};

}  // namespace ringpost::sim
