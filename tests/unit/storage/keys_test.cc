// Epochs turn, survivors stay readable, and what was settled can no longer be opened by anything on
// the disk.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "storage/key_ring.h"
#include "storage/sim/rocks_spool_testing.h"
#include "storage/store_key.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

class KeysTest : public ::testing::Test {
 protected:
  SpoolOptions Options() {
    SpoolOptions options;
    options.path = dir_.path() + "/spool";
    options.memtable_bytes = 2 * limits::kMiB;
    options.free_space_floor_bytes = 1;
    options.key_epoch = epoch_;
    options.clock = [this] { return ReadWallClock() + Millis(ahead_.load()); };
    return options;
  }
  void Open() {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }
  // Lets the epoch's time pass and waits until the housekeeper has turned the keys.
  void TurnEpoch() { storage::TurnEpoch(spool_.get(), &ahead_, epoch_); }
  std::string SlotsPath() { return dir_.path() + "/spool/epochs"; }

  TempDir dir_;
  TestShard shard_;
  std::atomic<int64_t> ahead_{0};
  Seconds epoch_{limits::kKeyEpochSeconds};
  std::unique_ptr<RocksSpool> spool_;
};

TEST_F(KeysTest, SurvivorsStayReadableOverManyEpochsAndRestarts) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "a survivor");
  for (int turn = 0; turn < 5; ++turn) {
    TurnEpoch();
    EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "a survivor") << turn;
    if (turn != 2) continue;
    spool_.reset();
    Open();
  }
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "key"), 1u);
  auto complete = Complete(&shard_, id, 1);
  Commit(spool_.get(), &shard_, complete.get());
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "key"), 0u);
}

// How long an epoch is may change with a restart: the key row goes with the message all the same.
TEST_F(KeysTest, AKeyRowOfAShorterEpochIsDeletedUnderALongerOne) {
  epoch_ = Seconds(limits::kKeyEpochSecondsMin);
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "a survivor");
  for (int turn = 0; turn < 2; ++turn) TurnEpoch();
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "key"), 1u);
  spool_.reset();
  epoch_ = Seconds(limits::kKeyEpochSeconds);
  Open();
  auto complete = Complete(&shard_, id, 1);
  Commit(spool_.get(), &shard_, complete.get());
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "key"), 0u);
}

// True where a key in the slots (as they were in `slots`) opens the wrapped key of the message.
bool SlotsOpen(const Engine& engine, const std::string& slots, const MessageId& id,
               const WrappedKey& wrapped) {
  std::string path = engine.options.path + "/epochs.image";
  std::ofstream(path, std::ios::binary) << slots;
  tls::Key store_key;
  EXPECT_TRUE(ReadStoreKey(engine.options.key_file, &store_key).ok());
  auto opened = KeySlots::Open(engine.file_system.get(), path, store_key, false);
  EXPECT_TRUE(opened.ok());
  bool opens = false;
  for (KeySlots::Entry& entry : (*opened)->TakeEntries()) {
    tls::Key key;
    opens |=
        tls::UnwrapKey(entry.key, View(wrapped.bytes), View(KeyContext(id, wrapped.epoch)), &key);
  }
  std::filesystem::remove(path);
  return opens;
}

TEST_F(KeysTest, ASettledMessagesKeyCannotBeUnwrappedAfterTwoEpochs) {
  Open();
  MessageId settled = NewId(), waiting = NewId();
  Store(spool_.get(), &shard_, settled, "settled");
  Store(spool_.get(), &shard_, waiting, "held back for long");
  auto wrapped = RocksSpoolTesting::WrappedKeyOf(spool_.get(), settled);
  ASSERT_TRUE(wrapped.ok());
  auto complete = Complete(&shard_, settled, 1);
  Commit(spool_.get(), &shard_, complete.get());

  Engine engine(Options());
  std::string before = ReadFile(SlotsPath());
  EXPECT_TRUE(SlotsOpen(engine, before, settled, *wrapped));  // the test can open what is there
  TurnEpoch();
  EXPECT_TRUE(SlotsOpen(engine, ReadFile(SlotsPath()), settled, *wrapped));
  TurnEpoch();
  EXPECT_FALSE(SlotsOpen(engine, ReadFile(SlotsPath()), settled, *wrapped));
  // The file is the same blocks, overwritten: nothing of the old slot is left in it.
  EXPECT_EQ(ReadFile(SlotsPath()).size(), before.size());
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, waiting, 1)->body, "held back for long");
}

