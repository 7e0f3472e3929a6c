#include "tests/sim/sim_gateway.h"

#include <utility>

#include "tests/sim/sim_client.h"
#include "tests/unit/session/sim_kernel_tls.h"

namespace ringpost::sim {
namespace {

struct PageFor : storage::ScanPage {
  session::Dispatcher* dispatcher = nullptr;
};

}  // namespace

struct SimGateway::Shard final : reactor::Listener::Handler {
  Shard(reactor::SimWorld* world, uint32_t number, storage::Spool* spool, Log* log,
        session::InboundShared* shared, delivery::SiteBudgets* budgets, uint32_t shards,
        const Endpoint& listen, std::shared_ptr<const session::ListenerPolicy> listener_policy,
        std::shared_ptr<const delivery::DeliveryConfig> config,
        std::shared_ptr<const tls::ClientContext> tls, const tls::KernelRecordRule& kernel_records)
      : io(world, number), policy(std::move(listener_policy)) {
    region.name = "sim";
    region.hostname = "gw.example.com";
    region.io = &io;
    region.spool = spool;
    region.log = log;
    region.shards = shards;
    region.tls_any = std::move(tls);
    region.kernel_records = kernel_records;
    dispatcher = std::make_unique<session::Dispatcher>(&region, std::move(config), budgets);
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
                       const GatewayPlan& plan, uint32_t shards, uint64_t seed)
    : plan_(plan), random_(seed), spool_(spool) {
  auto config = DrawDelivery();
  auto policy = DrawPolicy();
  world->SetKernelTls(session::SimKernel());
  std::vector<storage::ScanTarget> targets;
  for (uint32_t i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(world, i, spool, &log_, &shared_, &budgets_, shards,
                                              plan.listen, policy, config, plan.tls->client,
                                              DrawKernelRecords()));
    Shard* shard = shards_.back().get();
    shard->region.signers = &signers_;
    SignWith(&shard->region, DrawSigningKey());
    targets.push_back({&shard->io.inbox(), &Shard::MakePage, shard});
  }
  spool_->StartScan(std::move(targets));
}

// Half of the domains go to the first hop and, where it fails, the second; the others to all three
// by turns.
std::shared_ptr<const delivery::DeliveryConfig> SimGateway::DrawDelivery() {
  auto config = std::make_shared<delivery::DeliveryConfig>();
  config->hostname = "gw.example.com";
  std::vector<delivery::NextHop> ordered, equal;
  uint64_t first = random_.Below(2);
  for (const Endpoint& endpoint : plan_.next_hops) {
    equal.push_back(*delivery::NextHop::Parse(endpoint.ToString()));
    ordered.push_back(equal.back());
    ordered.back().preference = static_cast<uint16_t>((ordered.size() + first) % 3);
  }
  std::vector<delivery::Route> routes;
  routes.push_back({"*", equal});
  routes.push_back({"d0.example.net", ordered});
  routes.push_back({"d1.example.net", ordered});
  config->routes = *delivery::RouteTable::Make(std::move(routes));
  config->connections_per_site = 1 + static_cast<uint32_t>(random_.Below(4));
  config->messages_per_connection = static_cast<uint32_t>(random_.Below(4));
  config->recipients_per_transaction = 1 + static_cast<uint32_t>(random_.Below(5));
  if (random_.OneIn(2)) config->command_timeout = Seconds(5 + random_.Below(60));
  if (random_.OneIn(3)) config->delay_warning = Seconds(120);
  return config;
}

std::shared_ptr<const session::ListenerPolicy> SimGateway::DrawPolicy() {
  auto policy = std::make_shared<session::ListenerPolicy>();
  policy->name = plan_.listen.ToString();
  policy->smtp.hostname = "gw.example.com";
  policy->smtp.message_bytes_max = kMessageBytesMax;
  policy->smtp.strict = random_.OneIn(3);
  policy->smtp.mails_max = random_.OneIn(4) ? 3 : 0;
  if (!random_.OneIn(3)) policy->smtp.starttls = smtp::StartTls::kOffered;
  policy->tls = plan_.tls->server;
  policy->kernel_records = DrawKernelRecords();
  policy->smtp_xclient = policy->smtp;
  auto trusted = std::make_shared<identity::NetworkList>();
  trusted->Add(*IpNetwork::Parse("0.0.0.0/0"));
  policy->trusted = std::move(trusted);
  policy->routable = [](std::string_view domain) { return domain != kUnroutableDomain; };
  policy->command_timeout_seconds = 5 + static_cast<uint32_t>(random_.Below(300));
  policy->message_lifetime = plan_.lifetime;
  return policy;
}

// Each direction from the first byte, from some byte on, or never.
tls::KernelRecordRule SimGateway::DrawKernelRecords() {
  tls::KernelRecordRule rule;
  rule.support = session::EveryKernelCipher();
  for (uint64_t* from : {&rule.send_from_bytes, &rule.receive_from_bytes}) {
    uint64_t kind = random_.Below(3);
    if (kind > 0) *from = kind == 1 ? 0 : random_.Below(5000);
  }
  return rule;
}

uint64_t SimGateway::DrawSigningKey() {
  bool none = plan_.signing == Signing::kNever;
  if (plan_.signing == Signing::kAtTimes) none = random_.OneIn(2);
  return none ? 0 : 1 + random_.Below(5);
}

bool SimGateway::Work() { return random_.OneIn(8) && signers_.RunOne(); }

void SimGateway::Reload() {
  auto config = DrawDelivery();
  auto policy = DrawPolicy();
  for (auto& shard : shards_) {
    shard->policy = policy;
    shard->dispatcher->Reload(config);
    SignWith(&shard->region, DrawSigningKey());
  }
}

void SimGateway::Handle(uint32_t shard, session::QueueCommand* command) {
  shards_[shard]->dispatcher->Handle(command);
}

void SimGateway::Abort() {
  for (auto& shard : shards_) {
    shard->inbound->Abort();
    shard->dispatcher->Abort();
  }
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
