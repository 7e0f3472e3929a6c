// The group commit of the whole spool, on a real disk: G messages of 4 KiB in flight; each answer
// submits the next message and, one group later, the deletion of an earlier one. Set
// RINGPOST_BENCH_DIR to choose the disk.
//
// BM_ComposeGroup is the part of it that is our own code.
//
// Counters of BM_Commit: messages per second; CPU microseconds per message (committer, RocksDB's
// threads and this source, from getrusage); requests per group; bytes that reached table and blob
// files as a share of the body bytes.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>

#include "gateway/base/check.h"
#include "storage/group_builder.h"
#include "storage/key_ring.h"
#include "storage/rocks_spool.h"
#include "storage/store_key.h"

namespace ringpost::storage {
namespace {

double CpuMicros() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto micros = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

// One shard that keeps `depth` messages in flight.
class Source {
 public:
  Source(Spool* spool, size_t depth, size_t body_bytes) : spool_(spool) {
    std::string body(body_bytes, 'b');
    body_ = Slice::Copy(body);
    inbox_.SetWake(
        [](void* context) {
          auto* source = static_cast<Source*>(context);
          std::lock_guard<std::mutex> lock(source->mutex_);
          source->woken_.notify_one();
        },
        this);
    for (size_t i = 0; i < depth; ++i) slots_.push_back(std::make_unique<Slot>(this));
  }

  // Stores (and deletes) this many messages.
  void Run(uint64_t messages) {
    left_ = messages;
    in_flight_ = 0;
    for (auto& slot : slots_) StartNext(slot.get());
    while (in_flight_ > 0) {
      if (inbox_.Drain() > 0) continue;
      std::unique_lock<std::mutex> lock(mutex_);
      woken_.wait(lock, [this] { return !inbox_.empty(); });
    }
  }

 private:
  struct Slot {
    explicit Slot(Source* owner) : source(owner) {
      accept.source = owner;
      accept.slot = this;
      outcome.source = owner;
    }
    struct Request : CommitRequest {
      Source* source = nullptr;
      Slot* slot = nullptr;
    };
    Source* source;
    NewMessage message;
    Request accept;
    Request outcome;
    bool outcome_in_flight = false;
  };

  void StartNext(Slot* slot) {
    if (left_ == 0) return;
    --left_;
    ++in_flight_;
    slot->message = NewMessage();
    slot->message.id = MessageId::Make(ReadWallClock(), 0, random_);
    slot->message.envelope.reverse_path = "sender@example.com";
    slot->message.envelope.recipients.push_back({"user@example.net", "", 0});
    slot->message.envelope.trace.assign(280, 't');
    slot->message.body.Append(body_);
    CommitRequest& accept = slot->accept;
    accept.kind = CommitRequest::Kind::kAccept;
    accept.id = slot->message.id;
    accept.message = &slot->message;
    accept.reply_to = &inbox_;
    accept.durable.reset();
    accept.run = [](Posted* posted) {
      auto* request = static_cast<Slot::Request*>(posted);
      RP_CHECK(request->durable.has_value());
      request->source->Accepted(request->slot);
    };
    spool_->Submit(&accept);
  }

  void Accepted(Slot* slot) {
    --in_flight_;
    if (!slot->outcome_in_flight) SubmitOutcome(slot);
    StartNext(slot);
  }

  void SubmitOutcome(Slot* slot) {
    CommitRequest& outcome = slot->outcome;
    outcome.kind = CommitRequest::Kind::kOutcome;
    outcome.lazy = true;
    outcome.id = slot->message.id;
    outcome.complete = true;
    outcome.body_chunks = 1;
    outcome.reply_to = &inbox_;
    outcome.events.assign(1, StoredEvent());
    outcome.events[0].detail = "250 2.0.0 Ok";
    outcome.run = [](Posted* posted) {
      auto* request = static_cast<Slot::Request*>(posted);
      --request->source->in_flight_;
      for (auto& owner : request->source->slots_) {
        if (&owner->outcome == request) owner->outcome_in_flight = false;
      }
    };
    slot->outcome_in_flight = true;
    ++in_flight_;
    spool_->Submit(&outcome);
  }

