#include "storage/rocks_spool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "storage/sim/rocks_spool_testing.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

class RocksSpoolTest : public ::testing::Test {
 protected:
  SpoolOptions Options() {
    SpoolOptions options;
    options.path = dir_.path() + "/spool";
    options.memtable_bytes = 8 * limits::kMiB;
    options.free_space_floor_bytes = 1;
    return options;
  }
  void Open() {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }
  bool WaitUntilEmpty(std::string_view family) {
    for (int i = 0; i < 200; ++i) {
      if (RocksSpoolTesting::CountRows(spool_.get(), family) == 0) return true;
      std::this_thread::sleep_for(Millis(20));
    }
    return false;
  }
  void Reopen() {
    spool_.reset();
    Open();
  }

  TempDir dir_;
  TestShard shard_;
  std::unique_ptr<RocksSpool> spool_;
};

TEST_F(RocksSpoolTest, StoresAndReadsBackAMessage) {
  Open();
  MessageId id = NewId();
  std::string body = BodyOf(4096, 1);
  Store(spool_.get(), &shard_, id, body, 3);
  auto envelope = ReadEnvelope(spool_.get(), &shard_, id);
  ASSERT_TRUE(envelope->status.ok()) << envelope->status;
  EXPECT_EQ(envelope->envelope.body_bytes, body.size());
  EXPECT_EQ(envelope->envelope.body_chunks, 1u);
  EXPECT_EQ(envelope->envelope.trace, EnvelopeOf().trace);
  EXPECT_EQ(envelope->recipients.size(), 3u);
  auto read = ReadBody(spool_.get(), &shard_, id, 1);
  ASSERT_TRUE(read->status.ok()) << read->status;
  EXPECT_EQ(read->body, body);
}

TEST_F(RocksSpoolTest, ABodyAboveAChunkIsCutAndComesBackWhole) {
  Open();
  MessageId id = NewId();
  std::string body = BodyOf(2 * limits::kBodyChunkBytesMax + 77, 2);
  auto accept = Accept(&shard_, id, "");
  for (size_t at = 0; at < body.size(); at += 8000) {
    accept->own_message.body.Append(Slice::Copy(std::string_view(body).substr(at, 8000)));
  }
  Commit(spool_.get(), &shard_, accept.get());
  ASSERT_TRUE(accept->durable.has_value());
  EXPECT_EQ(accept->own_message.envelope.body_chunks, 3u);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 3)->body, body);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1, 2)->body,
            body.substr(2 * limits::kBodyChunkBytesMax));
}

TEST_F(RocksSpoolTest, AnEmptyBodyIsAMessageToo) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "");
  EXPECT_EQ(ReadEnvelope(spool_.get(), &shard_, id)->envelope.body_chunks, 0u);
  EXPECT_TRUE(ReadBody(spool_.get(), &shard_, id, 0)->status.ok());
}

TEST_F(RocksSpoolTest, BodiesLieSealedOnTheDisk) {
  std::string marker = "THIS-TEXT-MUST-NOT-BE-FOUND-ON-THE-DISK";
  Open();
  Store(spool_.get(), &shard_, NewId(), marker);
  spool_.reset();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.find(marker), std::string::npos) << entry.path();
  }
}

TEST_F(RocksSpoolTest, ACompletedMessageIsGone) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, BodyOf(100, 3));
  auto complete = Complete(&shard_, id, 1);
  Commit(spool_.get(), &shard_, complete.get());
  ASSERT_TRUE(complete->status.ok());
  EXPECT_FALSE(complete->durable.has_value());
  EXPECT_EQ(ReadEnvelope(spool_.get(), &shard_, id)->status.code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->status.code(), StatusCode::kNotFound);
  Reopen();
  EXPECT_TRUE(ScanAll(spool_.get()).empty());
}

TEST_F(RocksSpoolTest, WhereBouncesGoIsKeptWhereThatIsAskedFor) {
  Open();
  MessageId id = NewId(), other = NewId();
  Store(spool_.get(), &shard_, id, "x");
  Store(spool_.get(), &shard_, other, "x");
  StoredEnvelope envelope = ReadEnvelope(spool_.get(), &shard_, id)->envelope;
  // While it is queued its envelope says so.
  EXPECT_EQ(ReadOrigin(spool_.get(), &shard_, id)->origin, OriginOf(envelope));
  auto complete = Complete(&shard_, id, 1);
  complete->origin = &envelope;
  Commit(spool_.get(), &shard_, complete.get());
  Commit(spool_.get(), &shard_, Complete(&shard_, other, 1).get());
  Reopen();
  EXPECT_TRUE(ScanAll(spool_.get()).empty());
  auto read = ReadOrigin(spool_.get(), &shard_, id);
  ASSERT_TRUE(read->status.ok()) << read->status;
  EXPECT_EQ(read->origin, OriginOf(envelope));
  EXPECT_EQ(read->origin.reverse_path, envelope.reverse_path);
  EXPECT_FALSE(read->origin.notify_never);
  EXPECT_EQ(ReadOrigin(spool_.get(), &shard_, other)->status.code(), StatusCode::kNotFound);
}

