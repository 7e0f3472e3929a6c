// What waits: schedules over days, next hops that are down, restarts, deadlines, operators, a store
// that fails.
#include <gtest/gtest.h>

#include "tests/unit/session/dispatcher_rig.h"

namespace ringpost::session {
namespace {

constexpr char kHop[] = "192.0.2.1:25";
constexpr char kOther[] = "192.0.2.2:25";

std::string Refuse(std::string_view command, std::string_view) {
  return command == "MAIL" ? "451 4.3.0 later" : "";
}

int64_t AgeSeconds(const std::string& line) {
  return std::stoll(RecordingLog::Field(line, "delay_ms")) / 1000;
}

TEST(DispatcherQueueTest, RetriesFollowTheScheduleForFiveDaysAndThenItBounces) {
  DispatcherRig rig(1);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop home(&rig.world, kOther);
  hop.answer = Refuse;
  rig.Route({{"*", {kHop}}, {"example.com", {kOther}}});
  rig.Send({});
  rig.RunFor(Seconds(5 * 86'400 + 200));
  auto lines = rig.log.Of("deferred");
  int64_t steps[] = {60, 300, 900, 1800, 3600};
  int64_t last = 0;
  // 4-hourly after the first two hours: 120 h make about 30 attempts.
  ASSERT_GE(lines.size(), 28u);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(RecordingLog::Field(lines[i], "attempts"), std::to_string(i + 1));
    int64_t at = AgeSeconds(lines[i]);
    if (i > 0) {
      int64_t step = i <= 5 ? steps[i - 1] : 14'400;
      EXPECT_GE(at - last, step) << i;
      EXPECT_LE(at - last, step + step / 10 + 3) << lines[i - 1] << "\n" << lines[i];
    }
    last = at;
  }
  ASSERT_EQ(rig.log.Of("bounced").size(), 1u);
  ASSERT_EQ(home.messages.size(), 1u);
  EXPECT_NE(home.messages[0].content.find("4.4.7"), std::string::npos);
  EXPECT_TRUE(rig.Settled());
}

TEST(DispatcherQueueTest, ADownHopIsProbedOnceAndEveryMessageKeepsItsSchedule) {
  DispatcherRig rig(2);
  ScriptedHop hop(&rig.world, kHop);
  hop.SetUp(false);
  rig.Route({{"*", {kHop}}});
  for (int i = 0; i < 300; ++i) rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() >= 300; }));
  // Hundreds were deferred by a handful of connections.
  EXPECT_LE(rig.log.Of("unreachable").size(), 40u);
  hop.SetUp(true);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }, 2'000'000));
  EXPECT_EQ(hop.messages.size(), 300u);
  for (const HopMessage& message : hop.messages) EXPECT_EQ(message.recipients.size(), 1u);
}

TEST(DispatcherQueueTest, ARestartChangesNoTime) {
  for (bool power_cut : {false, true}) {
    DispatcherRig rig(3);
    ScriptedHop hop(&rig.world, kHop);
    hop.answer = Refuse;
    rig.Route({{"*", {kHop}}});
    for (int i = 0; i < 30; ++i) rig.Send({});
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() >= 30; }));
    rig.RunFor(Seconds(5));
    QueueCommand list;
    list.op = QueueCommand::Op::kList;
    auto before = rig.Ask(std::move(list)).entries;
    ASSERT_EQ(before.size(), 30u);
    rig.Restart(power_cut);
    QueueCommand again;
    again.op = QueueCommand::Op::kList;
    auto after = rig.Ask(std::move(again)).entries;
    ASSERT_EQ(after.size(), 30u);
    for (size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(before[i].id, after[i].id);
      EXPECT_EQ(before[i].next_attempt, after[i].next_attempt);
      EXPECT_EQ(before[i].attempts, after[i].attempts);
      EXPECT_EQ(after[i].last_reply, "451 4.3.0");
      EXPECT_EQ(after[i].recipients, std::vector<std::string>{"a@one.example"});
    }
    hop.answer = [](std::string_view, std::string_view) { return std::string(); };
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    EXPECT_EQ(hop.messages.size(), 30u);
  }
}

TEST(DispatcherQueueTest, WithoutARouteItWaitsForOne) {
  DispatcherRig rig(4);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"two.example", {kHop}}});
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  rig.Route({{"*", {kHop}}});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 1u);
}

