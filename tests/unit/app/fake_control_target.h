// A gateway for the control server's tests: two regions, two shards that are threads with an inbox
// each and a small queue made of plain entries, no SMTP and no store.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/app/control_target.h"
#include "gateway/base/counters.h"
#include "gateway/base/inbox.h"

namespace ringpost::app {

// An id whose text is easy to read in a transcript: `number` decides the order and, with two
// shards, the home.
inline MessageId TestId(uint8_t number) {
  MessageId id;
  id.bytes = {0x01, 0x9a, 0x00, 0x00, 0x00, number, 0, 0, number, 0, 0, 0, 0, 0, 0, number};
  return id;
}

class FakeShard {
 public:
  FakeShard() {
    inbox_.SetWake(
        [](void* self) {
          auto* shard = static_cast<FakeShard*>(self);
          std::lock_guard<std::mutex> lock(shard->mutex_);
          shard->woken_ = true;
          shard->wake_.notify_one();
        },
        this);
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeShard() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = woken_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void Post(Posted* item) { inbox_.Post(item); }
  // While false, what is posted stays in the inbox.
  void SetAnswering(bool answering) {
    std::lock_guard<std::mutex> lock(mutex_);
    answering_ = answering;
    woken_ = true;
    wake_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return woken_; });
      woken_ = false;
      if (answering_) {
        lock.unlock();
        inbox_.Drain();
        lock.lock();
      }
      if (stop_) break;
    }
    lock.unlock();
    inbox_.Drain();
  }

  Inbox inbox_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false, answering_ = true, stop_ = false;
  std::thread thread_;
};

class FakeControlTarget : public ControlTarget {
 public:
  static constexpr uint32_t kShards = 2;

  struct Region {
    std::string name;
    std::vector<session::QueueEntryView> entries;
    std::vector<session::Suspension> suspensions;
  };

  FakeControlTarget() {
    regions_.push_back({"eu", {}, {}});
    regions_.push_back({"us", {}, {}});
    for (uint8_t i = 1; i <= 5; ++i) AddEntry("eu", i, i % 2 ? "a.example" : "b.example");
    AddEntry("us", 6, "a.example");
  }
  ~FakeControlTarget() override {
    if (reload_thread_.joinable()) reload_thread_.join();
  }

