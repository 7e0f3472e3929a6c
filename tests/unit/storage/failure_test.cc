// The real RocksDB over a file system that fails: the spool latches, says why, reopens by itself,
// and what it answered OK is there.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "gateway/base/counters.h"
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
    options.memtable_bytes = memtable_bytes_;
    options.free_space_floor_bytes = floor_bytes_;
    options.clock = [this] { return ReadWallClock() + Millis(ahead_.load()); };
    options.log = &log_;
    return options;
  }
  void Open() {
    auto spool = RocksSpoolTesting::Open(Options(), {disk_, true, Millis(500)});
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

  std::set<std::string> BlobFiles() {
    std::set<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(Options().path + "/db")) {
      if (file.path().extension() == ".blob") names.insert(file.path().filename());
    }
    return names;
  }
  uint64_t BlobBytes() {
    uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(Options().path + "/db")) {
      std::error_code gone;
      uint64_t size = file.path().extension() == ".blob" ? file.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  }
  bool Logged(std::string_view words) { return log_.Holds(words); }
  std::set<MessageId> StoreSome(int count) {
    std::set<MessageId> ids;
    for (int i = 0; i < count; ++i) {
      MessageId id = NewId(i);
      Store(spool_.get(), &shard_, id, "x");
      ids.insert(id);
    }
    return ids;
  }
  // Its deleted rows are what a blob file is kept for.
  void OpenAndDeliverOneOfABlobFile() {
    floor_bytes_ = 1024 * limits::kMiB;
    Open();
    MessageId id = NewId();
    Store(spool_.get(), &shard_, id, BodyOf(200'000, 1));
    ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
    auto complete = Complete(&shard_, id, 1);
    Commit(spool_.get(), &shard_, complete.get());
    ASSERT_TRUE(complete->status.ok());
  }
  // Lets the epoch's time pass and waits until the keys have turned.
  void TurnEpoch() { storage::TurnEpoch(spool_.get(), &ahead_); }

  TempDir dir_;
  TestShard shard_;
  TestLog log_;
  std::atomic<int64_t> ahead_{0};
  uint64_t memtable_bytes_ = 2 * limits::kMiB;
  uint64_t floor_bytes_ = 1000;
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
  auto outcome = CompleteWithReport(&shard_, id, report, "report");
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

// The group with the outcome failed, and its record was in the log all the same. The process ends
// before the outcome was sent again: the message is gone, so its report must not be.
TEST_F(FailureTest, AFailedOutcomeAndItsReportStayTogether) {
  Open();
  MessageId id = NewId(), report = NewId();
  Store(spool_.get(), &shard_, id, "x");
  auto outcome = CompleteWithReport(&shard_, id, report, "report");
  disk_->FailSyncs(Fault::kIoError, 1, 1);
  Commit(spool_.get(), &shard_, outcome.get());
  EXPECT_EQ(outcome->status.code(), StatusCode::kUnavailable);
  ASSERT_TRUE(WaitUntilAccepting(true));
  spool_.reset();
  Open();
  auto scanned = ScanAll(spool_.get());
  ASSERT_EQ(scanned.size(), 1u);
  EXPECT_EQ(scanned[0].id, report);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, report, 1)->body, "report");
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

// RocksDB by itself would keep the blobs until new rows come in, and below the floor none do.
TEST_F(FailureTest, BelowTheFloorOfFreeSpaceWhatWasDeliveredLeavesTheDisk) {
  memtable_bytes_ = 64 * limits::kMiB;
  floor_bytes_ = 1024 * limits::kMiB;
  Open();
  MessageId stays = NewId();
  Store(spool_.get(), &shard_, stays, BodyOf(100'000, 1));
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());  // in a blob file of its own
  std::set<std::string> of_its_own = BlobFiles();
  std::vector<MessageId> ids;
  for (uint32_t i = 0; i < 8; ++i) {
    ids.push_back(NewId());
    Store(spool_.get(), &shard_, ids.back(), BodyOf(200'000, i));
  }
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  for (const MessageId& id : ids) {
    auto complete = Complete(&shard_, id, 1);
    Commit(spool_.get(), &shard_, complete.get());
    ASSERT_TRUE(complete->status.ok());
  }
  std::this_thread::sleep_for(Millis(limits::kSpaceReclaimMillis + 500));
  EXPECT_GT(BlobBytes(), 8 * 200'000u);  // there is room enough: left to RocksDB
  disk_->SetFreeSpace(512 * limits::kMiB);
  EXPECT_TRUE(WaitUntil([this] { return BlobBytes() < 200'000; })) << BlobBytes();
  EXPECT_TRUE(WaitUntil([this] { return Logged("store_space_reclaim"); }));
  EXPECT_EQ(BlobFiles(), of_its_own) << "what is still wanted was moved, which takes space first";
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, stays, 1)->body, BodyOf(100'000, 1));
}

// A restart does not lose sight of what is to be reclaimed, though nothing is written after it.
TEST_F(FailureTest, BelowTheFloorAStartReclaimsWhatWasDeliveredBefore) {
  ASSERT_NO_FATAL_FAILURE(OpenAndDeliverOneOfABlobFile());
  // Nothing may be left for the next process to write.
  ASSERT_TRUE(
      WaitUntil([this] { return RocksSpoolTesting::CountRows(spool_.get(), "outbox") == 0; }));
  spool_.reset();
  EXPECT_GT(BlobBytes(), 200'000u);
  disk_->SetFreeSpace(512 * limits::kMiB);
  Open();
  EXPECT_TRUE(WaitUntil([this] { return BlobBytes() == 0; })) << BlobBytes();
}

// There may not be room for the table files that a compaction writes before it drops the old ones.
TEST_F(FailureTest, WithoutRoomForItNothingIsReclaimed) {
  ASSERT_NO_FATAL_FAILURE(OpenAndDeliverOneOfABlobFile());
  disk_->SetFreeSpace(1000);
  std::this_thread::sleep_for(Millis(limits::kSpaceReclaimMillis + 500));
  EXPECT_GT(BlobBytes(), 200'000u);
  EXPECT_FALSE(Logged("store_space_reclaim"));
  disk_->SetFreeSpace(512 * limits::kMiB);
  EXPECT_TRUE(WaitUntil([this] { return BlobBytes() == 0; })) << BlobBytes();
}

TEST_F(FailureTest, TheScanGoesOnAcrossAReopen) {
  Open();
  std::set<MessageId> ids = StoreSome(300);
  spool_.reset();
  Open();
  disk_->FailSyncs(Fault::kIoError, 1, 1);
  auto accept = Accept(&shard_, NewId(), "x");
  Commit(spool_.get(), &shard_, accept.get());  // the store is closed now
  auto scanned = ScanAll(spool_.get());
  EXPECT_EQ(scanned.size(), ids.size());
  for (const ScannedMessage& message : scanned) EXPECT_TRUE(ids.contains(message.id));
}

TEST_F(FailureTest, TheScanWaitsUntilTheDiskReadsAgain) {
  Open();
  std::set<MessageId> ids = StoreSome(300);
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  spool_.reset();
  Open();
  disk_->FailReads(Fault::kIoError, 2, 4);
  auto scanned = ScanAll(spool_.get());
  EXPECT_FALSE(disk_->fault_is_ahead());
  EXPECT_EQ(scanned.size(), ids.size());
  EXPECT_TRUE(Logged("store_scan_waits"));
}

TEST_F(FailureTest, TheScanStepsOverWhatIsDamaged) {
  Open();
  std::set<MessageId> ids = StoreSome(300);
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  spool_.reset();
  for (const auto& file : std::filesystem::directory_iterator(Options().path + "/db")) {
    if (file.path().extension() != ".sst" || file.file_size() < 50'000) continue;
    std::fstream table(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    table.seekp(30'000);  // in a block of envelopes
    table.write("damage", 6);
  }
  Open();
  Status status;
  auto scanned = ScanAll(spool_.get(), 2, &status);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(MessageOf(status).find("store check"), std::string_view::npos) << status;
  EXPECT_LT(scanned.size(), ids.size());
  EXPECT_GT(scanned.size(), ids.size() - 30);
  EXPECT_EQ(scanned.back().id, *ids.rbegin());
  EXPECT_TRUE(Logged("store_scan_gap"));
}

TEST_F(FailureTest, AMessageWithADamagedStateIsScheduledAllTheSame) {
  Open();
  MessageId id = NewId(10), next = NewId();
  Store(spool_.get(), &shard_, id, "x", 3);
  Store(spool_.get(), &shard_, next, "x");
  for (const auto& [message, recipient] : {std::pair(id, 2u), std::pair(next, 0u)}) {
    auto defer = Defer(&shard_, message, recipient, 3);
    Commit(spool_.get(), &shard_, defer.get());
  }
  EXPECT_TRUE(RocksSpoolTesting::PutRow(spool_.get(), "rcpt", View(IndexedKey(id, 0)), "\1?").ok());
  EXPECT_TRUE(RocksSpoolTesting::PutRow(spool_.get(), "rcpt", "of another length", "").ok());
  spool_.reset();
  Open();
  auto scanned = ScanAll(spool_.get());
  ASSERT_EQ(scanned.size(), 2u);
  EXPECT_EQ(scanned[0].recipients[0], RecipientState());  // better twice than never
  EXPECT_EQ(scanned[0].recipients[2].attempts, 3);
  EXPECT_EQ(scanned[1].recipients[0].attempts, 3);
  EXPECT_TRUE(Logged("store_record_damaged"));
}

// Key rows that cannot be read: what they say may be needed, so no epoch goes.
TEST_F(FailureTest, AnEpochStaysWhileKeysCannotBeRead) {
  Open();
  std::set<MessageId> ids = StoreSome(5);
  TurnEpoch();
  TurnEpoch();  // now each has a key row
  ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
  spool_.reset();
  Open();
  EXPECT_EQ(ScanAll(spool_.get()).size(), 5u);  // the envelopes are in the block cache from now on
  disk_->FailReads(Fault::kIoError, 1, UINT64_MAX / 2);
  for (uint32_t epoch : {4u, 5u}) {
    ahead_ += int64_t{limits::kKeyEpochSeconds} * 1000;
    ASSERT_TRUE(WaitUntil([&] { return RocksSpoolTesting::CurrentEpoch(spool_.get()) == epoch; }));
  }
  ASSERT_TRUE(WaitUntil([&] { return Logged("store_key_retire_error"); }));
  std::this_thread::sleep_for(Millis(2500));  // and again
  EXPECT_EQ(RocksSpoolTesting::OutlivedEpochs(spool_.get()), 2u);
  disk_->ClearFaults();
  ASSERT_TRUE(WaitUntil([&] { return RocksSpoolTesting::OutlivedEpochs(spool_.get()) == 0; }));
  for (const MessageId& id : ids) EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "x");
}

// Key rows whose sync failed come back with the reopened log, and are gone after a power cut: they
// do not let an epoch go.
TEST_F(FailureTest, AnEpochStaysUntilKeyRowsAreOnTheDiskForCertain) {
  Open();
  std::set<MessageId> ids = StoreSome(5);
  TurnEpoch();
  disk_->FailSyncs(Fault::kIoError, 2, 1);  // the first is that of the new epoch's slot
  TurnEpoch();
  EXPECT_EQ(spool_->counters().Get(Counter::kStoreReopens), 1u);
  disk_->PowerOff();
  spool_.reset();
  ASSERT_TRUE(disk_->PowerOn().ok());
  Open();
  for (const MessageId& id : ids) EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "x");
}

TEST_F(FailureTest, AFlushThatFailsReopensTheStore) {
  for (Fault fault : {Fault::kIoError, Fault::kNoSpace}) {
    Open();
    std::set<MessageId> ids = StoreSome(50);
    disk_->FailWrites(fault, 1, 1);
    EXPECT_FALSE(RocksSpoolTesting::Flush(spool_.get()).ok());
    ASSERT_TRUE(WaitUntil([&] { return spool_->counters().Get(Counter::kStoreReopens) == 1; }));
    EXPECT_EQ(spool_->counters().Get(Counter::kStoreErrors), 1u);
    EXPECT_EQ(spool_->counters().Get(Counter::kStoreSuspects), 0u);
    EXPECT_TRUE(Logged("a flush or compaction failed"));
    ASSERT_TRUE(WaitUntilAccepting(true));
    Store(spool_.get(), &shard_, NewId(), "y");
    ASSERT_TRUE(RocksSpoolTesting::Flush(spool_.get()).ok());
    for (const MessageId& id : ids) EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "x");
    spool_.reset();
  }
}

TEST_F(FailureTest, WhileTheDiskHangsNothingIsAccepted) {
  Open();
  disk_->HoldSyncs();
  MessageId id = NewId();
  auto accept = Accept(&shard_, id, "waits");
  spool_->Submit(accept.get());
  std::this_thread::sleep_for(Millis(200));
  EXPECT_TRUE(spool_->accepting());
  ASSERT_TRUE(WaitUntilAccepting(false));
  EXPECT_NE(spool_->health().reason.find("does its disk answer"), std::string::npos);
  EXPECT_FALSE(accept->answered);
  EXPECT_TRUE(Logged("store_stalled"));
  disk_->ReleaseSyncs();
  ASSERT_TRUE(WaitUntilAccepting(true));
  EXPECT_TRUE(spool_->health().reason.empty());
  EXPECT_TRUE(Logged("store_moves_again"));
  ASSERT_TRUE(shard_.RunUntil([&] { return accept->answered; }));
  EXPECT_TRUE(accept->durable.has_value());
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "waits");
}

// The end of a big body holds the committer up for a tenth of a second. For three times as long the
// next one's chunks wait, while small messages come and go.
// Big bodies among small messages.
class ChunkTest : public FailureTest {
 protected:
  // Small messages one after the other, until something else is done.
  bool SendSmallsUntil(const std::function<bool()>& done) {
    return shard_.RunUntil([&] {
      if (!small_ || small_->answered) {
        ++smalls_;
        small_ = Accept(&shard_, NewId(), "small");
        spool_->Submit(small_.get());
      }
      return done();
    });
  }
  // Until the committer knows that it has its time full.
  void SendSmallsForAWhile() {
    MonoTime start = ReadMonoClock();
    Millis long_enough(limits::kCommitLoadMillis * 3 / 2);
    ASSERT_TRUE(SendSmallsUntil([&] { return ReadMonoClock() - start > long_enough; }));
    ASSERT_TRUE(shard_.RunUntil([&] { return small_->answered; }));
    smalls_ = 0;
  }

  std::unique_ptr<TestCommit> small_;
  uint32_t smalls_ = 0;
};

TEST_F(ChunkTest, SmallMessagesDoNotWaitForTheChunksOfBigOnes) {
  Open();
  SendSmallsForAWhile();
  MessageId big = NewId();
  constexpr uint32_t kChunks = 10;
  for (uint32_t i = 0; i < kChunks; ++i) {
    auto chunk = Chunk(&shard_, big, i, BodyOf(100'000, 1));
    spool_->Submit(chunk.get());
    ASSERT_TRUE(SendSmallsUntil([&] { return chunk->answered; }));
    EXPECT_TRUE(chunk->status.ok()) << chunk->status;
  }
  // Where each group takes what is there, it is about one for each chunk.
  EXPECT_GT(smalls_, 4 * kChunks);
  ASSERT_TRUE(shard_.RunUntil([&] { return small_->answered; }));
}

// What was delivered may wait some milliseconds to be stored so, not as long as a chunk may.
TEST_F(ChunkTest, AnOutcomeDoesNotWaitForTheTurnOfAChunk) {
  Open();
  MessageId delivered = NewId(), big = NewId();
  auto accept = Accept(&shard_, delivered, "body");
  Commit(spool_.get(), &shard_, accept.get());
  auto first = Chunk(&shard_, big, 0, BodyOf(1000, 1));
  Commit(spool_.get(), &shard_, first.get());
  SendSmallsForAWhile();
  disk_->HoldSyncs();
  auto end = AcceptChunks(&shard_, big, 1000);
  spool_->Submit(end.get());
  std::this_thread::sleep_for(Millis(100));
  disk_->ReleaseSyncs();
  ASSERT_TRUE(shard_.RunUntil([&] { return end->answered; }));
  MonoTime start = ReadMonoClock();
  auto chunk = Chunk(&shard_, NewId(), 0, BodyOf(1000, 2));
  spool_->Submit(chunk.get());
  std::this_thread::sleep_for(Millis(20));  // the committer sleeps until the chunk's turn
  auto complete = Complete(&shard_, delivered, 1);
  complete->lazy = true;
  Commit(spool_.get(), &shard_, complete.get());
  EXPECT_FALSE(chunk->answered) << "nothing was shown: no turn was waited for";
  ASSERT_TRUE(shard_.RunUntil([&] { return chunk->answered; }));
  EXPECT_GT(ReadMonoClock() - start, Millis(limits::kCommitChunkWaitMillisMax / 2));
}

// Each write and each sync of each kind of file in turn fails once, with each error, while messages
// come in and go, memtables are flushed to table and blob files, and keys turn.
class EachInTurnTest : public FailureTest, public ::testing::WithParamInterface<Fault> {
 protected:
  EachInTurnTest() { memtable_bytes_ = 32 * limits::kKiB; }

  // Takes some mail in and completes some. What fails is done again once the store has recovered.
  void Work() {
    for (int i = 0; i < 8; ++i) {
      MessageId id = NewId();
      auto accept = Accept(&shard_, id, body_);
      Commit(spool_.get(), &shard_, accept.get());
      if (accept->durable.has_value()) acknowledged_.insert(id);
      ASSERT_TRUE(accept->status.ok() || WaitUntilAccepting(true));
      if (acknowledged_.size() < 10) continue;
      auto complete = Complete(&shard_, *acknowledged_.begin(), 1);
      Commit(spool_.get(), &shard_, complete.get());
      if (!complete->status.ok()) {
        ASSERT_TRUE(WaitUntilAccepting(true));
        Commit(spool_.get(), &shard_, complete.get());
      }
      ASSERT_TRUE(complete->status.ok()) << complete->status;
      acknowledged_.erase(acknowledged_.begin());
    }
    RocksSpoolTesting::Flush(spool_.get()).IgnoreError();
  }

  // How many failed.
  uint64_t FailEach(std::string_view kind, bool write, bool reopening) {
    uint64_t n = 1;
    for (bool hit = true; hit && !HasFailure(); ++n) {
      // The slots are written when the keys turn, and never else.
      if (kind == "epochs") ahead_ += int64_t{limits::kKeyEpochSeconds} * 1000;
      write ? disk_->FailWrites(GetParam(), n, 1, kind) : disk_->FailSyncs(GetParam(), n, 1, kind);
      if (reopening) disk_->FailSyncs(Fault::kIoError, 1, 1, "log");
      Work();
      if (kind == "epochs") {
        EXPECT_TRUE(
            WaitUntil([&] { return RocksSpoolTesting::OutlivedEpochs(spool_.get()) == 0; }));
        // One epoch begins and one goes: two writes, two syncs, and each again where it failed.
        std::this_thread::sleep_for(Millis(2 * limits::kOutboxMoveMillis));
      }
      hit = !disk_->fault_is_ahead();
      disk_->ClearFaults();
      EXPECT_TRUE(WaitUntilAccepting(true)) << kind << " " << n;
    }
    return n - 2;
  }

  void VerifyAll() {
    spool_.reset();
    Open();
    std::set<MessageId> found;
    for (const ScannedMessage& message : ScanAll(spool_.get())) found.insert(message.id);
    EXPECT_EQ(found, acknowledged_);
    for (const MessageId& id : acknowledged_) {
      EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, body_) << id.ToString();
    }
  }

  const std::string body_ = BodyOf(3000, 1);
  std::set<MessageId> acknowledged_;
};

TEST_P(EachInTurnTest, NothingIsLostAndItGoesOn) {
  Open();
  for (const char* kind : {"log", "sst", "blob", "MANIFEST", "epochs", "directory"}) {
    for (bool write : {false, true}) {
      uint64_t failed = FailEach(kind, write, false);
      EXPECT_GT(failed, 0u) << kind;
      std::printf("%d %s of %s failed\n", static_cast<int>(failed), write ? "writes" : "syncs",
                  kind);
    }
  }
  VerifyAll();
}

TEST_P(EachInTurnTest, NorWhenTheReopeningFailsToo) {
  Open();
  for (const char* kind : {"log", "sst", "blob", "MANIFEST", "dbtmp", "directory"}) {
    uint64_t failed = FailEach(kind, true, true);
    EXPECT_GT(failed, 0u) << kind;
    std::printf("%d writes of %s failed\n", static_cast<int>(failed), kind);
  }
  VerifyAll();
}

INSTANTIATE_TEST_SUITE_P(BothErrors, EachInTurnTest,
                         ::testing::Values(Fault::kIoError, Fault::kNoSpace));

}  // namespace
}  // namespace ringpost::storage
