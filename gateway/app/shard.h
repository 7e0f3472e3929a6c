// Shard: one core's thread: its ring, its listeners, and per region an inbound service and a
// dispatcher.
//
// Made and owned by the main thread, which speaks to it by Post and reads its gauges. Everything
// else of it lives and dies on its own thread.
//
// Life: Start (the ring is made; the status says why not), Post any number, BeginDrain, drained(),
// Finish (ends what is left; nothing runs any more once nothing is in flight), AwaitEnd.
// The ring stays, for those that post, until the destructor.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "gateway/app/identity_view.h"
#include "gateway/base/counters.h"
#include "gateway/reactor/ring_io.h"
#include "gateway/reactor/stream.h"
#include "gateway/session/dispatcher.h"
#include "gateway/session/inbound_service.h"
#include "gateway/session/mail_lookup.h"
#include "gateway/session/shard_identity.h"
#include "gateway/session/suppression_list.h"

namespace ringpost::app {

// A region as a shard needs it; all pointers outlive the shard.
struct ShardRegionSetup {
  std::string name;
  std::vector<IpAddress> egress;
  storage::Spool* spool = nullptr;
  Log* log = nullptr;
  delivery::SiteBudgets* budgets = nullptr;
  session::SuppressionList* suppressions = nullptr;
};

struct ShardSetup {
  uint32_t index = 0;
  std::optional<uint32_t> cpu;  // to run on; empty: any
  uint32_t shards = 1;
  std::string hostname;
  reactor::RingOptions ring;
  std::vector<ShardRegionSetup> regions;
  std::shared_ptr<const delivery::DeliveryConfig> delivery;
  session::InboundShared* inbound = nullptr;
  const session::LoginShared* logins = nullptr;
  std::shared_ptr<const tls::ClientContext> tls_any, tls_verified;  // see RegionContext
  tls::KernelRecordRule kernel_records;
  session::MailLookup* mail_lookup = nullptr;    // outlives the shard's work
  WorkerPool* signers = nullptr;                 // outlives the shard's work
  session::TlsOutcomes* tls_outcomes = nullptr;  // outlives the shard's work
};

// What a listener is to be now.
struct ShardListenerSetup {
  Endpoint address;
  size_t region = 0;
  std::shared_ptr<const session::ListenerPolicy> policy;
  int fd = -1;  // for an address that is new to the shard, which closes it in the end
};

// Written by the shard once a turn, read by anyone.
struct ShardGauges {
  struct Region {
    std::atomic<uint64_t> queued_entries{0};
    std::atomic<uint64_t> held_body_bytes{0};
    std::atomic<bool> scan_done{false};
  };
  std::atomic<uint32_t> connections{0};
  std::atomic<uint64_t> pool_bytes{0};
  std::atomic<uint64_t> pool_bytes_held{0};
  std::atomic<bool> drained{false};
  std::unique_ptr<Region[]> regions;
};

class Shard {
 public:
  explicit Shard(ShardSetup setup);
  ~Shard();  // joined, or never started
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  Status Start();
  // Any thread, while the shard runs: `work` runs on the shard's thread.
  void Post(std::function<void()> work);
  Inbox& inbox() { return ring_->inbox(); }
  std::string Features() const { return ring_->Features(); }
  const ShardGauges& gauges() const { return gauges_; }
  const Counters& counters() const { return counters_; }

  // On the shard's thread (through Post).
  session::InboundService& inbound(size_t region) { return *regions_[region]->inbound; }
  session::Dispatcher& dispatcher(size_t region) { return *regions_[region]->dispatcher; }
  session::ShardIdentity& identity() { return *identity_; }
  size_t region_count() const { return regions_.size(); }
  // Listeners whose address is not in `listeners` end; new ones begin; the others take the new
  // policy.
  void SetListeners(std::vector<ShardListenerSetup> listeners);
  void Reload(const std::shared_ptr<const delivery::DeliveryConfig>& delivery,
              const std::shared_ptr<const tls::ClientContext>& tls_any,
              const std::shared_ptr<const tls::ClientContext>& tls_verified);
  // Who may send: for all regions.
  void SetIdentity(const IdentityView& view);
  void BeginDrain();
  void CloseIdle();
  void Finish();

  // What the scan at start hands each shard for one region.
  storage::ScanTarget ScanTargetFor(size_t region);

  // Its work has ended, or does within `wait`.
  bool AwaitEnd(Millis wait);

 private:
  struct Region {
    session::RegionContext context;
    std::unique_ptr<session::Dispatcher> dispatcher;
    std::unique_ptr<session::InboundService> inbound;
    ShardGauges::Region* gauges = nullptr;
  };
  struct Listening;
  struct Work;
  struct Page;

  void Main();
  Status MakeRing();
  static void AfterTurn(void* shard);
  void TurnDone();
  bool Quiet() const;

  ShardSetup setup_;
  ShardGauges gauges_;
  Counters counters_;
  std::unique_ptr<reactor::RingIo> ring_;
  std::unique_ptr<session::ShardIdentity> identity_;  // of all regions
  std::vector<std::unique_ptr<Region>> regions_;
  std::vector<std::unique_ptr<Listening>> listeners_;
  std::vector<std::unique_ptr<Listening>> ending_listeners_;
  bool draining_ = false;
  bool finishing_ = false;
  std::binary_semaphore release_{0};  // the ring may go
  std::thread thread_;
  std::promise<Status> made_;
  std::promise<void> ended_promise_;
  std::future<void> ended_ = ended_promise_.get_future();
};

}  // namespace ringpost::app