TEST_F(KeysTest, WhatCompletesWhileKeysAreWrappedAgainGetsNoKeyRow) {
  Open();
  std::vector<MessageId> ids;
  std::vector<std::unique_ptr<TestCommit>> requests;
  for (int i = 0; i < 3000; ++i) {
    ids.push_back(NewId());
    requests.push_back(Accept(&shard_, ids.back(), "x"));
    spool_->Submit(requests.back().get());
  }
  ASSERT_TRUE(shard_.RunUntil([&] { return requests.back()->answered; }));
  TurnEpoch();
  ahead_ +=
      int64_t{limits::kKeyEpochSeconds} * 1000;  // the next turn wraps again, while this goes on:
  requests.clear();
  for (size_t i = 0; i < ids.size(); i += 2) {
    requests.push_back(Complete(&shard_, ids[i], 1));
    spool_->Submit(requests.back().get());
    if (i % 100 == 0) std::this_thread::sleep_for(Millis(10));
  }
  ASSERT_TRUE(shard_.RunUntil([&] { return requests.back()->answered; }));
  ASSERT_TRUE(WaitUntil([&] {
    return RocksSpoolTesting::CurrentEpoch(spool_.get()) == 3 &&
           RocksSpoolTesting::OutlivedEpochs(spool_.get()) == 0;
  }));
  EXPECT_EQ(RocksSpoolTesting::CountRows(spool_.get(), "key"), ids.size() / 2);
  for (size_t i = 1; i < ids.size(); i += 500) {
    EXPECT_EQ(ReadBody(spool_.get(), &shard_, ids[i], 1)->body, "x");
  }
}

TEST_F(KeysTest, AClockSetBackEndsTheEpoch) {
  Open();
  ahead_ = -3'600'000;
  EXPECT_TRUE(WaitUntil([&] { return RocksSpoolTesting::CurrentEpoch(spool_.get()) == 2; }));
}

TEST_F(KeysTest, WithEverySlotTakenTheCurrentKeyGoesOn) {
  std::filesystem::create_directory(dir_.path() + "/spool");
  Engine engine(Options());
  ASSERT_TRUE(EnsureStoreKey(engine.options.key_file).ok());
  auto ring = KeyRing::Open(engine, KeyRing::Mode::kServe);
  ASSERT_TRUE(ring.ok()) << ring.status();
  for (uint32_t i = 1; i < limits::kKeySlots; ++i) {
    ASSERT_TRUE((*ring)->BeginEpoch(engine.Now()).ok());
  }
  EXPECT_EQ((*ring)->BeginEpoch(engine.Now()).code(), StatusCode::kResourceExhausted);
  MessageId id = NewId();
  WrappedKey wrapped = (*ring)->Wrap(id, tls::Key::Random());
  EXPECT_EQ(wrapped.epoch, limits::kKeySlots);
  EXPECT_EQ((*ring)->Outlived().size(), limits::kKeySlots - 2);
  ASSERT_TRUE((*ring)->Retire(1).ok());
  EXPECT_TRUE((*ring)->BeginEpoch(engine.Now()).ok());
  // And all of it is there again after a restart, but the retired one.
  tls::Key key;
  ring->reset();
  ring = KeyRing::Open(engine, KeyRing::Mode::kServe);
  EXPECT_TRUE((*ring)->Unwrap(id, wrapped, &key));
  wrapped.epoch = 1;
  EXPECT_FALSE((*ring)->Unwrap(id, wrapped, &key));
  EXPECT_EQ((*ring)->current_epoch(), limits::kKeySlots + 1);
}

TEST_F(KeysTest, ATornOrDamagedSlotIsCountedAndDoesNotStopTheRest) {
  Open();
  MessageId id = NewId();
  Store(spool_.get(), &shard_, id, "x");
  spool_.reset();
  {
    std::fstream file(SlotsPath(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file.write("\1half a slot", 12);
  }
  Engine engine(Options());
  auto ring = KeyRing::Open(engine, KeyRing::Mode::kRead);
  ASSERT_TRUE(ring.ok());
  EXPECT_EQ((*ring)->damaged_slots(), 1u);
  Open();
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, id, 1)->body, "x");
}

// A slot that does not open may hold the key to messages: it is left alone while there are any that
// have none, and free after that.
TEST_F(KeysTest, ADamagedSlotIsNotWrittenOverWhileAMessageMayNeedIt) {
  Open();
  MessageId lost = NewId();
  Store(spool_.get(), &shard_, lost, "x");
  TurnEpoch();
  MessageId kept = NewId();
  Store(spool_.get(), &shard_, kept, "y");
  spool_.reset();
  std::string slots = ReadFile(SlotsPath());
  slots[20] ^= 1;
  std::ofstream(SlotsPath(), std::ios::binary) << slots;
  Open();
  for (int turn = 0; turn < 9; ++turn) TurnEpoch();
  EXPECT_EQ(ReadFile(SlotsPath()).substr(0, 4096), slots.substr(0, 4096));
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, lost, 1)->status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(ReadBody(spool_.get(), &shard_, kept, 1)->body, "y");
  auto complete = Complete(&shard_, lost, 1);
  Commit(spool_.get(), &shard_, complete.get());
  TurnEpoch();
  EXPECT_TRUE(
      WaitUntil([&] { return ReadFile(SlotsPath()).substr(0, 4096) == std::string(4096, '\0'); }));
}

TEST(LockedKeysTest, KeysAreGivenOutOnceAndWipedWhenTheyComeBack) {
  LockedKeys keys(2);
  auto first = keys.Take(), second = keys.Take();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(keys.Take());
  *first = tls::Key::Random();
  const tls::Key* place = first.get();
  first.reset();
  auto again = keys.Take();
  EXPECT_EQ(again.get(), place);
  EXPECT_EQ(again->view(), std::string(tls::kKeyBytes, '\0'));
}

}  // namespace
}  // namespace ringpost::storage
