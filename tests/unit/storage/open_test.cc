// Opening: what is refused, and in which words.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/store_key.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class OpenTest : public ::testing::Test {
 protected:
  SpoolOptions Options() {
    SpoolOptions options;
    options.path = dir_.path() + "/spool";
    options.memtable_bytes = 2 * limits::kMiB;
    options.free_space_floor_bytes = 1;
    return options;
  }
  void MakeStore() {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok()) << spool.status();
    Store(spool->get(), &shard_, NewId(), "x");
  }
  void ExpectRefusal(const SpoolOptions& options, StatusCode code, std::string_view words) {
    auto spool = RocksSpool::Open(options);
    ASSERT_FALSE(spool.ok());
    EXPECT_EQ(spool.status().code(), code) << spool.status();
    EXPECT_NE(MessageOf(spool.status()).find(words), std::string_view::npos) << spool.status();
  }

  // The one that was written to last.
  std::string LastLog() {
    std::string last;
    for (const auto& file : std::filesystem::directory_iterator(Options().path + "/db")) {
      if (file.path().extension() == ".log") last = std::max(last, file.path().string());
    }
    return last;
  }

  TempDir dir_;
  TestShard shard_;
};

TEST_F(OpenTest, AParentThatIsMissingIsSaid) {
  SpoolOptions options = Options();
  options.path = dir_.path() + "/not/there";
  ExpectRefusal(options, StatusCode::kNotFound, "mount its disk");
}

TEST_F(OpenTest, AStoreOfANewerFormatIsRefused) {
  {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok());
    ASSERT_TRUE(RocksSpoolTesting::WriteMeta(spool->get(), "format", 2).ok());
  }
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "start the newer ringpostd");
}

TEST_F(OpenTest, AnotherPartitionIsRefused) {
  MakeStore();
  SpoolOptions options = Options();
  options.partition = 1;
  ExpectRefusal(options, StatusCode::kFailedPrecondition, "is partition 0, not 1");
}

TEST_F(OpenTest, AStoreWithoutItsKeyIsRefused) {
  MakeStore();
  std::filesystem::remove(Options().path + "/store.key");
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "missing");
  EXPECT_FALSE(std::filesystem::exists(Options().path + "/store.key"));
}

TEST_F(OpenTest, AKeyThatOthersMayReadIsRefused) {
  MakeStore();
  std::filesystem::permissions(Options().path + "/store.key", std::filesystem::perms(0640));
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "chmod 600");
}

TEST_F(OpenTest, AKeyOfAnotherSizeIsRefused) {
  MakeStore();
  std::filesystem::resize_file(Options().path + "/store.key", 31);
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "32 bytes");
}

TEST_F(OpenTest, KeysWithoutTheirDatabaseAreNotTakenForANewStore) {
  MakeStore();
  std::filesystem::remove_all(Options().path + "/db");
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "no database");
}

TEST_F(OpenTest, MessagesWithoutTheirEpochKeysAreNotPaperedOver) {
  MakeStore();
  std::filesystem::remove(Options().path + "/epochs");
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "restore it");
}

// Nothing is written over the keys of a store that was given the wrong one to open them with.
TEST_F(OpenTest, TheKeyOfAnotherStoreIsRefusedAndDestroysNothing) {
  MakeStore();
  std::string key_path = Options().path + "/store.key", slots_path = Options().path + "/epochs";
  std::string key = ReadFile(key_path), slots = ReadFile(slots_path);
  WriteFile(key_path, std::string(32, 'k'));
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition,
                "store.key is not the key it was made with");
  EXPECT_EQ(ReadFile(slots_path), slots);
  WriteFile(key_path, key);
  auto spool = RocksSpool::Open(Options());
  ASSERT_TRUE(spool.ok()) << spool.status();
  auto scanned = ScanAll(spool->get());
  ASSERT_EQ(scanned.size(), 1u);
  EXPECT_EQ(ReadBody(spool->get(), &shard_, scanned[0].id, 1)->body, "x");
}