TEST_F(RocksSpoolTest, WhereBouncesGoIsForgottenWhenTheMessageIsOld) {
  Open();
  WallTime now = ReadWallClock();
  Random random(1);
  WallTime last = now - Seconds(limits::kOriginKeptSeconds);
  MessageId old = MessageId::Make(last - Seconds(3600), 0, random);
  MessageId young = MessageId::Make(last + Seconds(3600), 0, random);
  for (const MessageId& id : {old, young}) {
    Store(spool_.get(), &shard_, id, "x");
    StoredEnvelope envelope = ReadEnvelope(spool_.get(), &shard_, id)->envelope;
    auto complete = Complete(&shard_, id, 1);
    complete->origin = &envelope;
    Commit(spool_.get(), &shard_, complete.get());
    EXPECT_TRUE(ReadOrigin(spool_.get(), &shard_, id)->status.ok());
  }
  Reopen();  // old ones are looked for at each start
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    gone = ReadOrigin(spool_.get(), &shard_, old)->status.code() == StatusCode::kNotFound;
    if (!gone) std::this_thread::sleep_for(Millis(50));
  }
  EXPECT_TRUE(gone);
  EXPECT_TRUE(ReadOrigin(spool_.get(), &shard_, young)->status.ok());
}

TEST_F(RocksSpoolTest, StatesOfRecipientsOutliveARestart) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "x", 3);
  auto defer = Defer(&shard_, id, 1, 1);
  Commit(spool_.get(), &shard_, defer.get());
  defer->updates[0].state.attempts = 2;
  Commit(spool_.get(), &shard_, defer.get());
  Reopen();
  auto scanned = ScanAll(spool_.get());
  ASSERT_EQ(scanned.size(), 1u);
  EXPECT_EQ(scanned[0].id, id);
  EXPECT_TRUE(scanned[0].envelope.trace.empty());
  ASSERT_EQ(scanned[0].recipients.size(), 3u);
  EXPECT_EQ(scanned[0].recipients[0], RecipientState());
  EXPECT_EQ(scanned[0].recipients[1], defer->updates[0].state);
  auto read = ReadEnvelope(spool_.get(), &shard_, id);
  EXPECT_EQ(read->recipients[1].attempts, 2);
}

TEST_F(RocksSpoolTest, ABounceEntersInTheBatchThatCompletesItsMessage) {
  Open();
  MessageId id = NewId(), report = NewId();
  Store(spool_.get(), &shard_, id, "x");
  auto outcome = CompleteWithReport(&shard_, id, report, "a report");
  Commit(spool_.get(), &shard_, outcome.get());
  ASSERT_TRUE(outcome->status.ok());
  Reopen();
  auto scanned = ScanAll(spool_.get());
  ASSERT_EQ(scanned.size(), 1u);
  EXPECT_EQ(scanned[0].id, report);
  EXPECT_TRUE(scanned[0].envelope.is_report);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, report, 1)->body, "a report");
}

TEST_F(RocksSpoolTest, ABigBodyStreamsInChunks) {
  Open();
  MessageId id = NewId();
  std::string first = BodyOf(300'000, 4), second = BodyOf(70'000, 5);
  auto chunk0 = Chunk(&shard_, id, 0, first);
  auto chunk1 = Chunk(&shard_, id, 1, second);
  auto accept = AcceptChunks(&shard_, id, first.size() + second.size());
  spool_->Submit(chunk0.get());
  spool_->Submit(chunk1.get());
  Commit(spool_.get(), &shard_, accept.get());
  EXPECT_TRUE(chunk0->answered && chunk1->answered);  // in order
  ASSERT_TRUE(accept->durable.has_value()) << accept->status;
  EXPECT_EQ(accept->own_message.envelope.body_chunks, 2u);
  Reopen();
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 2)->body, first + second);
}

