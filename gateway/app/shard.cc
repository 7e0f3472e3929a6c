#include "gateway/app/shard.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"

namespace ringpost::app {

// One listening socket of this shard.
struct Shard::Listening final : reactor::Listener::Handler {
  Listening(reactor::Io* io, ShardListenerSetup setup, session::InboundService* service)
      : address(setup.address),
        policy(std::move(setup.policy)),
        inbound(service),
        fd(setup.fd),
        listener(io, setup.fd, this) {
    listener.Start();
  }
  ~Listening() { close(fd); }

  void OnAccept(int accepted) override { inbound->Accept(accepted, policy); }

  Endpoint address;
  std::shared_ptr<const session::ListenerPolicy> policy;
  session::InboundService* inbound;
  int fd;
  reactor::Listener listener;
};

struct Shard::Work : Posted {
  std::function<void()> work;
};

struct Shard::Page : storage::ScanPage {
  Region* region = nullptr;
};

Shard::Shard(ShardSetup setup) : setup_(std::move(setup)) {
  gauges_.regions = std::make_unique<ShardGauges::Region[]>(setup_.regions.size());
}

Shard::~Shard() {
  if (!thread_.joinable()) return;
  release_.release();
  thread_.join();
}

Status Shard::Start() {
  std::future<Status> made = made_.get_future();
  thread_ = std::thread([this] { Main(); });
  return made.get();
}

Status Shard::MakeRing() {
  auto ring = reactor::RingIo::Make(setup_.ring);
  if (!ring.ok()) return ring.status();
  ring_ = std::move(*ring);
  identity_ = std::make_unique<session::ShardIdentity>(setup_.logins);
  for (size_t i = 0; i < setup_.regions.size(); ++i) {
    const ShardRegionSetup& from = setup_.regions[i];
    auto region = std::make_unique<Region>();
    region->gauges = &gauges_.regions[i];
    session::RegionContext& context = region->context;
    context.name = from.name;
    context.hostname = setup_.hostname;
    context.io = ring_.get();
    context.spool = from.spool;
    context.log = from.log;
    context.egress = from.egress;
    context.shards = setup_.shards;
    context.tls_any = setup_.tls_any;
    context.tls_verified = setup_.tls_verified;
    context.kernel_records = setup_.kernel_records;
    context.mail_lookup = setup_.mail_lookup;
    context.signers = setup_.signers;
    context.outcomes = &setup_.inbound->outcomes;
    context.tls_outcomes = setup_.tls_outcomes;
    context.suppressed = &from.suppressions->table();
    context.suppression_intake = from.suppressions;
    region->dispatcher =
        std::make_unique<session::Dispatcher>(&context, setup_.delivery, from.budgets);
    session::Dispatcher* dispatcher = region->dispatcher.get();
    region->inbound = std::make_unique<session::InboundService>(
        &context, setup_.inbound,
        [dispatcher](std::unique_ptr<storage::NewMessage> message) {
          dispatcher->Admit(std::move(message));
        },
        identity_.get());
    regions_.push_back(std::move(region));
  }
  return OkStatus();
}

void Shard::Main() {
  pthread_setname_np(pthread_self(), ("shard-" + std::to_string(setup_.index)).c_str());
  if (setup_.cpu) reactor::PinThread(*setup_.cpu);
  CountersScope scope(&counters_);
  Status status = MakeRing();
  bool ready = status.ok();
  made_.set_value(std::move(status));
  if (ready) {
    ring_->Run(AfterTurn, this);
    regions_.clear();
    identity_.reset();
  }
  ended_promise_.set_value();
  // Who posted last may still be about to wake the ring: it stays until they all have ended.
  release_.acquire();
  ring_.reset();
}

void Shard::Post(std::function<void()> work) {
  auto* posted = new Work;
  posted->work = std::move(work);
  posted->run = [](Posted* item) {
    std::unique_ptr<Work> owned(static_cast<Work*>(item));
    owned->work();
  };
  ring_->inbox().Post(posted);
}

void Shard::SetListeners(std::vector<ShardListenerSetup> listeners) {
  auto wanted = [&](const Endpoint& address) {
    return std::find_if(listeners.begin(), listeners.end(),
                        [&](const ShardListenerSetup& one) { return one.address == address; });
  };
  for (std::unique_ptr<Listening>& listening : listeners_) {
    auto found = wanted(listening->address);
    if (found == listeners.end()) {
      listening->listener.Stop();
      ending_listeners_.push_back(std::move(listening));
      continue;
    }
    listening->policy = std::move(found->policy);
    listening->inbound = regions_[found->region]->inbound.get();
    listeners.erase(found);
  }
  std::erase(listeners_, nullptr);
  for (ShardListenerSetup& setup : listeners) {
    RP_CHECK(setup.fd >= 0);
    session::InboundService* inbound = regions_[setup.region]->inbound.get();
    listeners_.push_back(std::make_unique<Listening>(ring_.get(), std::move(setup), inbound));
  }
  if (draining_) return;  // what still goes out comes back to the next process
  for (auto& region : regions_) {
    region->context.takes_bounces =
        std::any_of(listeners_.begin(), listeners_.end(), [&](const auto& listening) {
          return listening->policy->takes_bounces && listening->inbound == region->inbound.get();
        });
  }
}

void Shard::Reload(const std::shared_ptr<const delivery::DeliveryConfig>& delivery,
                   const std::shared_ptr<const tls::ClientContext>& tls_any,
                   const std::shared_ptr<const tls::ClientContext>& tls_verified) {
  for (auto& region : regions_) {
    region->context.tls_any = tls_any;
    region->context.tls_verified = tls_verified;
    region->dispatcher->Reload(delivery);
  }
}

void Shard::SetIdentity(const IdentityView& view) {
  identity_->SetDirectory(view.directory);
  for (auto& region : regions_) {
    region->context.sender_domains = view.domains;
    region->context.signing_keys = view.keys;
    region->context.return_paths = view.return_paths;
  }
}

void Shard::BeginDrain() {
  draining_ = true;
  SetListeners({});
  for (auto& region : regions_) {
    region->inbound->BeginDrain();
    region->dispatcher->BeginDrain();
  }
}

void Shard::CloseIdle() {
  for (auto& region : regions_) region->inbound->CloseIdle();
}

void Shard::Finish() {
  if (!draining_) BeginDrain();
  finishing_ = true;
  for (auto& region : regions_) {
    region->inbound->Abort();
    region->dispatcher->Abort();
  }
}

storage::ScanTarget Shard::ScanTargetFor(size_t region) {
  storage::ScanTarget target;
  target.inbox = &ring_->inbox();
  target.context = regions_[region].get();
  target.make_page = [](void* context) -> storage::ScanPage* {
    auto* page = new Page;
    page->region = static_cast<Region*>(context);
    page->run = [](Posted* posted) {
      std::unique_ptr<Page> owned(static_cast<Page*>(posted));
      Region& to = *owned->region;
      if (!owned->status.ok()) {
        LogLine(to.context.io->wall_now(), "scan_failed")
            .Text("region", to.context.name)
            .Text("reason", MessageOf(owned->status))
            .To(*to.context.log);
      }
      to.dispatcher->Restore(owned->messages);
      if (owned->last) to.gauges->scan_done.store(true, std::memory_order_relaxed);
    };
    return page;
  };
  return target;
}

void Shard::AfterTurn(void* shard) { static_cast<Shard*>(shard)->TurnDone(); }

void Shard::TurnDone() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  size_t connections = 0;
  for (auto& region : regions_) {
    connections += region->inbound->connections();
    region->gauges->queued_entries.store(region->dispatcher->queued_entries(), kRelaxed);
    region->gauges->held_body_bytes.store(region->dispatcher->held_body_bytes(), kRelaxed);
  }
  gauges_.connections.store(static_cast<uint32_t>(connections), kRelaxed);
  gauges_.pool_bytes.store(ring_->pool_bytes(), kRelaxed);
  gauges_.pool_bytes_held.store(ring_->pool_bytes_held(), kRelaxed);
  std::erase_if(ending_listeners_, [](const auto& ending) { return ending->listener.stopped(); });
  if (!draining_ || !Quiet()) return;
  gauges_.drained.store(true, std::memory_order_release);
  if (finishing_) ring_->Stop();
}

// Nothing is in hand: no connection, no commit, no delivery, no accept.
bool Shard::Quiet() const {
  return listeners_.empty() && ending_listeners_.empty() &&
         std::all_of(regions_.begin(), regions_.end(), [](const auto& region) {
           return region->inbound->idle() && region->dispatcher->drained();
         });
}

bool Shard::AwaitEnd(Millis wait) {
  return !thread_.joinable() || ended_.wait_for(wait) == std::future_status::ready;
}

}  // namespace ringpost::app
