// The real RocksDB over a file system that fails: the spool latches, says why, reopens by itself,
// and what it answered OK is there.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

using Fault = SyncDroppingFileSystem::Fault;

class FailureTest : public ::testing::Test {
 protected:
  SpoolOptions Options() {
    SpoolOptions options;
    options.path = dir_.path() + "/spool";
    options.memtable_bytes = 2 * limits::kMiB;
    options.free_space_floor_bytes = 1000;
    return options;
  }
  void Open() {
    auto spool = RocksSpoolTesting::Open(Options(), {disk_, true});
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }
  bool WaitUntilAccepting(bool accepting) {
    for (int i = 0; i < 1000; ++i) {
      if (spool_->accepting() == accepting) return true;
      std::this_thread::sleep_for(Millis(10));
    }
    return false;
  }

  TempDir dir_;
  TestShard shard_;
  std::shared_ptr<SyncDroppingFileSystem> disk_ = std::make_shared<SyncDroppingFileSystem>(1);
  std::unique_ptr<RocksSpool> spool_;
};

TEST_F(FailureTest, AFailedSyncRefusesLatchesReopensAndForgetsTheGroup) {
  for (bool write : {false, true}) {
    for (Fault fault : {Fault::kIoError, Fault::kNoSpace}) {
      if (!spool_) Open();
      MessageId before = NewId();
      Store(spool_.get(), &shard_, before, "kept");
      write ? disk_->FailWrites(fault, 1, UINT64_MAX / 2)
            : disk_->FailSyncs(fault, 1, UINT64_MAX / 2);
      MessageId failed = NewId();
      auto accept = Accept(&shard_, failed, "answered 4xx");
      Commit(spool_.get(), &shard_, accept.get());
      EXPECT_EQ(accept->status.code(), StatusCode::kUnavailable);
      EXPECT_FALSE(accept->durable.has_value());
      EXPECT_FALSE(spool_->accepting());
      EXPECT_FALSE(spool_->health().reason.empty());
      // While the cause lasts it stays so.
      auto later = Accept(&shard_, NewId(), "x");
      Commit(spool_.get(), &shard_, later.get());
      EXPECT_EQ(later->status.code(), StatusCode::kUnavailable);
      std::this_thread::sleep_for(Millis(300));
      EXPECT_FALSE(spool_->accepting());
      // Without a restart of anything it goes on once the cause is gone.
      disk_->ClearFaults();
      ASSERT_TRUE(WaitUntilAccepting(true));
      EXPECT_TRUE(spool_->health().reason.empty());
      MessageId after = NewId();
      Store(spool_.get(), &shard_, after, "stored");
      EXPECT_EQ(ReadBody(spool_.get(), &shard_, before, 1)->body, "kept");
      EXPECT_EQ(ReadBody(spool_.get(), &shard_, after, 1)->body, "stored");
      EXPECT_EQ(ReadEnvelope(spool_.get(), &shard_, failed)->status.code(), StatusCode::kNotFound);
    }
  }
  EXPECT_EQ(spool_->counters().Get(Counter::kStoreErrors), 4u);
  EXPECT_EQ(spool_->counters().Get(Counter::kStoreReopens), 4u);
  EXPECT_EQ(spool_->counters().Get(Counter::kStoreSuspects), 4u);
  // And the group that failed is gone for good, though its record may have been in the log.
  spool_.reset();
  Open();
  EXPECT_EQ(ScanAll(spool_.get()).size(), 8u);
}

TEST_F(FailureTest, AnOutcomeThatFailedCanBeSentAgain) {
  Open();
  MessageId id = NewId(), report = NewId();
  Store(spool_.get(), &shard_, id, "x");
  auto outcome = Complete(&shard_, id, 1);
  outcome->message = &outcome->own_message;
  outcome->own_message.id = report;
  outcome->own_message.envelope = EnvelopeOf();
  outcome->own_message.body.Append(Slice::Copy("report"));
  disk_->FailSyncs(Fault::kIoError, 1, 1);
  Commit(spool_.get(), &shard_, outcome.get());
  EXPECT_EQ(outcome->status.code(), StatusCode::kUnavailable);
  ASSERT_TRUE(WaitUntilAccepting(true));
  Commit(spool_.get(), &shard_, outcome.get());
  ASSERT_TRUE(outcome->status.ok()) << outcome->status;
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, report, 1)->body, "report");
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  spool_.reset();
  Open();
  auto scanned = ScanAll(spool_.get());
  ASSERT_EQ(scanned.size(), 1u);
  EXPECT_EQ(scanned[0].id, report);
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "body"), 1u);
}