TEST_F(RocksSpoolTest, AnAcceptWhoseChunksDoNotAddUpIsRefused) {
  Open();
  MessageId id = NewId();
  auto chunk = Chunk(&shard_, id, 0, "some bytes");
  Commit(spool_.get(), &shard_, chunk.get());
  auto accept = AcceptChunks(&shard_, id, 11);
  Commit(spool_.get(), &shard_, accept.get());
  EXPECT_EQ(accept->status.code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(accept->durable.has_value());
  auto none = AcceptChunks(&shard_, NewId(), 10);
  Commit(spool_.get(), &shard_, none.get());
  EXPECT_EQ(none->status.code(), StatusCode::kFailedPrecondition);
}

TEST_F(RocksSpoolTest, ChunksOutOfOrderEmptyOrTooLargeAreRefused) {
  Open();
  MessageId id = NewId();
  auto early = Chunk(&shard_, id, 1, "x");
  Commit(spool_.get(), &shard_, early.get());
  EXPECT_EQ(early->status.code(), StatusCode::kFailedPrecondition);
  for (std::string bytes : {std::string(), BodyOf(limits::kBodyChunkBytesMax + 1, 6)}) {
    MessageId other = NewId();
    auto bad = Chunk(&shard_, other, 0, bytes);
    Commit(spool_.get(), &shard_, bad.get());
    EXPECT_EQ(bad->status.code(), StatusCode::kFailedPrecondition);
    // A refused stream stays refused, and its accept does not pass.
    auto accept = AcceptChunks(&shard_, other, bytes.size());
    Commit(spool_.get(), &shard_, accept.get());
    EXPECT_FALSE(accept->status.ok());
  }
}

TEST_F(RocksSpoolTest, DiscardedAndOrphanedChunksAreSwept) {
  Open();
  MessageId discarded = NewId(), orphaned = NewId();
  for (const MessageId& id : {discarded, orphaned}) {
    auto chunk = Chunk(&shard_, id, 0, BodyOf(2000, 7));
    Commit(spool_.get(), &shard_, chunk.get());
    ASSERT_TRUE(chunk->status.ok());
  }
  auto discard = Discard(&shard_, discarded);
  Commit(spool_.get(), &shard_, discard.get());
  EXPECT_TRUE(discard->status.ok());
  Reopen();
  EXPECT_TRUE(ScanAll(spool_.get()).empty());
  // Neither can be taken up again by an accept.
  auto accept = AcceptChunks(&shard_, orphaned, 2000);
  Commit(spool_.get(), &shard_, accept.get());
  EXPECT_FALSE(accept->status.ok());
  EXPECT_TRUE(WaitUntilEmpty("body"));
}

TEST_F(RocksSpoolTest, TheOutboxIsEmptiedAndItsEventsAreOneRowAGroup) {
  Open();
  std::vector<std::unique_ptr<TestCommit>> requests;
  for (int i = 0; i < 50; ++i) {
    MessageId id = NewId();
    requests.push_back(Accept(&shard_, id, "x"));
    requests.back()->events.emplace_back();
    spool_->Submit(requests.back().get());
    requests.push_back(Complete(&shard_, id, 1));
    spool_->Submit(requests.back().get());
  }
  ASSERT_TRUE(shard_.RunUntil([&] { return requests.back()->answered; }));
  EXPECT_LE(RocksSpoolTesting::CountRows(spool_.get(), "outbox"),
            spool_->counters().Get(Counter::kCommitGroups));
  EXPECT_TRUE(WaitUntilEmpty("outbox"));
  // And again, past the tombstones of the first.
  Store(spool_.get(), &shard_, NewId(), "y");
  Commit(spool_.get(), &shard_, requests.back().get());
  EXPECT_TRUE(WaitUntilEmpty("outbox"));
}

// Rows that are put and deleted once, and meet in the memtable, leave nothing in a table file.
// In the first seconds of a new store a message's end also deletes its key row, which might be
// there.
TEST_F(RocksSpoolTest, WhatIsDeliveredAtOnceNeverReachesATableFile) {
  std::atomic<int64_t> behind{int64_t{limits::kKeyEpochSecondsMin} * 1000};
  SpoolOptions options = Options();
  options.clock = [&behind] { return ReadWallClock() - Millis(behind.load()); };
  spool_ = *RocksSpool::Open(std::move(options));
  behind = 0;
  for (int i = 0; i < 100; ++i) {
    MessageId id = NewId();
    Store(spool_.get(), &shard_, id, BodyOf(4096, 10));
    auto complete = Complete(&shard_, id, 1);
    Commit(spool_.get(), &shard_, complete.get());
  }
  ASSERT_TRUE(WaitUntilEmpty("outbox"));
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  EXPECT_LT(spool_->health().flushed_bytes, 4096u);  // of more than 400 KiB: `meta`'s rows
  spool_.reset();                                    // it asks for the time until then
}

TEST_F(RocksSpoolTest, WhatIsFlushedIsPaced) {
  Open();
  const FlushPace& pace = RocksSpoolTesting::Pace(spool_.get());
  EXPECT_TRUE(WaitUntil(
      [&] { return pace.bytes_per_second() == int64_t{limits::kFlushBytesPerSecondMin}; }));
  int64_t before = pace.limiter()->GetTotalBytesThrough();
  Store(spool_.get(), &shard_, NewId(), BodyOf(100'000, 1));
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  EXPECT_GE(pace.limiter()->GetTotalBytesThrough() - before, 100'000);
}

TEST_F(RocksSpoolTest, LazyRequestsWaitForCompanyButNotLong) {
  Open();
  // The median: one may meet a job of the store's own, and that is company, or a machine that is
  // busy.
  std::array<std::chrono::nanoseconds, 7> waits;
  for (std::chrono::nanoseconds& waited : waits) {
    MessageId id = NewId();
    Store(spool_.get(), &shard_, id, "x");
    auto outcome = Complete(&shard_, id, 1);
    outcome->lazy = true;
    auto start = std::chrono::steady_clock::now();
    Commit(spool_.get(), &shard_, outcome.get());
    waited = std::chrono::steady_clock::now() - start;
    EXPECT_TRUE(outcome->status.ok());
  }
  std::sort(waits.begin(), waits.end());
  EXPECT_GE(waits[3], Millis(limits::kLazyCommitMillis - 1));
  EXPECT_LT(waits[3], Millis(500));

  MessageId other = NewId();
  auto lazy = Complete(&shard_, other, 1);
  lazy->lazy = true;
  spool_->Submit(lazy.get());
  Store(spool_.get(), &shard_, NewId(), "company");
  EXPECT_TRUE(lazy->answered);
}

TEST_F(RocksSpoolTest, TheScanFindsWhatWasThereAndNotWhatCameSince) {
  Open();
  std::vector<MessageId> ids;
  std::vector<std::unique_ptr<TestCommit>> requests;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back(NewId(i * 10));
    requests.push_back(Accept(&shard_, ids.back(), BodyOf(200, 8)));
    spool_->Submit(requests.back().get());
  }
  ASSERT_TRUE(shard_.RunUntil([&] { return requests.back()->answered; }));
  Reopen();
  for (int i = 0; i < 50; ++i) Store(spool_.get(), &shard_, NewId(5000), "new");
  auto scanned = ScanAll(spool_.get(), 3);
  std::sort(ids.begin(), ids.end());
  ASSERT_EQ(scanned.size(), ids.size());
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(scanned[i].id, ids[i]);
  EXPECT_EQ(spool_->health().messages, 1050u);
}

TEST_F(RocksSpoolTest, ManyShardsGetTheirOwnAnswersInOrder) {
  Open();
  constexpr int kShards = 3, kEach = 300;
  std::vector<std::thread> threads;
  for (int t = 0; t < kShards; ++t) {
    threads.emplace_back([this, t] {
      TestShard shard;
      std::vector<std::unique_ptr<TestCommit>> requests;
      Random random(static_cast<uint64_t>(t));
      for (int i = 0; i < kEach; ++i) {
        MessageId id = MessageId::Make(ReadWallClock(), 0, random);
        requests.push_back(Accept(&shard, id, "body"));
        spool_->Submit(requests.back().get());
        if (i % 7 == 0) {
          ASSERT_TRUE(shard.RunUntil([&] { return requests.back()->answered; }));
          for (auto& request : requests) EXPECT_TRUE(request->answered);
        }
      }
      ASSERT_TRUE(shard.RunUntil([&] { return requests.back()->answered; }));
      for (auto& request : requests) EXPECT_TRUE(request->durable.has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(spool_->health().messages, uint64_t{kShards * kEach});
  EXPECT_EQ(spool_->counters().Get(Counter::kCommitRequests), uint64_t{kShards * kEach});
  EXPECT_EQ(spool_->counters().Get(Counter::kBodyBytesSealed), uint64_t{kShards * kEach * 4});
}

TEST_F(RocksSpoolTest, HealthTellsOfMemoryAndLatency) {
  Open();
  Store(spool_.get(), &shard_, NewId(), BodyOf(5000, 9));
  SpoolHealth health = spool_->health();
  EXPECT_TRUE(health.accepting);
  EXPECT_TRUE(health.reason.empty());
  EXPECT_GT(health.free_bytes, 0u);
  EXPECT_GT(health.memtable_bytes, 5000u);
  EXPECT_GT(health.wal_bytes, 5000u);
  EXPECT_GT(health.commit_p50_micros, 0u);
  EXPECT_GE(health.commit_p99_micros, health.commit_p50_micros);
}

}  // namespace
}  // namespace ringpost::storage