TEST(DispatcherQueueTest, ADelayIsToldToWhoAskedForIt) {
  DispatcherRig rig(5);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop home(&rig.world, kOther);
  hop.answer = Refuse;
  rig.Route({{"*", {kHop}}, {"example.com", {kOther}}});
  Sent sent;
  sent.notify = smtp::kNotifyDelay;
  rig.Send(sent);
  rig.Send({});
  rig.RunFor(Seconds(20 * 3600));
  ASSERT_EQ(home.messages.size(), 1u);
  EXPECT_NE(home.messages[0].content.find("Action: delayed"), std::string::npos);
}

QueueCommand Command(QueueCommand::Op op) {
  QueueCommand command;
  command.op = op;
  return command;
}

// Recipients of one domain that failed at different times are entries of their own, which the store
// cannot tell apart once they have as many attempts. What is held of each must be stored.
TEST(DispatcherQueueTest, AHoldOfAllPartsOfADomainIsStoredForAll) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    DispatcherRig rig(seed);
    ScriptedHop hop(&rig.world, kHop);
    // The first recipient is deferred; the others wait for a connection that does not come.
    rig.config.messages_per_connection = 1;
    hop.answer = [&hop](std::string_view command, std::string_view line) -> std::string {
      if (command != "RCPT") return "";
      hop.SetListening(false);
      bool first = line.find("a@one.example") != std::string_view::npos;
      return first ? "450 4.2.1 later" : "452 4.5.3 too many recipients";
    };
    rig.Route({{"*", {kHop}}});
    MessageId id = rig.Send({.to = {"a@one.example", "b@one.example", "c@one.example"}});
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() >= 3; })) << seed;
    rig.RunFor(Seconds(2));
    QueueCommand hold = Command(QueueCommand::Op::kHold);
    hold.filter.id = id;
    EXPECT_GE(rig.Ask(std::move(hold)).affected, 1u);
    rig.Restart(/*power_cut=*/true);
    hop.answer = [](std::string_view, std::string_view) { return std::string(); };
    hop.SetListening(true);
    rig.RunFor(Seconds(20 * 3600));
    EXPECT_TRUE(hop.messages.empty()) << seed;
    QueueCommand release = Command(QueueCommand::Op::kRelease);
    release.filter.id = id;
    rig.Ask(std::move(release));
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); })) << seed;
    for (const char* recipient : {"a@one.example", "b@one.example", "c@one.example"}) {
      EXPECT_EQ(hop.Count(recipient), 1) << seed << recipient;
    }
  }
}

TEST(DispatcherQueueTest, HoldSurvivesARestartAndReleaseDelivers) {
  DispatcherRig rig(6);
  ScriptedHop hop(&rig.world, kHop);
  hop.answer = Refuse;
  rig.Route({{"*", {kHop}}});
  MessageId id = rig.Send({});
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 2; }));
  rig.RunFor(Seconds(2));
  QueueCommand hold = Command(QueueCommand::Op::kHold);
  hold.filter.id = id;
  EXPECT_EQ(rig.Ask(std::move(hold)).affected, 1u);
  hop.answer = [](std::string_view, std::string_view) { return std::string(); };
  rig.RunFor(Seconds(200));
  EXPECT_EQ(hop.messages.size(), 1u);
  rig.Restart();
  QueueCommand shown = Command(QueueCommand::Op::kShow);
  shown.filter.id = id;
  auto entries = rig.Ask(std::move(shown)).entries;
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].state, "held");
  EXPECT_EQ(entries[0].sender, "sender@example.com");
  rig.RunFor(Seconds(6 * 86'400));  // past its deadline: held is held
  EXPECT_EQ(hop.messages.size(), 1u);
  QueueCommand release = Command(QueueCommand::Op::kRelease);
  release.filter.held_only = true;
  EXPECT_EQ(rig.Ask(std::move(release)).affected, 1u);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
}

TEST(DispatcherQueueTest, DeleteBounceRetryAndSummary) {
  DispatcherRig rig(7);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop home(&rig.world, kOther);
  hop.answer = Refuse;
  rig.Route({{"*", {kHop}}, {"example.com", {kOther}}});
  for (const char* to : {"a@one.example", "b@two.example", "c@three.example"}) {
    Sent sent;
    sent.to = {to};
    rig.Send(sent);
  }
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 3; }));
  rig.RunFor(Seconds(2));
  auto rows = rig.Ask(Command(QueueCommand::Op::kSummary)).rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].domain, "one.example");
  EXPECT_EQ(rows[0].next_hop, kHop);
  EXPECT_EQ(rows[0].deferred, 1u);
  QueueCommand remove = Command(QueueCommand::Op::kDelete);
  remove.filter.recipient_domain = "ONE.example";
  EXPECT_EQ(rig.Ask(std::move(remove)).affected, 1u);
  QueueCommand bounce = Command(QueueCommand::Op::kBounce);
  bounce.filter.recipient_domain = "two.example";
  bounce.reason = "not wanted here";
  EXPECT_EQ(rig.Ask(std::move(bounce)).affected, 1u);
  ASSERT_TRUE(rig.RunUntil([&] { return home.messages.size() == 1; }));
  EXPECT_NE(home.messages[0].content.find("not wanted here"), std::string::npos);
  hop.answer = [](std::string_view, std::string_view) { return std::string(); };
  QueueCommand retry = Command(QueueCommand::Op::kRetry);
  retry.filter.sender = "sender@example.com";
  EXPECT_EQ(rig.Ask(std::move(retry)).affected, 1u);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(hop.Count("c@three.example"), 1);
  EXPECT_EQ(rig.spool.size(), 0u);
}

