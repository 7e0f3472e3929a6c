// The real RocksDB over a file system that drops what was not synced: at every sync point, just
// before and just after, every message that was given a Durable is there again after the power is
// back, whole; and every completion that was answered OK has stayed one.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

constexpr int kMessages = 14;

struct Round {
  std::map<MessageId, std::string> durable;  // body by id
  std::set<MessageId> completed;             // answered OK
  uint64_t syncs = 0;
};

class PowerCut {
 public:
  PowerCut(uint64_t seed, bool sync)
      : disk_(std::make_shared<SyncDroppingFileSystem>(seed)), sync_(sync) {}

  std::unique_ptr<RocksSpool> Open() {
    SpoolOptions options;
    options.path = dir_.path() + "/spool";
    options.memtable_bytes = 64 * limits::kKiB;  // so that flushes fall into the rounds
    options.free_space_floor_bytes = 1;
    auto spool = RocksSpoolTesting::Open(options, {disk_, sync_});
    return spool.ok() ? *std::move(spool) : nullptr;
  }

  // Stores, streams, defers and completes until the power goes or all is done.
  void Work(RocksSpool* spool, Round* round) {
    TestShard shard;
    std::vector<MessageId> alive;
    for (int i = 0; i < kMessages && !disk_->power_is_off(); ++i) {
      MessageId id = NewId();
      std::string body = BodyOf(10'000 + static_cast<size_t>(i) * 100, static_cast<uint32_t>(i));
      std::unique_ptr<TestCommit> accept;
      std::vector<std::unique_ptr<TestCommit>> chunks;
      if (i % 5 == 4) {
        for (uint32_t c = 0; c < 3; ++c) {
          chunks.push_back(
              Chunk(&shard, id, c,
                    std::string_view(body).substr(c * 1000, c < 2 ? 1000 : std::string::npos)));
          spool->Submit(chunks.back().get());
        }
        accept = AcceptChunks(&shard, id, body.size());
      } else {
        accept = Accept(&shard, id, body);
      }
      Commit(spool, &shard, accept.get());
      if (!accept->durable.has_value()) {
        WaitUntilAccepting(spool);
        continue;
      }
      round->durable[id] = body;
      alive.push_back(id);
      if (i % 3 != 2) continue;
      MessageId done = alive[alive.size() / 2];
      if (round->completed.contains(done)) continue;
      uint32_t rows = round->durable[done].size() % 500 == 400 ? 3 : 1;  // streamed, or not
      auto complete = Complete(&shard, done, rows);
      Commit(spool, &shard, complete.get());
      if (complete->status.ok()) {
        round->completed.insert(done);
      } else {
        maybe_completed_.insert(done);
        WaitUntilAccepting(spool);
      }
    }
  }

  // What is missing, or there against the promise, in words; empty: nothing.
  std::string Verify(const Round& round) {
    std::unique_ptr<RocksSpool> spool = Open();
    if (!spool) return "the store did not open";
    TestShard shard;
    std::set<MessageId> found;
    for (const ScannedMessage& message : ScanAll(spool.get())) found.insert(message.id);
    for (const auto& [id, body] : round.durable) {
      bool done = round.completed.contains(id);
      if (done && found.contains(id)) return "a completed message is back: " + id.ToString();
      if (done || maybe_completed_.contains(id)) continue;
      if (!found.contains(id)) return "an acknowledged message is lost: " + id.ToString();
      auto envelope = ReadEnvelope(spool.get(), &shard, id);
      auto read = ReadBody(spool.get(), &shard, id, envelope->envelope.body_chunks);
      if (read->body != body) return "an acknowledged body is damaged: " + id.ToString();
    }
    return "";
  }

  SyncDroppingFileSystem& disk() { return *disk_; }

 private:
  // After a failure the store opens itself again, unless the power is off.
  void WaitUntilAccepting(RocksSpool* spool) {
    while (!spool->accepting() && !disk_->power_is_off()) std::this_thread::sleep_for(Millis(5));
  }

  TempDir dir_;
  std::shared_ptr<SyncDroppingFileSystem> disk_;
  bool sync_;
  std::set<MessageId> maybe_completed_;
};

// One life: the power goes at sync `n`. False: the work was over before it.
bool CutAt(uint64_t n, bool after, bool sync, std::string* wrong) {
  PowerCut life(n * 2 + after, sync);
  Round round;
  std::unique_ptr<RocksSpool> spool = life.Open();
  if (!spool) {
    *wrong = "the store did not open at all";
    return false;
  }
  life.disk().PowerOffAtSync(n, after);
  life.Work(spool.get(), &round);
  bool cut = life.disk().power_is_off();
  life.disk().PowerOff();
  spool.reset();
  EXPECT_TRUE(life.disk().PowerOn().ok());
  *wrong = life.Verify(round);
  return cut;
}

TEST(PowerCutTest, AtEverySyncPointWhatWasAcknowledgedIsThere) {
  uint64_t n = 1;
  for (bool cut = true; cut && n < 200; ++n) {
    for (bool after : {false, true}) {
      std::string wrong;
      cut = CutAt(n, after, true, &wrong);
      EXPECT_EQ(wrong, "") << "power cut " << (after ? "after" : "before") << " sync " << n;
    }
  }
  EXPECT_GT(n, uint64_t{kMessages});  // each message is a sync at least
}

// A sync fails, the store reopens over what the page cache still shows, and a little later the
// power goes.
TEST(PowerCutTest, AfterAFailedSyncToo) {
  for (uint64_t failed : {2, 5, 8}) {
    for (uint64_t later : {1, 2, 4, 7}) {
      PowerCut life(failed * 100 + later, true);
      Round round;
      std::unique_ptr<RocksSpool> spool = life.Open();
      ASSERT_TRUE(spool != nullptr);
      life.disk().FailSyncs(SyncDroppingFileSystem::Fault::kIoError, failed, 1);
      life.disk().PowerOffAtSync(failed + later, later % 2 == 0);
      life.Work(spool.get(), &round);
      life.disk().PowerOff();
      spool.reset();
      life.disk().ClearFaults();
      ASSERT_TRUE(life.disk().PowerOn().ok());
      EXPECT_EQ(life.Verify(round), "") << "sync " << failed << " failed, power cut " << later;
    }
  }
}

TEST(PowerCutTest, DuringTheFirstOpeningTheNextOneCompletesIt) {
  for (uint64_t n = 1; n < 60; ++n) {
    PowerCut life(n, true);
    life.disk().PowerOffAtSync(n, n % 2 == 0);
    life.Open().reset();
    bool cut = life.disk().power_is_off();
    life.disk().PowerOff();
    ASSERT_TRUE(life.disk().PowerOn().ok());
    EXPECT_TRUE(life.Open() != nullptr) << "after a power cut at sync " << n;
    if (!cut) return;
  }
}

// The test of the test: a store that does not sync must be found out.
TEST(PowerCutTest, WithoutSyncItIsNoticed) {
  int noticed = 0;
  for (uint64_t n = 1; n <= 3; ++n) {
    PowerCut life(n, false);
    Round round;
    std::unique_ptr<RocksSpool> spool = life.Open();
    ASSERT_TRUE(spool != nullptr);
    life.Work(spool.get(), &round);
    EXPECT_EQ(round.durable.size(), size_t{kMessages});
    life.disk().PowerOff();
    spool.reset();
    ASSERT_TRUE(life.disk().PowerOn().ok());
    noticed += life.Verify(round) != "";
  }
  EXPECT_EQ(noticed, 3);
}

}  // namespace
}  // namespace ringpost::storage
