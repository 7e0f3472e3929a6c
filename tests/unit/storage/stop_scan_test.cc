// A scan that is stopped: nothing comes to the shards any more, whose inboxes may go then.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "storage/rocks_spool.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

ScanPage* MakePage(void* context) {
  auto* page = new ScanPage;
  page->run = [](Posted* posted) { delete static_cast<ScanPage*>(posted); };
  ++*static_cast<std::atomic<int>*>(context);
  return page;
}

TEST(StopScan, NothingIsPostedAfterwards) {
  TempDir dir;
  TestShard shard;
  SpoolOptions options;
  options.path = dir.path() + "/spool";
  options.key_file = dir.path() + "/store.key";
  options.free_space_floor_bytes = 1;
  constexpr size_t kMessages = (limits::kScanPagesInFlightMax + 2) * limits::kScanPageMessagesMax;
  {
    auto spool = RocksSpool::Open(options);
    ASSERT_TRUE(spool.ok()) << spool.status();
    for (size_t i = 0; i < kMessages; ++i) Store(spool->get(), &shard, NewId(), "x");
  }
  auto spool = RocksSpool::Open(options);
  ASSERT_TRUE(spool.ok()) << spool.status();
  auto inbox = std::make_unique<Inbox>();
  std::atomic<int> made{0};
  (*spool)->StartScan({{inbox.get(), &MakePage, &made}});
  constexpr int kFull = limits::kScanPagesInFlightMax;
  for (int i = 0; i < 1000 && made < kFull; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(made, kFull) << "the scan waits for the shard";
  (*spool)->StopScan();
  inbox->Drain();  // there is room for more now
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(made, kFull);
  inbox.reset();
  spool->reset();
}

}  // namespace
}  // namespace ringpost::storage
