#include "gateway/identity/rate_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ringpost::identity {
namespace {

using Kind = RateTable::Kind;
constexpr RateLimit kTen{10, Seconds(60)};

WallTime At(int64_t seconds) { return WallFromMillis(1'790'000'000'000 + seconds * 1000); }

TEST(RateTable, EachKeyHasARateOfItsOwn) {
  RateTable table(64);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(0)), Millis(0)) << i;
  }
  EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(0)), Millis(6000));
  EXPECT_EQ(table.Take(Kind::kAccount, 1, kTen, At(0)), Millis(0));
  EXPECT_EQ(table.Take(Kind::kCredential, 2, kTen, At(0)), Millis(0));
  EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(6)), Millis(0));
  EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(6)), Millis(6000));
  EXPECT_EQ(table.Take(Kind::kCredential, 1, RateLimit(), At(6)), Millis(0));
}

TEST(RateTable, WhatIsGivenBackCanBeTakenAgain) {
  RateTable table(64);
  EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(0), 10), Millis(0));
  EXPECT_GT(table.Take(Kind::kCredential, 1, kTen, At(0)), Millis(0));
  table.GiveBack(Kind::kCredential, 1, kTen, 3);
  EXPECT_EQ(table.Take(Kind::kCredential, 1, kTen, At(0), 3), Millis(0));
  EXPECT_GT(table.Take(Kind::kCredential, 1, kTen, At(0)), Millis(0));
}

// Many more keys than places: who owes nothing makes room.
TEST(RateTable, PlacesOfThoseWhoOweNothingAreAnybodys) {
  RateTable table(64);
  for (uint32_t id = 0; id < 10'000; ++id) {
    WallTime now = At(int64_t{id} * 120);
    EXPECT_EQ(table.Take(Kind::kCredential, id, kTen, now, 10), Millis(0));
    EXPECT_GT(table.Take(Kind::kCredential, id, kTen, now), Millis(0)) << id;
  }
}

TEST(RateTable, SeveralThreadsTakeNoMoreThanThereIs) {
  RateTable table(64);
  constexpr RateLimit kMany{1000, Seconds(3600)};
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  table.Take(Kind::kCredential, 7, kMany, At(0));
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        taken += table.Take(Kind::kCredential, 7, kMany, At(0)) == Millis(0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 999);
}

TEST(RateTable, WhatIsOwedIsKeptOverARestart) {
  RateTable before(64), after(64);
  EXPECT_EQ(before.Take(Kind::kCredential, 1, kTen, At(0), 10), Millis(0));
  EXPECT_EQ(before.Take(Kind::kListener, 1, kTen, At(0), 2), Millis(0));
  std::vector<uint64_t> words;
  before.Save(0, before.places(), At(0), &words);
  EXPECT_EQ(words.size(), 4u);
  after.Load(words, At(0));
  after.Load(std::vector<uint64_t>{words[0]}, At(0));  // no whole entry
  EXPECT_EQ(after.Take(Kind::kCredential, 1, kTen, At(0)), Millis(6000));
  EXPECT_EQ(after.Take(Kind::kListener, 1, kTen, At(0), 8), Millis(0));
  EXPECT_GT(after.Take(Kind::kListener, 1, kTen, At(0)), Millis(0));
  words.clear();
  before.Save(0, before.places(), At(60), &words);
  EXPECT_TRUE(words.empty());  // nothing is owed
}

}  // namespace
}  // namespace ringpost::identity
