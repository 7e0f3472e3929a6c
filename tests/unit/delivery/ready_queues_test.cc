// Lanes and turns by example, and against a plain model over many seeds.
#include "gateway/delivery/ready_queues.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <string>

#include "gateway/base/random.h"

namespace ringpost::delivery {
namespace {

class ReadyQueuesTest : public ::testing::Test {
 protected:
  Slot Make(uint32_t account, bool bulk = false) {
    Slot slot = pool.Allocate();
    pool[slot].account = account;
    pool[slot].flags = bulk ? kBulk : 0;
    pool[slot].state = EntryState::kReady;
    return slot;
  }
  Slot Push(uint32_t account, bool bulk = false, SiteId site = 0) {
    Slot slot = Make(account, bulk);
    queues.Push(slot, site, false);
    return slot;
  }
  // The accounts of what is popped, a letter each: 1 is 'a'; of the bulk lane in upper case.
  std::string PopAll(SiteId site = 0) {
    std::string order;
    for (Slot slot; (slot = queues.Pop(site)) != kNone;) {
      order += static_cast<char>((pool[slot].flags & kBulk ? '@' : '`') + pool[slot].account);
    }
    return order;
  }

  EntryPool pool;
  ReadyQueues queues{&pool};
};

TEST_F(ReadyQueuesTest, AccountsTakeTurns) {
  for (int i = 0; i < 5; ++i) Push(1);
  Push(2);
  Push(2);
  Push(3);
  EXPECT_EQ(queues.count(0), 8u);
  EXPECT_EQ(PopAll(), "abcabaaa");
  EXPECT_EQ(queues.count(0), 0u);
}

TEST_F(ReadyQueuesTest, WhoComesLaterWaitsForOneOfEachOther) {
  for (int i = 0; i < 100; ++i) Push(1);
  queues.Pop(0);
  Push(2);
  std::string order = PopAll();
  EXPECT_LE(order.find('b'), 1u) << order;
}

TEST_F(ReadyQueuesTest, OneAccountsEntriesGoInTheirOrder) {
  std::vector<Slot> pushed, popped;
  for (int i = 0; i < 10; ++i) pushed.push_back(Push(1));
  Push(2);
  for (Slot slot; (slot = queues.Pop(0)) != kNone;) {
    if (pool[slot].account == 1) popped.push_back(slot);
  }
  EXPECT_EQ(popped, pushed);
}

TEST_F(ReadyQueuesTest, BulkGivesWayAndGoesOn) {
  for (int i = 0; i < 3; ++i) Push(1, true);
  for (int i = 0; i < 20; ++i) Push(2);
  EXPECT_EQ(PopAll(), "bbbbbbbAbbbbbbbAbbbbbbA");
}

TEST_F(ReadyQueuesTest, BulkAloneTakesTurnsToo) {
  for (int i = 0; i < 3; ++i) Push(1, true);
  Push(2, true);
  EXPECT_EQ(PopAll(), "ABAA");
}

TEST_F(ReadyQueuesTest, WhatComesBackIsNext) {
  Push(2);
  Push(1);
  Push(1);
  Slot back = queues.Pop(0);
  ASSERT_EQ(pool[back].account, 2u);
  queues.Push(back, 0, true);
  EXPECT_EQ(queues.Pop(0), back) << "its account has the turn again";
  Slot first = queues.Pop(0);
  queues.Push(first, 0, true);
  EXPECT_EQ(queues.Pop(0), first) << "in front of what its account has";
}

TEST_F(ReadyQueuesTest, SitesAreApart) {
  Push(1, false, 0);
  Push(2, false, 7);
  EXPECT_EQ(queues.count(3), 0u);
  EXPECT_EQ(queues.count(99), 0u);
  EXPECT_EQ(queues.Pop(99), kNone);
  EXPECT_EQ(PopAll(0), "a");
  EXPECT_EQ(PopAll(7), "b");
}

TEST_F(ReadyQueuesTest, WhatIsSetAsideIsReadyForNobody) {
  for (int i = 0; i < 3; ++i) Push(1, false, 0);
  Slot removed = Push(2, true, 1);
  Push(3, false, 1);
  queues.SetAside();
  EXPECT_EQ(queues.count(0) + queues.count(1), 0u);
  EXPECT_EQ(queues.Pop(0), kNone);
  queues.Remove(removed);
  Slot fresh = Push(1, false, 0);
  EXPECT_EQ(queues.count(0), 1u);
  int taken = 0;
  for (Slot slot; (slot = queues.TakeSetAside()) != kNone; ++taken) EXPECT_NE(slot, fresh);
  EXPECT_EQ(taken, 4);
  EXPECT_EQ(queues.Pop(0), fresh);
}

// The same by lists that are searched.
struct Model {
  struct Turn {
    uint32_t account;
    std::list<Slot> entries;
  };
  struct Site {
    std::list<Turn> lanes[2];  // the front one is next
    uint32_t since_bulk = 0;
  };
  std::map<SiteId, Site> sites;

