// How much memory the store takes where its disk is slow with what is flushed.
#include <gtest/gtest.h>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

constexpr uint64_t kMemtableBytes = 2 * limits::kMiB;

// The log goes on while flushes do not end: mail is written until writes wait for them.
TEST(ScarceMemoryTest, WritesWaitForFlushesBeforeMemtablesPileUp) {
  TempDir dir;
  TestShard shard;
  auto disk = std::make_shared<SyncDroppingFileSystem>(1);
  SpoolOptions options;
  options.path = dir.path() + "/spool";
  options.free_space_floor_bytes = 1000;
  options.memtable_bytes = kMemtableBytes;
  options.memory_is_scarce = true;
  auto spool = RocksSpoolTesting::Open(options, {disk, true, Seconds(60)});
  ASSERT_TRUE(spool.ok()) << spool.status();

  disk->HoldSyncs("sst");
  std::unique_ptr<TestCommit> waiting;
  uint64_t most = 0;
  for (int i = 0; i < 64 && !waiting; ++i) {  // 16 MiB, if they let them
    auto accept = Accept(&shard, NewId(), BodyOf(256 * limits::kKiB, 1));
    (*spool)->Submit(accept.get());
    shard.RunUntil([&] { return accept->answered; });  // it gives up by itself
    most = std::max(most, (*spool)->health().memtable_bytes);
    if (!accept->answered) waiting = std::move(accept);
  }
  ASSERT_TRUE(waiting) << "nothing waited, " << most << " bytes in memtables";
  EXPECT_GT(most, kMemtableBytes);
  EXPECT_LT(most, 3 * kMemtableBytes);

  disk->ReleaseSyncs();
  ASSERT_TRUE(shard.RunUntil([&] { return waiting->answered; }));
  EXPECT_TRUE(waiting->status.ok()) << waiting->status;
}

}  // namespace
}  // namespace ringpost::storage