TEST(DispatcherQueueTest, WhatIsBeingDeliveredCountsAsRetriedAndIsLeftAloneByTheOthers) {
  DispatcherRig rig(15);
  ScriptedHop hop(&rig.world, kHop);
  bool asked = false;
  hop.answer = [&asked](std::string_view command, std::string_view) -> std::string {
    asked = asked || command == "RCPT";
    return command == "RCPT" ? "451 4.3.0 later" : "";
  };
  rig.Route({{"*", {kHop}}});
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return asked; }));
  EXPECT_EQ(rig.Ask(Command(QueueCommand::Op::kList)).entries[0].state, "delivering");
  for (auto [op, affected] :
       {std::pair(QueueCommand::Op::kHold, 0u), {QueueCommand::Op::kRetry, 1u}}) {
    asked = false;
    QueueCommand retry = Command(QueueCommand::Op::kRetry);
    rig.Ask(std::move(retry));
    ASSERT_TRUE(rig.RunUntil([&] { return asked; }));
    EXPECT_EQ(rig.Ask(Command(op)).affected, affected);
  }
}

// Its attempt has failed, or was not worth one, and the deferral is on its way to the disk when the
// operator, who has mended the next hop, says: now.
TEST(DispatcherQueueTest, ARetryOfWhatIsBeingDeferredIsNotLost) {
  DispatcherRig rig(16);
  ScriptedHop hop(&rig.world, kHop);
  bool answered = false;
  hop.answer = [&answered](std::string_view command, std::string_view) -> std::string {
    if (command != "RCPT" || std::exchange(answered, true)) return "";
    return "451 4.3.0 later";
  };
  rig.Route({{"*", {kHop}}});
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return answered; }));
  EXPECT_EQ(rig.Ask(Command(QueueCommand::Op::kRetry)).affected, 1u);
  MonoTime asked = rig.world.now();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.spool.size() == 0; }));
  EXPECT_LT(rig.world.now() - asked, Seconds(10));
  EXPECT_EQ(rig.log.Of("deferred").size(), 1u);
}

TEST(DispatcherQueueTest, SuspensionsHoldBackByDomainAndByHop) {
  DispatcherRig rig(8);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  QueueCommand suspend = Command(QueueCommand::Op::kSuspend);
  suspend.suspension.domain = "one.example";
  suspend.suspension.until = rig.world.wall_now() + Seconds(3600);
  EXPECT_EQ(rig.Ask(std::move(suspend)).affected, 1u);
  rig.Send({});
  Sent other;
  other.to = {"b@two.example"};
  rig.Send(other);
  rig.RunFor(Seconds(30));
  EXPECT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(rig.Ask(Command(QueueCommand::Op::kSuspensions)).suspensions.size(), 1u);
  EXPECT_TRUE(rig.Ask(Command(QueueCommand::Op::kSummary)).rows[0].suspended);
  rig.RunFor(Seconds(3600));  // it ends by itself
  EXPECT_EQ(hop.messages.size(), 2u);
  QueueCommand by_hop = Command(QueueCommand::Op::kSuspend);
  by_hop.suspension.next_hop = kHop;
  by_hop.suspension.until = rig.world.wall_now() + Seconds(360'000);
  rig.Ask(std::move(by_hop));
  rig.Send({});
  rig.RunFor(Seconds(600));
  EXPECT_EQ(hop.messages.size(), 2u);
  EXPECT_TRUE(rig.log.Of("deferred").empty());
  QueueCommand resume = Command(QueueCommand::Op::kResume);
  resume.suspension.next_hop = kHop;
  EXPECT_EQ(rig.Ask(std::move(resume)).affected, 1u);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 3u);
}

