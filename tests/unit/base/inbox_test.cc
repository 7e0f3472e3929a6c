#include "gateway/base/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ringpost {
namespace {

struct Item : Posted {
  Item() { run = &Item::Ran; }
  static void Ran(Posted* posted) {
    Item* item = static_cast<Item*>(posted);
    item->log->push_back(item->number);
  }
  std::vector<int>* log = nullptr;
  int number = 0;
};

TEST(InboxTest, DrainsInPostingOrder) {
  Inbox inbox;
  std::vector<int> log;
  std::vector<Item> items(5);
  for (int i = 0; i < 5; ++i) {
    items[static_cast<size_t>(i)].log = &log;
    items[static_cast<size_t>(i)].number = i;
    inbox.Post(&items[static_cast<size_t>(i)]);
  }
  EXPECT_FALSE(inbox.empty());
  EXPECT_EQ(inbox.Drain(), 5u);
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.Drain(), 0u);
}

TEST(InboxTest, WakesOnlyWhenItTurnsFromEmpty) {
  Inbox inbox;
  int wakes = 0;
  inbox.SetWake([](void* context) { ++*static_cast<int*>(context); }, &wakes);
  std::vector<int> log;
  Item first, second;
  first.log = second.log = &log;
  inbox.Post(&first);
  inbox.Post(&second);
  EXPECT_EQ(wakes, 1);
  inbox.Drain();
  inbox.Post(&first);
  EXPECT_EQ(wakes, 2);
  inbox.Drain();
}

TEST(InboxTest, ItemMayPostItselfAgainWhileItRuns) {
  static Inbox inbox;
  struct Again : Posted {
    Again() {
      run = [](Posted* posted) {
        if (++static_cast<Again*>(posted)->ran < 3) inbox.Post(posted);
      };
    }
    int ran = 0;
  } again;
  inbox.Post(&again);
  EXPECT_EQ(inbox.Drain(), 1u) << "one round at a time";
  EXPECT_EQ(inbox.Drain(), 1u);
  EXPECT_EQ(inbox.Drain(), 1u);
  EXPECT_TRUE(inbox.empty());
}

TEST(InboxTest, ItemMayBeGoneOnceItHasRun) {
  Inbox inbox;
  struct Heap : Posted {
    Heap() {
      run = [](Posted* posted) { delete static_cast<Heap*>(posted); };
    }
  };
  for (int i = 0; i < 3; ++i) inbox.Post(new Heap);
  EXPECT_EQ(inbox.Drain(), 3u);
}

TEST(InboxTest, ManyThreadsLoseNothingAndEachKeepsItsOrder) {
  Inbox inbox;
  constexpr int kThreads = 4, kItems = 20'000;
  std::vector<std::vector<int>> logs(kThreads);
  std::vector<std::vector<Item>> items(kThreads, std::vector<Item>(kItems));
  std::vector<std::thread> threads;
  std::atomic<int> running{kThreads};
  for (size_t t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kItems; ++i) {
      items[t][static_cast<size_t>(i)].log = &logs[t];
      items[t][static_cast<size_t>(i)].number = i;
    }
    threads.emplace_back([&, t] {
      for (Item& item : items[t]) inbox.Post(&item);
      running.fetch_sub(1);
    });
  }
  size_t drained = 0;
  while (running.load() > 0) drained += inbox.Drain();
  for (std::thread& thread : threads) thread.join();
  drained += inbox.Drain();
  EXPECT_EQ(drained, static_cast<size_t>(kThreads * kItems));
  for (auto& log : logs) {
    ASSERT_EQ(log.size(), static_cast<size_t>(kItems));
    for (int i = 0; i < kItems; ++i) ASSERT_EQ(log[static_cast<size_t>(i)], i);
  }
}

}  // namespace
}  // namespace ringpost
