#include "gateway/app/limit_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>

#include "gateway/base/limits.h"
#include "gateway/base/log.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using identity::OutcomeCounts;
using identity::QuotaTable;
using identity::RateTable;

class Lines final : public Log {
 public:
  void Append(std::string_view line) override { text.append(line).append("\n"); }
  std::string text;
};

constexpr identity::RateLimit kTen{10, Seconds(3600)};

// One life of a process, over a store that stays.
struct Process {
  explicit Process(storage::ControlStore* store)
      : keeper(store, LimitKeeper::Tables{&rates, &quotas, &outcomes}, &log) {
    keeper.Load(ReadWallClock());
  }
  void Send(uint32_t credential, uint32_t recipients) {
    WallTime now = ReadWallClock();
    rates.Take(RateTable::Kind::kCredential, credential, kTen, now, recipients);
    identity::QuotaHold hold;
    for (uint32_t i = 0; i < recipients; ++i) {
      hold.Take(&quotas, QuotaTable::Kind::kCredential, credential, {1000, 0}, now);
    }
    hold.Accept(now);
    outcomes.Add(credential, OutcomeCounts::What::kAccepted, now, recipients);
  }
  uint32_t Used(uint32_t credential) {
    return quotas.UseOf(QuotaTable::Kind::kCredential, credential, ReadWallClock()).month;
  }
  Lines log;
  RateTable rates{4096};
  QuotaTable quotas{4096};
  OutcomeCounts outcomes{4096};
  LimitKeeper keeper;
};

class LimitKeeperTest : public ::testing::Test {
 protected:
  LimitKeeperTest() {
    auto opened = storage::ControlStore::Open(dir_.path() + "/control.store", nullptr);
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = std::move(*opened);
  }
  size_t Records() {
    size_t records = 0;
    EXPECT_TRUE(
        store_->ForEach("counts/", [&](std::string_view, const std::string&) { ++records; }).ok());
    return records;
  }
  TempFolder dir_;
  std::unique_ptr<storage::ControlStore> store_;
};

TEST_F(LimitKeeperTest, ACleanStopLosesNothing) {
  {
    Process first(store_.get());
    first.Send(1, 8);
    first.Send(2, 3);
    first.keeper.Stop();
  }
  EXPECT_GE(Records(), 3u);
  Process second(store_.get());
  EXPECT_EQ(second.Used(1), 8u);
  EXPECT_EQ(second.Used(2), 3u);
  EXPECT_EQ(second.outcomes.Of(1, ReadWallClock()).accepted, 8u);
  EXPECT_EQ(second.rates.Take(RateTable::Kind::kCredential, 1, kTen, ReadWallClock(), 2),
            Millis(0));
  EXPECT_GT(second.rates.Take(RateTable::Kind::kCredential, 1, kTen, ReadWallClock()), Millis(0));
}

TEST_F(LimitKeeperTest, AKillLosesWhatWasNotWritten) {
  {
    Process first(store_.get());
    first.Send(1, 5);
    first.keeper.Stop();
    first.Send(1, 5);
  }
  EXPECT_EQ(Process(store_.get()).Used(1), 5u);
}

TEST_F(LimitKeeperTest, TheFirstWriteReplacesWhatWasThere) {
  {
    Process first(store_.get());
    first.Send(1, 5);
    first.outcomes.Add(1, OutcomeCounts::What::kHardBounce, ReadWallClock(), 5);
    first.keeper.Stop();
  }
  size_t records = Records();
  {
    Process second(store_.get());
    second.outcomes.Forget(1);
    second.keeper.Stop();
  }
  EXPECT_EQ(Records(), records - 1);
  EXPECT_EQ(Process(store_.get()).outcomes.Of(1, ReadWallClock()).hard_bounces, 0u);
}

TEST_F(LimitKeeperTest, WhatIsUnchangedIsNotWritten) {
  Process process(store_.get());
  process.Send(1, 5);
  process.keeper.Stop();
  ASSERT_TRUE(store_
                  ->Write({{"counts/quotas/0000", std::nullopt},
                           {"counts/quotas/0001", std::nullopt},
                           {"counts/quotas/0002", std::nullopt},
                           {"counts/quotas/0003", std::nullopt}})
                  .ok());
  size_t records = Records();
  process.keeper.Stop();
  EXPECT_EQ(Records(), records);
  process.Send(1, 1);
  process.keeper.Stop();
  EXPECT_EQ(Records(), records + 1);
}

TEST_F(LimitKeeperTest, BrakesWhoIsOverTheRuleAndOnce) {
  Process process(store_.get());
  std::atomic<uint32_t> braked{0}, calls{0};
  std::atomic<bool> works{false};
  process.Send(1, 100);
  process.Send(2, 250);
  process.keeper.Start([&](uint32_t credential, const std::string& why) {
    ++calls;
    if (!works) return false;
    EXPECT_EQ(why, "26 hard bounces of 250 recipients in 24 hours (10.4 %; at most 10 %)");
    braked = credential;
    return true;
  });
  process.outcomes.Add(1, OutcomeCounts::What::kHardBounce, ReadWallClock(), 100);
  process.outcomes.Add(2, OutcomeCounts::What::kHardBounce, ReadWallClock(), 26);
  auto wait = [](const auto& done) {
    for (int i = 0; i < 1000 && !done(); ++i) std::this_thread::sleep_for(Millis(10));
    return done();
  };
  ASSERT_TRUE(wait([&] { return calls >= 2; }));  // what did not work is tried again
  works = true;
  ASSERT_TRUE(wait([&] { return braked == 2; }));
  uint32_t after = calls;
  std::this_thread::sleep_for(Millis(2 * limits::kBrakeLookMillis));
  EXPECT_EQ(calls, after);
  process.keeper.Forget(2);
  EXPECT_EQ(process.outcomes.Of(2, ReadWallClock()).accepted, 0u);
  // That is in the store at once, and not when it would be written anyway.
  for (int i = 0; i < 300 && Records() == 0; ++i) std::this_thread::sleep_for(Millis(10));
  ASSERT_GT(Records(), 0u);
  EXPECT_EQ(Process(store_.get()).outcomes.Of(2, ReadWallClock()).accepted, 0u);
  EXPECT_EQ(Process(store_.get()).outcomes.Of(1, ReadWallClock()).accepted, 100u);
  process.keeper.Stop();
}

}  // namespace
}  // namespace ringpost::app
