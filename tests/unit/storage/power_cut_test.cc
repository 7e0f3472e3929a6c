// The real RocksDB over a file system that drops what was not synced: at every sync point, just
// before and just after, what the store promised (PowerCutLife says what) holds when the power is
// back, and after a second cut while it opens or goes on; the same where the program died first.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/unit/storage/power_cut_life.h"

namespace ringpost::storage {
namespace {

constexpr int kMessages = 14;
constexpr int kMessagesAfter = 4;
constexpr uint64_t kSyncsMax = 400;     // a life has fewer
constexpr uint64_t kSecondCutMax = 19;  // a start has about fifteen
constexpr uint64_t kLaterMax = 19;      // a reopening has fewer
constexpr int kLivesAtOnce = 6;         // for the most part they wait

// Calls `live` with 1, 2, ... until it says that its life was over before that sync.
uint64_t ForEachSync(const std::function<bool(uint64_t n)>& live) {
  std::atomic<uint64_t> next{1};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kLivesAtOnce; ++i) {
    threads.emplace_back([&] {
      while (!over) {
        uint64_t n = next++;
        if (n >= kSyncsMax || !live(n)) over = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return next - kLivesAtOnce;
}

// How the first part of a life ends, at a sync.
enum class End : uint8_t { kPowerBefore, kPowerAfter, kDiesBefore };
constexpr End kEnds[] = {End::kPowerBefore, End::kPowerAfter, End::kDiesBefore};
const char* const kEndNames[] = {"power cut before", "power cut after", "the program died before"};

// One life: it ends at sync `n`, and the power goes (again) while the store opens, or a little
// later. False: the work was over before it.
bool EndTwice(PowerCutPlan plan, uint64_t n, End end) {
  plan.seed = n * std::size(kEnds) + static_cast<uint64_t>(end);
  SCOPED_TRACE(std::string(kEndNames[static_cast<size_t>(end)]) + " sync " + std::to_string(n));
  PowerCutLife life(plan);
  std::unique_ptr<RocksSpool> spool = life.Open();
  if (!spool) {
    ADD_FAILURE() << life.refusal();
    return false;
  }
  life.disk().PowerOffAtSync(n, end == End::kPowerAfter);
  life.Work(spool.get(), kMessages);
  bool cut = life.disk().power_is_off();
  end == End::kDiesBefore ? life.Die(&spool) : life.LosePower(&spool);
  life.disk().PowerOffAtSync(1 + plan.seed % kSecondCutMax, n % 2 == 0);
  spool = life.Open();
  EXPECT_TRUE(spool || life.disk().power_is_off()) << life.refusal();
  if (spool) life.Work(spool.get(), kMessagesAfter);
  life.LosePower(&spool);
  EXPECT_EQ(life.Verify(), "");
  return cut;
}

void EndAtEverySync(const PowerCutPlan& plan) {
  uint64_t syncs = ForEachSync([&plan](uint64_t n) {
    bool cut = true;
    for (End end : kEnds) cut &= EndTwice(plan, n, end);
    return cut;
  });
  EXPECT_GT(syncs, uint64_t{kMessages});  // each message is a sync at least
  std::printf("%d syncs, %d lives\n", static_cast<int>(syncs),
              static_cast<int>(syncs * std::size(kEnds)));
}

TEST(PowerCutTest, AtEverySyncPointThePromisesHold) { EndAtEverySync({}); }

TEST(PowerCutTest, AndWhileKeysTurn) { EndAtEverySync({.turn_keys = true}); }

// Sync `failed` fails, the store reopens over what the page cache still shows, and `later` syncs on
// the power goes. False: the work was over before.
bool FailAndCut(PowerCutPlan plan, uint64_t failed, uint64_t later) {
  plan.seed = failed * 100 + later;
  SCOPED_TRACE("sync " + std::to_string(failed) + " failed, power cut " + std::to_string(later) +
               " later");
  PowerCutLife life(plan);
  std::unique_ptr<RocksSpool> spool = life.Open();
  if (!spool) {
    ADD_FAILURE() << life.refusal();
    return false;
  }
  life.disk().FailSyncs(SyncDroppingFileSystem::Fault::kIoError, failed, 1);
  life.disk().PowerOffAtSync(failed + later, later % 2 == 0);
  life.Work(spool.get(), kMessages);
  bool met = !life.disk().fault_is_ahead();
  life.LosePower(&spool);
  life.disk().ClearFaults();
  EXPECT_EQ(life.Verify(), "");
  return met;
}

TEST(PowerCutTest, AfterAFailedSyncToo) {
  for (bool turn_keys : {false, true}) {
    uint64_t syncs = ForEachSync([turn_keys](uint64_t failed) {
      FailAndCut({.turn_keys = turn_keys}, failed, 1 + failed % kLaterMax);
      return FailAndCut({.turn_keys = turn_keys}, failed, 1 + (failed + kLaterMax / 2) % kLaterMax);
    });
    EXPECT_GT(syncs, uint64_t{kMessages});
  }
}

TEST(PowerCutTest, DuringTheFirstOpeningTheNextOneCompletesIt) {
  for (uint64_t n = 1; n < 60; ++n) {
    PowerCutLife life({.seed = n});
    life.disk().PowerOffAtSync(n, n % 2 == 0);
    std::unique_ptr<RocksSpool> spool = life.Open();
    bool cut = life.disk().power_is_off();
    life.LosePower(&spool);
    EXPECT_EQ(life.Verify(), "") << "after a power cut at sync " << n;
    if (!cut) return;
  }
}

// A program that dies between a key slot's write and its sync leaves a key that can be read, but
// not after a power cut. The next program must not trust it before it is safe.
TEST(PowerCutTest, AKeyThatADeadProgramWroteIsSafeBeforeItIsUsed) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    PowerCutLife life({.seed = seed, .turn_keys = true});
    std::unique_ptr<RocksSpool> spool = life.Open();
    ASSERT_TRUE(spool != nullptr);
    life.disk().IgnoreSyncs("epochs");
    life.Work(spool.get(), 4);  // with one turn of the keys
    life.Die(&spool);
    life.disk().IgnoreSyncs("nothing");
    spool = life.Open();
    ASSERT_TRUE(spool != nullptr);
    life.Work(spool.get(), 2);
    life.LosePower(&spool);
    EXPECT_EQ(life.Verify(), "") << "seed " << seed;
  }
}

// The same after a sync that failed: the kernel counts what it could not write as written, so that
// a later sync does nothing for it.
TEST(PowerCutTest, AKeyWhoseSyncFailedIsSafeBeforeItIsUsed) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (uint64_t failed = 1; failed <= 4; ++failed) {
      PowerCutLife life({.seed = seed});
      life.disk().FailSyncs(SyncDroppingFileSystem::Fault::kIoError, failed, 1, "epochs");
      std::unique_ptr<RocksSpool> spool = life.Open();
      life.Die(&spool);
      life.disk().ClearFaults();
      spool = life.Open();
      ASSERT_TRUE(spool != nullptr) << life.refusal();
      life.Work(spool.get(), 2);
      life.LosePower(&spool);
      EXPECT_EQ(life.Verify(), "") << "seed " << seed << ", sync " << failed;
    }
  }
}

// A sync fails, and the program dies before it has opened its store again.
TEST(PowerCutTest, AfterAFailedSyncThatWasTheLast) {
  for (bool turn_keys : {false, true}) {
    uint64_t syncs = ForEachSync([turn_keys](uint64_t failed) {
      SCOPED_TRACE("sync " + std::to_string(failed) + " failed");
      PowerCutLife life({.seed = failed, .turn_keys = turn_keys});
      std::unique_ptr<RocksSpool> spool = life.Open();
      life.disk().FailSyncs(SyncDroppingFileSystem::Fault::kIoError, failed, 1);
      life.disk().PowerOffAtSync(failed + 1, false);
      life.Work(spool.get(), kMessages);
      bool met = !life.disk().fault_is_ahead();
      life.Die(&spool);
      life.disk().ClearFaults();
      spool = life.Open();
      EXPECT_TRUE(spool != nullptr) << life.refusal();
      if (!spool) return false;
      life.Work(spool.get(), kMessagesAfter);
      life.LosePower(&spool);
      EXPECT_EQ(life.Verify(), "");
      return met;
    });
    EXPECT_GT(syncs, uint64_t{kMessages});
  }
}

// The test of the test: a store that does not sync must be found out. What a cut leaves of bytes
// that were not synced is drawn at random, and about one cut in 150 leaves all of them: so most of
// several cuts must be noticed, and not each.
TEST(PowerCutTest, WithoutSyncItIsNoticed) {
  constexpr int kCuts = 6;
  int noticed = 0;
  for (uint64_t seed = 1; seed <= kCuts; ++seed) {
    PowerCutLife life({.seed = seed, .sync = false});
    std::unique_ptr<RocksSpool> spool = life.Open();
    ASSERT_TRUE(spool != nullptr);
    life.Work(spool.get(), kMessages);
    EXPECT_GE(life.durable(), size_t{kMessages});
    life.LosePower(&spool);
    noticed += life.Verify() != "";
  }
  EXPECT_GT(noticed, kCuts / 2);
}

// And one that leaves out the syncs of one kind of file only.
TEST(PowerCutTest, WithoutTheSyncsOfOneKindItIsNoticed) {
  for (std::string_view kind : {"", "log", "sst", "blob", "MANIFEST", "epochs", "directory"}) {
    std::string noticed;
    for (uint64_t seed = 1; seed <= 20 && noticed.empty(); ++seed) {
      PowerCutLife life({.seed = seed, .turn_keys = true});
      life.disk().IgnoreSyncs(kind);
      std::unique_ptr<RocksSpool> spool = life.Open();
      ASSERT_TRUE(spool != nullptr);
      life.Work(spool.get(), kMessages);
      life.LosePower(&spool);
      noticed = life.Verify();
    }
    EXPECT_NE(noticed, "") << "syncs of '" << kind << "' left out";
    std::printf("without the syncs of '%s': %s\n", std::string(kind).c_str(), noticed.c_str());
  }
}

}  // namespace
}  // namespace ringpost::storage
