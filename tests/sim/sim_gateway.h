// SimGateway: the gateway's rooms put together as app does, on simulated shards and a MemorySpool.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/delivery/config.h"
#include "gateway/delivery/site_budget.h"
#include "gateway/reactor/sim_io.h"
#include "gateway/reactor/stream.h"
#include "gateway/session/dispatcher.h"
#include "gateway/session/inbound_service.h"
#include "storage/sim/memory_spool.h"

namespace ringpost::sim {

class SimGateway {
 public:
  static constexpr uint32_t kShards = 2;

  SimGateway(reactor::SimWorld* world, storage::MemorySpool* spool, const Endpoint& listen,
             const Endpoint& next_hop);
  ~SimGateway();

  void BeginDrain();
  bool drained() const;
  uint64_t queued() const;

 private:
  struct Shard;
  std::vector<std::unique_ptr<Shard>> shards_;
  storage::MemorySpool* spool_;
  delivery::SiteBudgets budgets_;
  NullLog log_;
  session::InboundShared shared_;
};

}  // namespace ringpost::sim