  void Push(SiteId site, uint32_t account, bool bulk, Slot slot, bool in_front) {
    auto& lane = sites[site].lanes[bulk];
    auto turn = std::find_if(lane.begin(), lane.end(),
                             [&](const Turn& one) { return one.account == account; });
    if (turn == lane.end()) {
      turn = lane.insert(in_front ? lane.begin() : lane.end(), Turn{account, {}});
    }
    turn->entries.insert(in_front ? turn->entries.begin() : turn->entries.end(), slot);
  }
  void Remove(Slot slot) {
    for (auto& [number, site] : sites) {
      for (auto& lane : site.lanes) {
        for (Turn& turn : lane) turn.entries.remove(slot);
        lane.remove_if([](const Turn& turn) { return turn.entries.empty(); });
      }
    }
  }
  Slot Pop(SiteId number) {
    Site& site = sites[number];
    bool both = !site.lanes[0].empty() && !site.lanes[1].empty();
    bool bulk = site.lanes[0].empty() || (both && ++site.since_bulk >= ReadyQueues::kBulkEvery);
    auto& lane = site.lanes[bulk];
    if (lane.empty()) return kNone;
    if (bulk) site.since_bulk = 0;
    Slot slot = lane.front().entries.front();
    lane.splice(lane.end(), lane, lane.begin());
    Remove(slot);
    return slot;
  }
};

TEST_F(ReadyQueuesTest, AsTheModelSays) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    EntryPool entries;
    ReadyQueues tested(&entries);
    Model model;
    std::vector<Slot> in;
    for (int step = 0; step < 2000; ++step) {
      SiteId site = static_cast<SiteId>(random.Below(3));
      if (random.Below(20) < 11 || in.empty()) {
        Slot slot = entries.Allocate();
        bool bulk = random.Below(3) == 0, in_front = random.Below(4) == 0;
        entries[slot].account = static_cast<uint32_t>(random.Below(6));
        entries[slot].flags = bulk ? kBulk : 0;
        entries[slot].state = EntryState::kReady;
        tested.Push(slot, site, in_front);
        model.Push(site, entries[slot].account, bulk, slot, in_front);
        in.push_back(slot);
        continue;
      }
      Slot gone;
      if (random.Below(4) == 0) {
        gone = in[random.Below(in.size())];
        tested.Remove(gone);
        model.Remove(gone);
      } else {
        gone = tested.Pop(site);
        ASSERT_EQ(gone, model.Pop(site)) << "seed " << seed << " step " << step;
        if (gone == kNone) continue;
      }
      std::erase(in, gone);
      entries.Free(gone);
    }
    size_t counted = tested.count(0) + tested.count(1) + tested.count(2);
    EXPECT_EQ(counted, in.size());
  }
}

}  // namespace
}  // namespace ringpost::delivery