  void AddEntry(const std::string& region, uint8_t number, const std::string& domain,
                const std::string& next_hop = "127.0.0.1:2626") {
    session::QueueEntryView entry;
    entry.id = TestId(number);
    entry.sender = "news@example.org";
    entry.recipients = {"user" + std::to_string(number) + "@" + domain};
    entry.recipients_open = 1;
    entry.next_hop = next_hop;
    entry.state = "deferred";
    entry.attempts = 2;
    entry.received = WallFromMillis(1'795'500'000'000 + number * 1000);
    entry.next_attempt = entry.received + Seconds(360);
    entry.deadline = entry.received + Seconds(432'000);
    entry.bytes = 4096;
    entry.last_reply = "451 4.7.1 try again later";
    auto& entries = RegionNamed(region)->entries;
    entries.push_back(entry);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.id < b.id; });
  }

  GatewayStatus GetStatus() override {
    GatewayStatus status;
    status.version = "0.1.0";
    status.hostname = "gw.example";
    status.config_path = "/etc/ringpost/ringpost.toml";
    status.state = draining_ ? "draining" : "running";
    status.started = WallFromMillis(1'795'500'000'000);
    status.config_loaded = status.started;
    status.memory_bytes = 64 << 20;
    status.memory_ceiling_bytes = 1 << 30;
    status.open_files_max = 20'000;
    status.listeners = {"127.0.0.1:2525"};
    status.reactor_features = "kernel 6.1, msg_ring yes, recv_bundle no";
    status.shards.resize(kShards);
    status.shards[0].connections = 3;
    status.shards[0].counters.assign(kCounterCount, 1);
    status.regions.resize(1);
    status.regions[0].name = "eu";
    status.regions[0].queued_entries = 5;
    status.counters = {{"messages_accepted_total", 12}};
    return status;
  }
  std::vector<std::string> regions() override { return {"eu", "us"}; }
  uint32_t shards() override { return kShards; }

  bool PostQueueCommand(std::string_view region, uint32_t shard,
                        session::QueueCommand* command) override {
    if (refusing_shard_ == static_cast<int>(shard)) return false;
    last_command_ = command;
    auto* job = new Job{this, std::string(region), shard, command};
    job->run = [](Posted* posted) {
      std::unique_ptr<Job> mine(static_cast<Job*>(posted));
      mine->target->Answer(mine->region, mine->shard, mine->command);
      mine->command->run = [](Posted* back) {
        auto* answered = static_cast<session::QueueCommand*>(back);
        answered->done(answered);
      };
      mine->command->reply_to->Post(mine->command);
    };
    shards_[shard].Post(job);
    return true;
  }

  void RequestReload(ReloadDone done) override {
    if (reload_thread_.joinable()) reload_thread_.join();
    reload_thread_ = std::thread([this, done = std::move(done)] { done(reload_outcome_); });
  }
  ConfigCheck CheckConfig() override { return config_check_; }
  void RequestIdentity(IdentityRequest request, uint32_t uid, IdentityDone done) override {
    identity_request_ = std::move(request);
    identity_uid_ = uid;
    done(identity_answer_);
  }
  void RequestDomain(DomainRequest request, uint32_t, IdentityDone done) override {
    domain_request_ = std::move(request);
    done(identity_answer_);
  }
  void RequestLink(LinkRequest request, uint32_t, IdentityDone done) override {
    link_request_ = std::move(request);
    done(identity_answer_);
  }
  void RequestTlsReport(TlsReportRequest request, uint32_t, IdentityDone done) override {
    tls_report_request_ = std::move(request);
    done(identity_answer_);
  }
  void RequestSts(StsRequest request, uint32_t, IdentityDone done) override {
    sts_request_ = std::move(request);
    done(identity_answer_);
  }
  void RequestSuppression(SuppressionRequest request, uint32_t, IdentityDone done) override {
    suppression_request_ = std::move(request);
    done(identity_answer_);
  }
  void RequestDrain() override { draining_ = true; }
  Status StartTrace(const TraceFilter& filter, TraceSink sink) override {
    if (!filter.client) return MakeStatus(StatusCode::kUnimplemented, "only clients are traced");
    std::lock_guard<std::mutex> lock(mutex_);
    trace_sink_ = std::move(sink);
    return OkStatus();
  }
  void StopTrace() override {
    std::lock_guard<std::mutex> lock(mutex_);
    trace_sink_ = nullptr;
    ++traces_stopped_;
  }
  // A line from a session, if somebody traces.
  bool TraceLine(std::string_view line) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (trace_sink_) trace_sink_(line);
    return trace_sink_ != nullptr;
  }

  FakeShard& shard(uint32_t index) { return shards_[index]; }

  std::atomic<session::QueueCommand*> last_command_{nullptr};
  std::atomic<int> refusing_shard_{-1};
  std::atomic<int> failing_shard_{-1};
  std::atomic<int> traces_stopped_{0};
  std::atomic<bool> draining_{false};
  std::optional<IdentityRequest> identity_request_;
  std::optional<DomainRequest> domain_request_;
  std::optional<LinkRequest> link_request_;
  std::optional<TlsReportRequest> tls_report_request_;
  std::optional<StsRequest> sts_request_;
  std::optional<SuppressionRequest> suppression_request_;
  uint32_t identity_uid_ = 0;
  identity::Json identity_answer_ = {{"ok", true}, {"changes", identity::Json::array()}};
  ReloadOutcome reload_outcome_{true, "1 route added", {"reactor.cores"}};
  ConfigCheck config_check_{true, "/etc/ringpost/ringpost.toml", {}};

 private:
  struct Job : Posted {
    Job(FakeControlTarget* t, std::string r, uint32_t s, session::QueueCommand* c)
        : target(t), region(std::move(r)), shard(s), command(c) {}
    FakeControlTarget* target;
    std::string region;
    uint32_t shard;
    session::QueueCommand* command;
  };

  Region* RegionNamed(std::string_view name) {
    for (Region& region : regions_) {
      if (region.name == name) return &region;
    }
    return nullptr;
  }

  static bool Matches(const session::QueueFilter& filter, const session::QueueEntryView& entry) {
    const std::string& to = entry.recipients[0];
    return (!filter.id || *filter.id == entry.id) &&
           (filter.recipient_domain.empty() ||
            to.substr(to.find('@') + 1) == filter.recipient_domain) &&
           (filter.next_hop.empty() ||
            (";" + entry.next_hop + ";").find(";" + filter.next_hop + ";") != std::string::npos) &&
           (filter.sender.empty() || filter.sender == entry.sender) &&
           (!filter.held_only || entry.state == "held");
  }

  void Answer(const std::string& name, uint32_t shard, session::QueueCommand* command) {
    using Op = session::QueueCommand::Op;
    std::lock_guard<std::mutex> lock(mutex_);
    if (failing_shard_ == static_cast<int>(shard)) {
      command->error = "the store is not writable";
      return;
    }
    Region* region = RegionNamed(name);
    if (command->op == Op::kSuspend) {
      if (shard == 0) region->suspensions.push_back(command->suspension);
      command->affected = 1;
      return;
    }
    if (command->op == Op::kResume) {
      command->affected = region->suspensions.size();
      if (shard == kShards - 1) region->suspensions.clear();
      return;
    }
    if (command->op == Op::kSuspensions) {
      command->suspensions = region->suspensions;
      return;
    }
    std::map<std::string, session::QueueSummaryRow> rows;
    for (session::QueueEntryView& entry : region->entries) {
      if (entry.id.HomeOf(kShards) != shard || !Matches(command->filter, entry)) continue;
      switch (command->op) {
        case Op::kSummary: {
          const std::string& to = entry.recipients[0];
          session::QueueSummaryRow& row = rows[to.substr(to.find('@') + 1)];
          row.domain = to.substr(to.find('@') + 1);
          row.next_hop = entry.next_hop;
          ++(entry.state == "held" ? row.held : row.deferred);
          if (!row.oldest) row.oldest = entry.received;
          break;
        }
        case Op::kList:
        case Op::kShow:
          if (command->after && entry.id <= *command->after) break;
          if (command->entries.size() < command->limit) command->entries.push_back(entry);
          break;
        default:
          ++command->affected;
      }
      if (command->op == Op::kHold) entry.state = "held";
    }
    for (auto& [domain, row] : rows) command->rows.push_back(row);
    if (command->op == Op::kDelete || command->op == Op::kBounce) {
      std::erase_if(region->entries, [&](const session::QueueEntryView& entry) {
        return entry.id.HomeOf(kShards) == shard && Matches(command->filter, entry);
      });
    }
  }

  std::mutex mutex_;
  std::vector<Region> regions_;
  TraceSink trace_sink_;
  FakeShard shards_[kShards];
  std::thread reload_thread_;
};

}  // namespace ringpost::app
