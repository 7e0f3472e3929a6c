#include "tests/sim/sim_gateway.h"

#include <utility>

namespace ringpost::sim {
namespace {

std::shared_ptr<const delivery::DeliveryConfig> MakeDelivery(const Endpoint& next_hop) {
  auto config = std::make_shared<delivery::DeliveryConfig>();
  config->hostname = "gw.example.com";
  delivery::Route route{"*", {*delivery::NextHop::Parse(next_hop.ToString())}};
  config->routes = *delivery::RouteTable::Make({std::move(route)});
  config->connections_per_site = 3;
  return config;
}

std::shared_ptr<const session::ListenerPolicy> MakePolicy(const Endpoint& listen) {
  auto policy = std::make_shared<session::ListenerPolicy>();
  policy->name = listen.ToString();
  policy->smtp.hostname = policy->smtp_xclient.hostname = "gw.example.com";
  auto trusted = std::make_shared<identity::NetworkList>();
  trusted->Add(*IpNetwork::Parse("0.0.0.0/0"));
  policy->trusted = std::move(trusted);
  policy->routable = [](std::string_view) { return true; };
  policy->message_lifetime = Seconds(5 * 86'400);
  return policy;
}

struct PageFor : storage::ScanPage {
  session::Dispatcher* dispatcher = nullptr;
};

}  // namespace

struct SimGateway::Shard final : reactor::Listener::Handler {
  Shard(reactor::SimWorld* world, uint32_t number, storage::Spool* spool, Log* log,
        session::InboundShared* shared, delivery::SiteBudgets* budgets, const Endpoint& listen,
        const Endpoint& next_hop)
      : io(world, number), policy(MakePolicy(listen)) {
    region.name = "sim";
    region.hostname = "gw.example.com";
    region.io = &io;
    region.spool = spool;
    region.log = log;
    region.shards = kShards;
    dispatcher = std::make_unique<session::Dispatcher>(&region, MakeDelivery(next_hop), budgets);
    inbound = std::make_unique<session::InboundService>(
        &region, shared, [this](std::unique_ptr<storage::NewMessage> message) {
          dispatcher->Admit(std::move(message));
        });
    listener = std::make_unique<reactor::Listener>(&io, world->Listen(listen), this);
    listener->Start();
  }

  void OnAccept(int fd) override { inbound->Accept(fd, policy); }

  static storage::ScanPage* MakePage(void* context) {
    auto* page = new PageFor;
    page->dispatcher = static_cast<Shard*>(context)->dispatcher.get();
    page->run = [](Posted* posted) {
      std::unique_ptr<PageFor> own(static_cast<PageFor*>(posted));
      own->dispatcher->Restore(own->messages);
    };
    return page;
  }

  reactor::SimIo io;
  session::RegionContext region;
  std::shared_ptr<const session::ListenerPolicy> policy;
  std::unique_ptr<session::Dispatcher> dispatcher;
  std::unique_ptr<session::InboundService> inbound;
  std::unique_ptr<reactor::Listener> listener;
};

SimGateway::SimGateway(reactor::SimWorld* world, storage::MemorySpool* spool,
                       const Endpoint& listen, const Endpoint& next_hop)
    : spool_(spool) {
  std::vector<storage::ScanTarget> targets;
  for (uint32_t i = 0; i < kShards; ++i) {
    shards_.push_back(
        std::make_unique<Shard>(world, i, spool, &log_, &shared_, &budgets_, listen, next_hop));
    Shard* shard = shards_.back().get();
    targets.push_back({&shard->io.inbox(), &Shard::MakePage, shard});
  }
  spool_->StartScan(std::move(targets));
}

SimGateway::~SimGateway() = default;

void SimGateway::BeginDrain() {
  for (auto& shard : shards_) {
    shard->listener->Stop();
    shard->inbound->BeginDrain();
    shard->dispatcher->BeginDrain();
  }
}

bool SimGateway::drained() const {
  for (const auto& shard : shards_) {
    if (!shard->listener->stopped() || !shard->inbound->idle() || !shard->dispatcher->drained())
      return false;
  }
  return true;
}

uint64_t SimGateway::queued() const {
  uint64_t count = 0;
  for (const auto& shard : shards_) count += shard->dispatcher->queued_entries();
  return count;
}

}  // namespace ringpost::sim
