// The schedule against a plain model over many seeds, and what it costs in memory.
#include "gateway/delivery/schedule.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <set>

#include "gateway/base/random.h"

namespace ringpost::delivery {
namespace {

const WallTime kStart = WallFromMillis(1'790'000'000'000);

// Site 0 for everything but domains that begin with "b": site 1.
class ScheduleTest : public ::testing::Test {
 protected:
  ScheduleTest()
      : schedule(kStart, [this](std::string_view domain) {
          return domain.starts_with('b') != swapped ? 1 : 0;
        }) {
    schedule.AddSite();
    schedule.AddSite();
  }

  Slot Add(const MessageId& id, std::string_view domain, WallTime due,
           WallTime deadline = kStart + Seconds(5 * 86'400)) {
    NewEntry entry;
    entry.id = id;
    entry.domain = domain;
    entry.due = due;
    entry.deadline = deadline;
    entry.recipients = 1;
    return schedule.Add(entry, now);
  }
  MessageId NewId() { return MessageId::Make(now, 0, random); }
  std::vector<Slot> PopAll(SiteId site) {
    std::vector<Slot> slots;
    for (Slot slot; (slot = schedule.PopReady(site)) != kNone;) slots.push_back(slot);
    return slots;
  }
  // Advances in steps of `step` and says when `slot` became ready.
  WallTime ReadyAt(Slot slot, Millis step, WallTime until) {
    for (; now < until; now += step) {
      while (schedule.Advance(now, 100)) {
      }
      if (schedule[slot].state == EntryState::kReady) return now;
    }
    return WallTime::max();
  }

  Random random{7};
  WallTime now = kStart;
  bool swapped = false;
  Schedule schedule;
};

TEST_F(ScheduleTest, WhatIsDueIsReadyInOrderOfArrival) {
  Slot first = Add(NewId(), "a.example", now);
  Slot second = Add(NewId(), "c.example", now);
  Slot other = Add(NewId(), "b.example", now);
  EXPECT_EQ(PopAll(0), (std::vector<Slot>{first, second}));
  EXPECT_EQ(PopAll(1), std::vector<Slot>{other});
  EXPECT_EQ(schedule[first].state, EntryState::kInHand);
}

// The answer of `route` may be a site that it has just added, and more sites need more room: both
// where PopReady meets an entry of old routes and where Advance deals them.
TEST_F(ScheduleTest, NewRoutesMayAddSites) {
  for (bool pop : {true, false}) {
    SiteId fresh = 0;
    bool new_routes = false;
    Schedule routed(kStart, [&](std::string_view) -> SiteId {
      if (new_routes) fresh = routed.AddSite();
      return fresh;
    });
    routed.AddSite();
    for (const char* domain : {"a.example", "b.example", "c.example", "d.example", "e.example"}) {
      NewEntry entry{.id = NewId(), .domain = domain, .due = now, .deadline = now + Seconds(60)};
      entry.recipients = 1;
      routed.Add(entry, now);
    }
    new_routes = true;
    routed.Reroute();
    if (pop) {
      EXPECT_EQ(routed.PopReady(0), kNone);
    }
    while (routed.Advance(now, 2)) {
    }
    EXPECT_EQ(routed.ready(0), 0u);
    EXPECT_EQ(fresh, 5u);
    for (SiteId site = 1; site <= fresh; ++site) EXPECT_NE(routed.PopReady(site), kNone) << site;
  }
}

TEST_F(ScheduleTest, AnEntryComesAtItsTimeAndNeverBefore) {
  for (int64_t wait : {1, 59, 3600, 4 * 3600, 200'000, 1'000'000}) {
    WallTime due = now + Seconds(wait) + Millis(1);
    Slot slot = Add(NewId(), "a.example", due, now + Seconds(wait * 2 + 3600));
    WallTime ready = ReadyAt(slot, Millis(wait > 10'000 ? 700'000 : 400), due + Seconds(3600));
    EXPECT_GE(ready, due) << wait;
    EXPECT_LE(ready, due + Seconds(wait > 10'000 ? 701 : 2)) << wait;
    schedule.Remove(slot);
  }
}

TEST_F(ScheduleTest, AClockSetBackOnlyDelays) {
  Slot slot = Add(NewId(), "a.example", now + Seconds(60));
  now += Seconds(30);
  schedule.Advance(now, 100);
  now -= Seconds(3600);
  schedule.Advance(now, 100);
  EXPECT_EQ(schedule[slot].state, EntryState::kWaiting);
  EXPECT_EQ(ReadyAt(slot, Millis(500), kStart + Seconds(120)), kStart + Seconds(60));
}

TEST_F(ScheduleTest, TheDeadlineFindsAnEntryWhereverItSits) {
  WallTime deadline = now + Seconds(600);
  Slot waiting = Add(NewId(), "a.example", now + Seconds(7200), deadline);
  Slot ready = Add(NewId(), "a.example", now, deadline);
  schedule.SuspendDomain("c.example");
  Slot parked = Add(NewId(), "c.example", now, deadline);
  Slot held = Add(NewId(), "a.example", now + Seconds(5), deadline);
  schedule.Take(held);
  schedule.Hold(held);
  Slot in_hand = Add(NewId(), "b.example", now, deadline);
  EXPECT_EQ(schedule.PopReady(1), in_hand);
  std::set<Slot> expired;
  for (; now < kStart + Seconds(700); now += Seconds(1)) {
    uint32_t budget = 100;
    for (Slot slot; (slot = schedule.TakeExpired(now, &budget)) != kNone;) {
      EXPECT_GE(now, deadline);
      EXPECT_TRUE(expired.insert(slot).second);
    }
  }
  EXPECT_EQ(expired, (std::set<Slot>{waiting, ready, parked}));
  // What was in hand is found once it is back.
  schedule.MakeReady(in_hand, false);
  now += Seconds(120);
  uint32_t budget = 100;
  EXPECT_EQ(schedule.TakeExpired(now, &budget), in_hand);
}

TEST_F(ScheduleTest, SiblingsForOneSiteAreTakenTogether) {
  MessageId id = NewId();
  Slot a = Add(id, "a.example", now);
  Slot b = Add(id, "b.example", now);
  Slot c = Add(id, "c.example", now);
  Slot later = Add(id, "d.example", now + Seconds(60));
  ASSERT_EQ(schedule.PopReady(0), a);
  std::vector<Slot> siblings;
  schedule.TakeSiblings(a, &siblings);
  EXPECT_EQ(siblings, std::vector<Slot>{c});
  EXPECT_EQ(schedule.PopReady(0), kNone);
  EXPECT_EQ(schedule.PopReady(1), b);
  for (Slot slot : {a, b, later}) schedule.Remove(slot);
  EXPECT_EQ(schedule.Find(id), c);
  schedule.Remove(c);
  EXPECT_EQ(schedule.Find(id), kNone);
}

TEST_F(ScheduleTest, ASuspendedDomainWaitsAndComesBack) {
  Slot before = Add(NewId(), "a.example", now);
  schedule.SuspendDomain("a.example");
  Slot after = Add(NewId(), "a.example", now);
  Slot other = Add(NewId(), "c.example", now);
  EXPECT_EQ(PopAll(0), std::vector<Slot>{other});
  EXPECT_EQ(schedule[before].state, EntryState::kParked);
  // Resumed and suspended again before the step: still held back.
  schedule.ResumeDomain("a.example");
  schedule.SuspendDomain("a.example");
  schedule.Advance(now, 100);
  EXPECT_TRUE(PopAll(0).empty());
  schedule.Remove(after);
  schedule.ResumeDomain("a.example");
  schedule.Advance(now, 100);
  EXPECT_EQ(PopAll(0), std::vector<Slot>{before});
}

// --- Sites that are not known at once

TEST(AskingSchedule, WhatIsAskedForWaitsUntilItIsSettled) {
  WallTime now = kStart;
  Random random(3);
  std::vector<std::string> asked;
  Schedule schedule(now, [&](std::string_view domain) {
    asked.emplace_back(domain);
    return kNone;
  });
  SiteId site = schedule.AddSite();
  auto add = [&](const char* domain) {
    NewEntry entry;
    entry.id = MessageId::Make(now, 0, random);
    entry.domain = domain;
    entry.due = now;
    entry.deadline = now + Seconds(5000);
    entry.recipients = 1;
    return schedule.Add(entry, now);
  };
  auto advance = [&] {
    while (schedule.Advance(now, 100)) {
    }
  };
  Slot first = add("a.example"), second = add("a.example"), other = add("c.example");
  EXPECT_EQ(asked, (std::vector<std::string>{"a.example", "c.example"})) << "once each";
  EXPECT_EQ(schedule[first].state, EntryState::kParked);
  EXPECT_EQ(schedule.SiteOf(first), kNone);
  EXPECT_TRUE(schedule.Asks("a.example"));
  EXPECT_TRUE(schedule.SiteUnused(site));

  schedule.Settle("a.example", site, now + Seconds(60), false);
  schedule.Settle("nobody.example", site, now + Seconds(60), false);
  advance();
  EXPECT_FALSE(schedule.Asks("a.example"));
  EXPECT_FALSE(schedule.SiteUnused(site));
  EXPECT_EQ(schedule.PopReady(site), first);
  EXPECT_EQ(schedule.PopReady(site), second);
  EXPECT_EQ(schedule.PopReady(site), kNone);
  EXPECT_EQ(schedule[other].state, EntryState::kParked);

  // Good for a minute: then it is asked for again, by what is ready then.
  now += Seconds(59);
  Slot third = add("a.example");
  EXPECT_EQ(asked.size(), 2u);
  now += Seconds(1);
  advance();
  EXPECT_EQ(schedule.PopReady(site), kNone) << "what was ready is parked as well";
  EXPECT_EQ(schedule[third].state, EntryState::kParked);
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_EQ(schedule.LastSiteOf("a.example"), site);
  EXPECT_EQ(schedule.KnownSiteOf(third), site);

  // Suspended meanwhile: it waits for both.
  schedule.SuspendDomain("a.example");
  schedule.Settle("a.example", site, now + Seconds(60), true);
  advance();
  EXPECT_EQ(schedule.PopReady(site), kNone);
  schedule.ResumeDomain("a.example");
  advance();
  EXPECT_EQ(schedule.PopReady(site), third);
  // What was good is so while it is asked for again; then mail goes where it is said to.
  now += Seconds(61);
  Slot fourth = add("a.example");
  EXPECT_EQ(asked.size(), 4u);
  EXPECT_TRUE(schedule.Asks("a.example"));
  EXPECT_EQ(schedule.SiteOf(fourth), site);
  SiteId another = schedule.AddSite();
  schedule.Settle("a.example", another, now + Seconds(60), true);
  EXPECT_EQ(schedule.PopReady(site), kNone) << "it was ready there";
  EXPECT_EQ(schedule.PopReady(another), fourth);
  schedule.SuspendDomain("c.example");
  schedule.ResumeDomain("c.example");
  advance();
  EXPECT_EQ(schedule[other].state, EntryState::kParked) << "resumed, and not known yet";
}

TEST(AskingSchedule, ASiteWithoutDomainsCanGo) {
  WallTime now = kStart;
  Random random(3);
  Schedule schedule(now, [](std::string_view) { return kNone; });
  SiteId stays = schedule.AddSite(), goes = schedule.AddSite();
  NewEntry entry;
  entry.id = MessageId::Make(now, 0, random);
  entry.domain = "a.example";
  entry.due = now;
  entry.deadline = now + Seconds(5000);
  Slot slot = schedule.Add(entry, now);
  schedule.Settle("a.example", goes, now + Seconds(60), false);
  EXPECT_FALSE(schedule.SiteUnused(goes));
  EXPECT_TRUE(schedule.SiteUnused(stays));
  while (schedule.Advance(now, 100)) {
  }
  EXPECT_EQ(schedule.TakeTouchedSites(), std::vector<SiteId>{goes});
  now += Seconds(60);
  schedule.Advance(now, 100);
  EXPECT_EQ(schedule.PopReady(goes), kNone);
  schedule.Settle("a.example", stays, now + Seconds(60), false);
  EXPECT_TRUE(schedule.SiteUnused(goes));
  schedule.RemoveSite(goes);
  EXPECT_EQ(schedule.AddSite(), goes);
  while (schedule.Advance(now, 100)) {
  }
  EXPECT_EQ(schedule.PopReady(stays), slot);
  schedule.Reroute();
  EXPECT_TRUE(schedule.SiteUnused(goes));
}

TEST_F(ScheduleTest, NewRoutesMoveWhatIsReady) {
  Slot slot = Add(NewId(), "b.example", now);
  swapped = true;
  schedule.Reroute();
  EXPECT_TRUE(schedule.PopReady(0) == kNone || schedule[slot].state == EntryState::kInHand);
  while (schedule.Advance(now, 100)) {
  }
  if (schedule[slot].state == EntryState::kReady) {
    EXPECT_EQ(schedule.PopReady(0), slot);
  }
  EXPECT_EQ(schedule.SiteOf(slot), 0u);
}

TEST_F(ScheduleTest, SplitSharesTheRecipients) {
  MessageId id = NewId();
  Slot slot = Add(id, "a.example", now);
  schedule[slot].recipients = 5;
  ASSERT_EQ(schedule.PopReady(0), slot);
  Slot second = schedule.Split(slot, 2);
  EXPECT_EQ(schedule[slot].recipients, 3u);
  EXPECT_EQ(schedule[second].recipients, 2u);
  schedule.MakeReady(second, true);
  schedule.Defer(slot, now + Seconds(60));
  EXPECT_EQ(schedule.PopReady(0), second);
  schedule.Remove(second);
  schedule.Remove(slot);
  EXPECT_EQ(schedule.size(), 0u);
}

// Every operation in random order, against sets that say where each entry must be.
TEST(ScheduleModelTest, AgreesWithAPlainModel) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    WallTime now = kStart;
    // Of e and f it has to be asked elsewhere.
    Schedule schedule(now, [](std::string_view domain) {
      return domain[0] >= 'e' ? kNone : static_cast<SiteId>(domain[0] & 1);
    });
    schedule.AddSite();
    schedule.AddSite();
    std::map<Slot, MessageId> in_hand, queued, held;
    std::vector<MessageId> ids;
    for (int step = 0; step < 2000; ++step) {
      uint64_t what = random.Below(11);
      if (what < 3) {
        bool again = !ids.empty() && random.OneIn(3);
        MessageId id = again ? ids[random.Below(ids.size())] : MessageId::Make(now, 0, random);
        ids.push_back(id);
        NewEntry entry;
        entry.id = id;
        std::string domain = std::string(1, static_cast<char>('a' + random.Below(6))) + ".example";
        entry.domain = domain;
        entry.due = now + Seconds(random.Below(300));
        entry.deadline = now + Seconds(60 + random.Below(3000));
        queued[schedule.Add(entry, now)] = id;
      } else if (what < 5) {
        Slot slot = schedule.PopReady(static_cast<SiteId>(random.Below(2)));
        if (slot != kNone) {
          ASSERT_TRUE(queued.count(slot)) << seed;
          in_hand.insert(queued.extract(slot));
        }
      } else if (what == 5 && !in_hand.empty()) {
        auto node = in_hand.extract(in_hand.begin());
        switch (random.Below(4)) {
          case 0:
            schedule.Remove(node.key());
            break;
          case 1:
            schedule.Defer(node.key(), now + Seconds(random.Below(500)));
            queued.insert(std::move(node));
            break;
          case 2:
            schedule.MakeReady(node.key(), random.OneIn(2));
            queued.insert(std::move(node));
            break;
          default:
            schedule.Hold(node.key());
            held.insert(std::move(node));
        }
      } else if (what == 6 && !queued.empty()) {
        auto at = std::next(queued.begin(), static_cast<int>(random.Below(queued.size())));
        if (random.OneIn(2)) {
          schedule.Remove(at->first);
          queued.erase(at);
        } else {
          ASSERT_TRUE(schedule.Take(at->first));
          in_hand.insert(queued.extract(at));
        }
      } else if (what == 7 && !held.empty()) {
        ASSERT_TRUE(schedule.Take(held.begin()->first));
        in_hand.insert(held.extract(held.begin()));
      } else if (what == 8) {
        now += Seconds(random.Below(40));
        schedule.Advance(now, 1 + static_cast<uint32_t>(random.Below(50)));
        uint32_t budget = 50;
        Slot slot = schedule.TakeExpired(now, &budget);
        if (slot != kNone) {
          ASSERT_TRUE(queued.count(slot)) << seed;
          in_hand.insert(queued.extract(slot));
        }
      } else if (what == 9) {
        std::string domain = std::string(1, static_cast<char>('a' + random.Below(6))) + ".example";
        if (random.OneIn(2)) {
          schedule.SuspendDomain(domain);
        } else {
          schedule.ResumeDomain(domain);
        }
        if (random.OneIn(10)) schedule.Reroute();
      } else if (what == 10) {
        schedule.Settle(random.OneIn(2) ? "e.example" : "f.example",
                        static_cast<SiteId>(random.Below(2)), now + Seconds(random.Below(60)),
                        random.OneIn(2));
      }
    }
    ASSERT_EQ(schedule.size(), in_hand.size() + queued.size() + held.size()) << seed;
    // All of it comes out in the end.
    for (char c = 'a'; c < 'g'; ++c) schedule.ResumeDomain(std::string(1, c) + ".example");
    for (auto* set : {&in_hand, &held}) {
      for (auto& [slot, id] : *set) schedule.Remove(slot);
    }
    now += Seconds(4000);
    while (schedule.Advance(now, 1000)) {
    }
    size_t out = 0;
    // What was ready at a site that is good no longer is asked for when it is wanted.
    for (SiteId site : {0u, 1u, 0u, 1u}) {
      schedule.Settle("e.example", 0, now + Seconds(60), false);
      schedule.Settle("f.example", 1, now + Seconds(60), false);
      while (schedule.Advance(now, 1000)) {
      }
      for (Slot slot; (slot = schedule.PopReady(site)) != kNone; ++out) {
        ASSERT_TRUE(queued.count(slot)) << seed;
        ASSERT_EQ(schedule[slot].id, queued[slot]);
        schedule.Remove(slot);
      }
    }
    ASSERT_EQ(out, queued.size()) << seed;
    for (const MessageId& id : ids) ASSERT_EQ(schedule.Find(id), kNone);
  }
}

// 1,000,000 messages over 100,000 domains: at most 200 bytes each, by our own count and, where the
// allocator is the real one, by its.
TEST(ScheduleMemoryTest, AMillionEntriesFitTheirBudget) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr uint32_t kEntries = 100'000;
#else
  constexpr uint32_t kEntries = 1'000'000;
#endif
  [[maybe_unused]] struct mallinfo2 before = mallinfo2();
  Random random(1);
  auto schedule = std::make_unique<Schedule>(kStart, [](std::string_view) { return 0u; });
  schedule->AddSite();
  for (uint32_t i = 0; i < kEntries; ++i) {
    std::string domain = "customer-" + std::to_string(i % (kEntries / 10)) + ".mail.example.com";
    NewEntry entry;
    entry.id = MessageId::Make(kStart, 0, random);
    entry.domain = domain;
    entry.due = kStart + Seconds(60 + i % 4000);
    entry.deadline = kStart + Seconds(5 * 86'400);
    entry.recipients = 1;
    schedule->Add(entry, kStart);
  }
  uint64_t counted = schedule->memory_bytes() / kEntries;
  RecordProperty("counted_bytes_per_entry", static_cast<int>(counted));
  EXPECT_LE(counted, 200u);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  struct mallinfo2 after = mallinfo2();
  uint64_t real = (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / kEntries;
  std::printf("bytes per entry: %lu counted, %lu from the allocator\n", counted, real);
  EXPECT_LE(real, 200u);
#endif
}

}  // namespace
}  // namespace ringpost::delivery