TEST_F(OpenTest, SlotsOfWhichNoneOpensAreRefused) {
  MakeStore();
  std::string slots_path = Options().path + "/epochs";
  std::string slots = ReadFile(slots_path), damaged = slots;
  damaged[20] ^= 1;
  WriteFile(slots_path, damaged);
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "none of the 1 keys");
  EXPECT_EQ(ReadFile(slots_path), damaged);
  WriteFile(slots_path, std::string(slots.size(), '\0'));
  ExpectRefusal(Options(), StatusCode::kFailedPrecondition, "holds no key");
  WriteFile(slots_path, slots);
  EXPECT_TRUE(RocksSpool::Open(Options()).ok());
}

TEST_F(OpenTest, WithoutMessagesAStoreTakesAnotherKey) {
  ASSERT_TRUE(RocksSpool::Open(Options()).ok());
  WriteFile(Options().path + "/store.key", std::string(32, 'k'));
  MakeStore();
  EXPECT_TRUE(RocksSpool::Open(Options()).ok());
}

TEST_F(OpenTest, AKeyIsMadeWholeOrNotAtAll) {
  std::string path = dir_.path() + "/some.key";
  WriteFile(path + ".new", "half");  // what a crash left
  ASSERT_TRUE(EnsureStoreKey(path).ok());
  EXPECT_EQ(ReadFile(path).size(), 32u);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  std::string key = ReadFile(path);
  ASSERT_TRUE(EnsureStoreKey(path).ok());
  EXPECT_EQ(ReadFile(path), key);
}

TEST_F(OpenTest, AStoreThatIsOpenAlreadyIsRefused) {
  auto first = RocksSpool::Open(Options());
  ASSERT_TRUE(first.ok());
  ExpectRefusal(Options(), StatusCode::kUnavailable, "another ringpostd");
}

TEST_F(OpenTest, TheKeyFileIsPrivateAndTheDirectoryToo) {
  MakeStore();
  using std::filesystem::perms;
  auto mode = [](const std::string& path) { return std::filesystem::status(path).permissions(); };
  EXPECT_EQ(mode(Options().path + "/store.key"), perms::owner_read | perms::owner_write);
  EXPECT_EQ(mode(Options().path), perms::owner_all);
}

// A power cut may leave the length of the last record and not all of its bytes.
TEST_F(OpenTest, ATornEndOfTheLogIsCutOff) {
  TestLog log;
  SpoolOptions options = Options();
  options.log = &log;
  std::vector<MessageId> ids;
  {
    auto spool = RocksSpool::Open(options);
    ASSERT_TRUE(spool.ok());
    for (int i = 0; i < 3; ++i) {
      ids.push_back(NewId());
      Store(spool->get(), &shard_, ids.back(), std::string(100'000, 'x'));
    }
  }
  std::string path = LastLog();
  std::string bytes = ReadFile(path);
  bytes.replace(bytes.size() - 60'000, 4096, 4096, '\0');
  WriteFile(path, bytes);
  auto spool = RocksSpool::Open(options);
  ASSERT_TRUE(spool.ok()) << spool.status();
  EXPECT_TRUE(log.Holds("store_log_end_cut"));
  auto scanned = ScanAll(spool->get());
  ASSERT_EQ(scanned.size(), 2u);
  std::set<MessageId> whole = {scanned[0].id, scanned[1].id};
  EXPECT_EQ(whole, std::set<MessageId>({ids[0], ids[1]}));  // which comes first, chance may say
}

// One bit in a record that others follow: they were synced, so it was, too.
TEST_F(OpenTest, ALogThatGoesOnAfterDamageIsLeftAsItIs) {
  {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok());
    for (int i = 0; i < 3; ++i) Store(spool->get(), &shard_, NewId(), std::string(100'000, 'x'));
  }
  std::string path = LastLog();
  std::string bytes = ReadFile(path);
  bytes[bytes.size() - 160'000] ^= 1;
  WriteFile(path, bytes);
  ExpectRefusal(Options(), StatusCode::kDataLoss, "store salvage");
  EXPECT_EQ(ReadFile(path), bytes);
}

// The log says what RocksDB took for real, which is not always what it was given.
TEST_F(OpenTest, TheEffectiveOptionsAreLogged) {
  TestLog log;
  SpoolOptions options = Options();
  options.log = &log;
  ASSERT_TRUE(RocksSpool::Open(options).ok());
  EXPECT_TRUE(log.Holds("\"event\":\"store_open\""));
  EXPECT_TRUE(log.Holds("wal_recovery_mode=0"));
}

}  // namespace
}  // namespace ringpost::storage