TEST_F(FailureTest, ABodyThatStreamedThroughAFailureIsRefused) {
  Open();
  MessageId id = NewId();
  auto chunk0 = Chunk(&shard_, id, 0, "0123456789");
  Commit(spool_.get(), &shard_, chunk0.get());
  ASSERT_TRUE(chunk0->status.ok());
  disk_->FailSyncs(Fault::kIoError, 1, 1);
  auto other = Accept(&shard_, NewId(), "x");
  Commit(spool_.get(), &shard_, other.get());
  ASSERT_TRUE(WaitUntilAccepting(true));
  auto chunk1 = Chunk(&shard_, id, 1, "0123456789");
  Commit(spool_.get(), &shard_, chunk1.get());
  EXPECT_FALSE(chunk1->status.ok());
  auto accept = AcceptChunks(&shard_, id, 20);
  Commit(spool_.get(), &shard_, accept.get());
  EXPECT_EQ(accept->status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "body"), 0u);
}

TEST_F(FailureTest, BelowTheFloorOfFreeSpaceNothingIsAcceptedButOutcomesAre) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "x");
  disk_->SetFreeSpace(999);
  ASSERT_TRUE(WaitUntilAccepting(false));
  EXPECT_NE(spool_->health().reason.find("free some space"), std::string::npos);
  auto accept = Accept(&shard_, NewId(), "x");
  Commit(spool_.get(), &shard_, accept.get());
  EXPECT_EQ(accept->status.code(), StatusCode::kResourceExhausted);
  EXPECT_FALSE(accept->durable.has_value());
  auto chunk = Chunk(&shard_, NewId(), 0, "x");
  Commit(spool_.get(), &shard_, chunk.get());
  EXPECT_EQ(chunk->status.code(), StatusCode::kResourceExhausted);
  auto complete = Complete(&shard_, id, 1);
  Commit(spool_.get(), &shard_, complete.get());
  EXPECT_TRUE(complete->status.ok());
  disk_->SetFreeSpace(1100);  // above the floor, but not by an eighth
  std::this_thread::sleep_for(Millis(600));
  EXPECT_FALSE(spool_->accepting());
  disk_->SetFreeSpace(1126);
  EXPECT_TRUE(WaitUntilAccepting(true));
  Store(spool_.get(), &shard_, NewId(), "x");
}

TEST_F(FailureTest, TheScanGoesOnAcrossAReopen) {
  Open();
  std::set<MessageId> ids;
  for (int i = 0; i < 300; ++i) {
    MessageId id = NewId(i);
    Store(spool_.get(), &shard_, id, "x");
    ids.insert(id);
  }
  spool_.reset();
  Open();
  disk_->FailSyncs(Fault::kIoError, 1, 1);
  auto accept = Accept(&shard_, NewId(), "x");
  Commit(spool_.get(), &shard_, accept.get());  // the store is closed now
  auto scanned = ScanAll(spool_.get());
  EXPECT_EQ(scanned.size(), ids.size());
  for (const ScannedMessage& message : scanned) EXPECT_TRUE(ids.contains(message.id));
}

// Each write and each sync in turn fails once, with each error, while messages come in.
TEST_F(FailureTest, EveryWriteAndSyncInTurn) {
  std::set<MessageId> acknowledged;
  Open();
  for (Fault fault : {Fault::kIoError, Fault::kNoSpace}) {
    for (uint64_t n = 1; n <= 6; ++n) {
      for (bool write : {false, true}) {
        write ? disk_->FailWrites(fault, n, 1) : disk_->FailSyncs(fault, n, 1);
        for (int i = 0; i < 8; ++i) {
          MessageId id = NewId();
          auto accept = Accept(&shard_, id, BodyOf(3000, 1));
          Commit(spool_.get(), &shard_, accept.get());
          if (accept->durable.has_value()) acknowledged.insert(id);
          if (!accept->status.ok()) {
            ASSERT_TRUE(WaitUntilAccepting(true));
          }
        }
        disk_->ClearFaults();
        ASSERT_TRUE(WaitUntilAccepting(true));
      }
    }
  }
  EXPECT_GT(acknowledged.size(), 100u);
  spool_.reset();
  Open();
  std::set<MessageId> found;
  for (const ScannedMessage& message : ScanAll(spool_.get())) found.insert(message.id);
  EXPECT_EQ(found, acknowledged);
}

}  // namespace
}  // namespace ringpost::storage