  Spool* spool_;
  Inbox inbox_;
  std::mutex mutex_;
  std::condition_variable woken_;
  Random random_ = Random::FromSystem();
  Slice body_;
  std::vector<std::unique_ptr<Slot>> slots_;
  uint64_t left_ = 0;
  uint64_t in_flight_ = 0;
};

void BM_Commit(benchmark::State& state) {
  const char* base = std::getenv("RINGPOST_BENCH_DIR");
  std::filesystem::path dir =
      std::filesystem::path(base ? base : "/var/tmp") / "ringpost-commit-bench";
  std::filesystem::remove_all(dir);
  SpoolOptions options;
  options.path = dir;
  auto spool = RocksSpool::Open(options);
  RP_CHECK(spool.ok());
  auto depth = static_cast<size_t>(state.range(0));
  auto bytes = static_cast<size_t>(state.range(1));
  Source source(spool->get(), depth, bytes);
  uint64_t round = std::max<uint64_t>(depth * 20, 200);
  source.Run(round);  // warm
  double cpu = CpuMicros();
  uint64_t messages = 0;
  for (auto _ : state) {
    source.Run(round);
    messages += round;
  }
  auto count = static_cast<double>(messages);
  SpoolHealth health = (*spool)->health();
  const Counters& counters = (*spool)->counters();
  state.counters["messages/s"] = benchmark::Counter(count, benchmark::Counter::kIsRate);
  state.counters["cpu_us/message"] = (CpuMicros() - cpu) / count;
  state.counters["requests/group"] = static_cast<double>(counters.Get(Counter::kCommitRequests)) /
                                     static_cast<double>(counters.Get(Counter::kCommitGroups));
  state.counters["p50_us"] = static_cast<double>(health.commit_p50_micros);
  state.counters["p99_us"] = static_cast<double>(health.commit_p99_micros);
  state.counters["flushed_share"] = static_cast<double>(health.flushed_bytes) /
                                    static_cast<double>(counters.Get(Counter::kBodyBytesSealed));
  spool->reset();
  std::filesystem::remove_all(dir);
}
BENCHMARK(BM_Commit)
    ->ArgNames({"in_flight", "bytes"})
    ->Args({1, 4096})
    ->Args({16, 4096})
    ->Args({64, 4096})
    ->Args({256, 4096})
    ->Args({16, 102'400})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(3);

// The committer's own part of it, without RocksDB and the disk: a group of messages becomes a
// batch.
void BM_ComposeGroup(benchmark::State& state) {
  std::filesystem::path dir = std::filesystem::temp_directory_path() / "ringpost-compose-bench";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directory(dir);
  SpoolOptions options;
  options.path = dir;
  Engine engine(options);
  RP_CHECK(EnsureStoreKey(engine.options.key_file).ok());
  auto ring = KeyRing::Open(engine, KeyRing::Mode::kServe);
  RP_CHECK(ring.ok());
  GroupBuilder builder(ring->get(), 1);
  Random random(1);
  Slice body = Slice::Copy(std::string(static_cast<size_t>(state.range(1)), 'b'));
  std::vector<NewMessage> messages(static_cast<size_t>(state.range(0)));
  std::vector<CommitRequest> requests(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    messages[i].id = MessageId::Make(ReadWallClock(), 0, random);
    messages[i].envelope.recipients.push_back({"user@example.net", "", 0});
    messages[i].envelope.trace.assign(280, 't');
    messages[i].body.Append(body);
    requests[i].message = &messages[i];
  }
  for (auto _ : state) {
    builder.Begin(ReadWallClock());
    for (CommitRequest& request : requests) builder.Add(&request);
    benchmark::DoNotOptimize(builder.batch().bytes());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  ring->reset();
  std::filesystem::remove_all(dir);
}
BENCHMARK(BM_ComposeGroup)
    ->ArgNames({"messages", "bytes"})
    ->Args({64, 4096})
    ->Args({16, 102'400})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ringpost::storage
