#include "gateway/identity/quota_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ringpost::identity {
namespace {

using Kind = QuotaTable::Kind;
using Over = QuotaTable::Over;
constexpr Quota kThreeADay{3, 0};

// 2026-11-29T23:00:00Z and so many seconds.
WallTime At(int64_t seconds) { return WallFromMillis(1'795'993'200'000 + seconds * 1000); }
constexpr int64_t kHour = 3600, kDay = 86'400;

Over TakeAndAccept(QuotaTable* table, uint32_t id, const Quota& quota, WallTime now) {
  QuotaHold hold;
  Over over = hold.Take(table, Kind::kCredential, id, quota, now);
  hold.Accept(now);
  return over;
}

TEST(QuotaTable, ADayIsTheCalendars) {
  QuotaTable table(64);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(TakeAndAccept(&table, 1, kThreeADay, At(i)), Over::kNone);
  }
  EXPECT_EQ(TakeAndAccept(&table, 1, kThreeADay, At(kHour - 1)), Over::kDaily);
  EXPECT_EQ(TakeAndAccept(&table, 2, kThreeADay, At(kHour - 1)), Over::kNone);
  EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(kHour - 1)).day, 3u);
  EXPECT_EQ(TakeAndAccept(&table, 1, kThreeADay, At(kHour)), Over::kNone);
  EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(kHour)).day, 1u);
  EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(kHour)).month, 4u);
}

TEST(QuotaTable, AMonthIsTheCalendars) {
  QuotaTable table(64);
  constexpr Quota kBoth{3, 4};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(TakeAndAccept(&table, 1, kBoth, At(0)), Over::kNone);
  EXPECT_EQ(TakeAndAccept(&table, 1, kBoth, At(kHour)), Over::kNone);
  // The day has room; where both are used up, the month's is said, which lasts longer.
  EXPECT_EQ(TakeAndAccept(&table, 1, kBoth, At(kHour)), Over::kMonthly);
  EXPECT_EQ(TakeAndAccept(&table, 1, {1, 4}, At(kHour)), Over::kMonthly);
  EXPECT_EQ(TakeAndAccept(&table, 1, kBoth, At(kHour + kDay - 1)), Over::kMonthly);
  EXPECT_EQ(TakeAndAccept(&table, 1, kBoth, At(kHour + kDay)), Over::kNone);  // December
}

TEST(QuotaTable, WhatIsHeldCountsAndWhatIsGivenBackDoesNot) {
  QuotaTable table(64);
  {
    QuotaHold one, other;
    EXPECT_EQ(one.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
    EXPECT_EQ(one.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
    EXPECT_EQ(other.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
    EXPECT_EQ(other.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kDaily);
    one.GiveBackOne();
    EXPECT_EQ(other.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
    QuotaHold moved(std::move(other));
    EXPECT_EQ(moved.held(), 2u);
    EXPECT_EQ(one.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kDaily);
    EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(0)).day, 0u);
  }
  QuotaHold all;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(all.Take(&table, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
  }
}

// Held before midnight, accepted behind it: it is the new day's.
TEST(QuotaTable, CountedWhenItIsAccepted) {
  QuotaTable table(64);
  QuotaHold hold;
  EXPECT_EQ(hold.Take(&table, Kind::kCredential, 1, kThreeADay, At(kHour - 1)), Over::kNone);
  hold.Accept(At(kHour));
  EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(kHour - 1)).day, 0u);
  EXPECT_EQ(table.UseOf(Kind::kCredential, 1, At(kHour)).day, 1u);
}

TEST(QuotaTable, AccountsAreOthersThanCredentials) {
  QuotaTable table(64);
  QuotaHold account, credential;
  EXPECT_EQ(account.Take(&table, Kind::kAccount, 1, {1, 0}, At(0)), Over::kNone);
  EXPECT_EQ(credential.Take(&table, Kind::kCredential, 1, {1, 0}, At(0)), Over::kNone);
  EXPECT_EQ(account.Take(&table, Kind::kAccount, 1, {1, 0}, At(0)), Over::kDaily);
}

TEST(QuotaTable, PlacesOfOtherMonthsAreAnybodys) {
  QuotaTable table(64);
  for (uint32_t id = 0; id < 10'000; ++id) {
    WallTime now = At(int64_t{id} * 32 * kDay);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(TakeAndAccept(&table, id, kThreeADay, now), Over::kNone);
    EXPECT_EQ(TakeAndAccept(&table, id, kThreeADay, now), Over::kDaily) << id;
  }
}

TEST(QuotaTable, SeveralThreadsTakeNoMoreThanThereIs) {
  QuotaTable table(64);
  constexpr Quota kMany{1000, 0};
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  TakeAndAccept(&table, 7, kMany, At(0));
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        QuotaHold hold;
        if (hold.Take(&table, Kind::kCredential, 7, kMany, At(0)) != Over::kNone) continue;
        if (i % 2 == 0) continue;
        hold.Accept(At(0));
        ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(taken, 999);
  EXPECT_EQ(table.UseOf(Kind::kCredential, 7, At(0)).day, 1u + static_cast<uint32_t>(taken));
  while (TakeAndAccept(&table, 7, kMany, At(0)) == Over::kNone) ++taken;
  EXPECT_EQ(taken, 999);
}

TEST(QuotaTable, IsKeptOverARestartWithoutWhatIsHeld) {
  QuotaTable before(64), after(64);
  QuotaHold held;
  EXPECT_EQ(TakeAndAccept(&before, 1, kThreeADay, At(0)), Over::kNone);
  EXPECT_EQ(TakeAndAccept(&before, 1, kThreeADay, At(0)), Over::kNone);
  EXPECT_EQ(held.Take(&before, Kind::kCredential, 1, kThreeADay, At(0)), Over::kNone);
  std::vector<uint64_t> words;
  before.Save(0, before.places(), At(0), &words);
  after.Load(words, At(0));
  words.push_back(5);  // what is left over is left out
  after.Load(words, At(0));
  EXPECT_EQ(after.UseOf(Kind::kCredential, 1, At(0)).day, 2u);
  EXPECT_EQ(TakeAndAccept(&after, 1, kThreeADay, At(0)), Over::kNone);
  EXPECT_EQ(TakeAndAccept(&after, 1, kThreeADay, At(0)), Over::kDaily);
  words.clear();
  before.Save(0, before.places(), At(kHour + kDay), &words);
  EXPECT_TRUE(words.empty());  // another month
}

TEST(PeriodCount, WhenTheyBeginAnew) {
  EXPECT_EQ(FormatRfc3339(NextUtcDay(At(0))), "2026-11-30T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(NextUtcMonth(At(0))), "2026-12-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(NextUtcMonth(At(31 * kDay))), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(NextUtcDay(NextUtcDay(At(0)))), "2026-12-01T00:00:00.000Z");
  PeriodCount count;
  count.set_word(0);
  count.Add(7, UINT32_MAX);
  count.Add(7, 5);
  EXPECT_EQ(count.Of(7), UINT32_MAX);
  count.Add(8, 1);
  EXPECT_EQ(count.Of(8), 1u);
  EXPECT_EQ(count.Of(7), 0u);
}

}  // namespace
}  // namespace ringpost::identity
