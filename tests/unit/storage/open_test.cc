// Opening: what is refused, and in which words.
#include <gtest/gtest.h>

#include <fstream>

#include "storage/sim/rocks_spool_testing.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

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

// The log says what RocksDB took for real, which is not always what it was given.
TEST_F(OpenTest, TheEffectiveOptionsAreLogged) {
  struct Lines : Log {
    std::string all;
    void Append(std::string_view line) override { all.append(line).push_back('\n'); }
  } lines;
  SpoolOptions options = Options();
  options.log = &lines;
  ASSERT_TRUE(RocksSpool::Open(options).ok());
  EXPECT_NE(lines.all.find("\"event\":\"store_open\""), std::string::npos) << lines.all;
  EXPECT_NE(lines.all.find("wal_recovery_mode=0"), std::string::npos) << lines.all;
}

}  // namespace
}  // namespace ringpost::storage