TEST(DispatcherQueueTest, ListComesInPagesById) {
  DispatcherRig rig(9);
  rig.Route({{"*", {kHop}}});
  for (int i = 0; i < 25; ++i) rig.Send({});
  std::vector<MessageId> seen;
  std::optional<MessageId> after;
  while (true) {
    QueueCommand list = Command(QueueCommand::Op::kList);
    list.limit = 10;
    list.after = after;
    auto entries = rig.Ask(std::move(list)).entries;
    if (entries.empty()) break;
    for (const QueueEntryView& entry : entries) seen.push_back(entry.id);
    after = seen.back();
  }
  EXPECT_EQ(seen.size(), 25u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(DispatcherQueueTest, AnOutcomeTheStoreRefusesIsKeptUntilItIsStored) {
  DispatcherRig rig(10);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  MessageId id = rig.Send({});
  bool failed = false;
  ASSERT_TRUE(rig.RunUntil([&] {
    if (!hop.messages.empty() && !failed) {
      failed = true;
      rig.spool.FailNextGroup();
    }
    return failed && rig.Settled();
  }));
  EXPECT_EQ(hop.messages.size(), 1u);
  EXPECT_FALSE(rig.spool.Has(id));
}

TEST(DispatcherQueueTest, DrainFinishesWhatIsInHandAndBeginsNothing) {
  DispatcherRig rig(11);
  ScriptedHop hop(&rig.world, kHop);
  rig.config.connections_per_site = 1;
  rig.Route({{"*", {kHop}}});
  for (int i = 0; i < 50; ++i) rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return hop.transactions_begun > 3; }));
  rig.dispatcher->BeginDrain();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.dispatcher->drained(); }));
  EXPECT_EQ(hop.messages.size() + rig.dispatcher->queued_entries(), 50u);
  EXPECT_EQ(rig.spool.size(), rig.dispatcher->queued_entries());
  rig.Restart();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 50u);
}

// Recipients of one domain that were split by 452, met again by their attempts, and were then
// deferred with the hop, without a look at the envelope.
TEST(DispatcherQueueTest, RecipientsThatWereSplitAndJoinedKeepTheirRows) {
  DispatcherRig rig(21);
  ScriptedHop hop(&rig.world, kHop);
  bool kind = false;
  hop.answer = [&](std::string_view command, std::string_view what) -> std::string {
    if (command != "RCPT" || kind) return "";
    if (what == "r1@one.example") return "452 4.5.3 too many";
    return what == "r2@one.example" ? "450 4.2.0 later" : "";
  };
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.to = {"r0@one.example", "r1@one.example", "r2@one.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() >= 4; }));
  hop.SetUp(false);
  size_t before = rig.log.Of("deferred").size();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() >= before + 3; }));
  rig.Restart();
  hop.SetUp(true);
  kind = true;
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  for (const std::string& to : sent.to) EXPECT_EQ(hop.Count(to), 1) << to;
  EXPECT_TRUE(rig.log.Of("unreadable").empty());
  EXPECT_EQ(rig.spool.size(), 0u);
}

// The part of a message that was delivered must not take the message away while the report on the
// other part is still being written, whenever the power goes.
TEST(DispatcherQueueTest, AMessageStaysUntilItsReportIsStored) {
  for (int steps = 0; steps < 300; steps += 3) {
    SCOPED_TRACE(steps);
    DispatcherRig rig(22, reactor::SimFaults::None(), {.delay_ticks_max = 20});
    ScriptedHop one(&rig.world, kHop), two(&rig.world, kOther);
    bool later = true;
    one.answer = [&](std::string_view command, std::string_view) -> std::string {
      return command == "RCPT" && later ? "450 4.2.0 later" : "";
    };
    two.answer = [&](std::string_view command, std::string_view what) -> std::string {
      if (command != "RCPT" || what == "sender@example.com") return "";
      return later ? "450 4.2.0 later" : "550 5.1.1 nobody";
    };
    rig.Route({{"one.example", {kHop}}, {"*", {kOther}}});
    Sent sent;
    sent.to = {"a@one.example", "b@two.example"};
    rig.Send(sent);
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 2; }));
    later = false;
    ASSERT_TRUE(rig.RunUntil([&] { return !rig.log.Of("bounced").empty(); }));
    int left = steps;
    rig.RunUntil([&] { return left-- == 0; });
    rig.Restart(true);
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    EXPECT_GE(one.Count("a@one.example"), 1);
    EXPECT_GE(two.Count("sender@example.com"), 1) << "nobody was told";
  }
}

TEST(DispatcherQueueTest, ADelayIsToldOnceWhateverRestarts) {
  DispatcherRig rig(23);
  ScriptedHop home(&rig.world, kOther);
  rig.config.delay_warning = Seconds(4 * 3600);
  rig.Route({{"example.com", {kOther}}, {"*", {kHop}}});
  Sent sent;
  sent.notify = smtp::kNotifyDelay;
  rig.Send(sent);
  rig.RunFor(Seconds(9 * 3600));
  ASSERT_EQ(home.messages.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    rig.Restart();
    rig.RunFor(Seconds(9 * 3600));
  }
  EXPECT_EQ(home.messages.size(), 1u);
}

// Everything goes wrong by the seed; in the end each message came out, at least once and, where
// nothing was in doubt, just once, or came back.
TEST(DispatcherSeedsTest, NothingIsLostOverHundredSeeds) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    // Temporary failures and a hop that is down now and then, but nothing that leaves a doubt.
    bool orderly = seed % 4 == 1;
    storage::MemorySpoolFaults spool_faults;
    spool_faults.io_error_one_in = seed % 3 == 0 && !orderly ? 40 : 0;
    DispatcherRig rig(seed, seed % 2 ? reactor::SimFaults::Rough() : reactor::SimFaults::Hostile(),
                      spool_faults);
    ScriptedHop hop(&rig.world, kHop);
    ScriptedHop other(&rig.world, kOther);
    Random random(seed);
    bool kind = false;
    auto answer = [&](std::string_view command, std::string_view) -> std::string {
      if (kind) return "";
      if (command == "RCPT" && random.OneIn(4)) {
        return random.OneIn(2) ? "452 4.5.3 too many" : "450 4.2.0 later";
      }
      if (orderly) return random.OneIn(30) ? "451 4.3.0 later" : "";
      switch (random.Below(command == "." ? 25 : 60)) {
        case 0:
          return "drop";
        case 1:
          return "421 4.3.2 busy";
        case 2:
          return "451 4.3.0 later";
        case 3:
          return random.OneIn(5) ? "silence" : "";
        default:
          return "";
      }
    };
    hop.answer = other.answer = answer;
    if (seed % 4 == 0) hop.extensions = {"LIMITS RCPTMAX=2"};
    rig.Route({{"*", {kHop}}, {"two.example", {kOther, kHop}}});
    std::vector<std::string> all;
    for (int i = 0; i < 12; ++i) {
      Sent sent;
      sent.to.clear();
      for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
        std::string to =
            "r" + std::to_string(all.size()) + (random.OneIn(2) ? "@one.example" : "@two.example");
        sent.to.push_back(to);
        all.push_back(to);
      }
      rig.Send(sent);
      if (random.OneIn(4)) rig.RunFor(Millis(random.Below(2000)));
      if (random.OneIn(9)) rig.Restart(random.OneIn(2) && !orderly);
    }
    for (int i = 0; i < 6; ++i) {
      hop.SetListening(i % 2 != 0);
      rig.RunFor(Seconds(random.Below(400)));
    }
    rig.RunFor(Seconds(600));
    kind = true;
    rig.world.faults() = reactor::SimFaults::None();
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }, 3'000'000)) << "seed " << seed;
    for (const std::string& to : all) {
      int count = hop.Count(to) + other.Count(to);
      EXPECT_GE(count, 1) << "seed " << seed << ": " << to;
      if (orderly) {
        EXPECT_EQ(count, 1) << "seed " << seed << ": " << to;
      }
    }
    for (const std::string& line : rig.log.Of("bounced")) {
      ADD_FAILURE() << "seed " << seed << ": " << line;
    }
    EXPECT_EQ(rig.spool.size(), 0u) << "seed " << seed;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ringpost::session
