// Limits of shaping at work, on the simulated ring: what next hops see of connections and messages
// over time.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/delivery/shaping.h"
#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/scripted_dns.h"

namespace ringpost::session {
namespace {

using delivery::Given;
using delivery::PaceLimit;
using delivery::Setting;
using delivery::ShapingLevel;
using delivery::ShapingRule;

Given Count(Setting setting, uint32_t count) { return {setting, count, 0}; }
Given Rate(Setting setting, const char* text) { return {setting, *PaceLimit::Parse(text), 0}; }
Given Time(Setting setting, int seconds) { return {setting, Seconds(seconds), 0}; }

ShapingRule Base() {
  ShapingRule base;
  base.level = ShapingLevel::kBase;
  base.given = {Count(Setting::kConnections, 50),
                Count(Setting::kMessagesPerConnection, 0),
                Count(Setting::kRecipientsPerTransaction, 1000),
                Time(Setting::kConnectTimeout, 30),
                Time(Setting::kCommandTimeout, 0),
                Time(Setting::kIdleTimeout, 10),
                {Setting::kTls, delivery::HopTls::kOpportunistic, 0},
                {Setting::kRetry, std::vector<Seconds>{Seconds(60)}, 0},
                Time(Setting::kLifetime, 432'000),
                Time(Setting::kDelayWarning, 0)};
  return base;
}

class DispatcherShaping : public ::testing::Test {
 protected:
  DispatcherShaping() {
    rig.region.mail_lookup = &dns;
    dns.hosts = {{"mx1.big.example", "192.0.2.1"}, {"mx2.big.example", "192.0.2.2"}};
    dns.Has("one.example", {{10, "mx1.big.example"}});
    dns.Has("two.example", {{10, "mx2.big.example"}});
    dns.Has("free.example", {{10, "mx1.big.example"}, {10, "mx2.big.example"}});
  }
  // Of [[provider]] big, whose hosts these are.
  void Provider(std::vector<Given> given) {
    ShapingRule rule;
    rule.level = ShapingLevel::kProvider;
    rule.about = {.provider = "big", .mx = {"*.big.example"}};
    rule.given = std::move(given);
    rules.rules.push_back(std::move(rule));
  }
  void Domain(const char* domain, std::vector<Given> given) {
    ShapingRule rule;
    rule.level = ShapingLevel::kDomain;
    rule.about = {.domains = {domain}};
    rule.given = std::move(given);
    rules.rules.push_back(std::move(rule));
  }
  void Automate(const char* reply, uint32_t after, delivery::AutomationRule::Action action,
                std::vector<Given> changes = {}) {
    delivery::AutomationRule rule;
    rule.name = "test";
    rule.reply = reply;
    rule.after = after;
    rule.within = Seconds(after > 1 ? 60 : 0);
    rule.action = action;
    rule.changes = std::move(changes);
    rule.duration = Seconds(1800);
    rules.automations.push_back(std::move(rule));
  }
  void Begin() {
    auto table = delivery::ShapingTable::Make(Base(), rules);
    ASSERT_TRUE(table.ok()) << MessageOf(table.status());
    rig.config.shaping = *table;
    delivery::Route route;
    route.domain = "*";
    route.by_mx = true;
    rig.RouteTo(route);
  }
  void Send(const std::string& domain, int count = 1, int recipients = 1) {
    for (int i = 0; i < count; ++i) {
      Sent sent;
      sent.to.clear();
      for (int r = 0; r < recipients; ++r)
        sent.to.push_back("r" + std::to_string(r) + "@" + domain);
      rig.Send(sent);
    }
  }
  bool Delivered(size_t count) {
    return rig.RunUntil([&] { return first.messages.size() + second.messages.size() >= count; });
  }
  // The most that came in any span of that length.
  static size_t Most(std::vector<WallTime> times, Millis span) {
    std::sort(times.begin(), times.end());
    size_t most = 0;
    for (size_t begin = 0, end = 0; begin < times.size(); ++begin) {
      while (end < times.size() && times[end] < times[begin] + span) ++end;
      most = std::max(most, end - begin);
    }
    return most;
  }
  std::vector<WallTime> Times() const {
    std::vector<WallTime> times;
    for (const ScriptedHop* hop : {&first, &second}) {
      for (const HopMessage& message : hop->messages) times.push_back(message.at);
    }
    return times;
  }

  ScriptedDns dns;  // outlives the dispatcher
  delivery::ShapingRules rules;
  DispatcherRig rig{1};
  ScriptedHop first{&rig.world, "192.0.2.1:25"}, second{&rig.world, "192.0.2.2:25"};
};

TEST_F(DispatcherShaping, MessagesGoAtTheRate) {
  Provider({Rate(Setting::kMessageRate, "120/m")});
  Begin();
  WallTime begin = rig.world.wall_now();
  Send("one.example", 60);
  ASSERT_TRUE(Delivered(60));
  EXPECT_LE(Most(Times(), Seconds(10)), 20u + 2u) << "120 a minute, and a second's worth at once";
  EXPECT_LE(rig.world.wall_now() - begin, Seconds(33)) << "and no slower";
  EXPECT_GE(rig.world.wall_now() - begin, Seconds(28));
}

TEST_F(DispatcherShaping, ConnectionsAreOpenedAtTheRate) {
  Provider({Rate(Setting::kConnectionRate, "60/m"), Count(Setting::kMessagesPerConnection, 1)});
  Begin();
  Send("one.example", 30);
  ASSERT_TRUE(Delivered(30));
  EXPECT_EQ(first.connections, 30);
  EXPECT_LE(Most(first.connected_at, Seconds(10)), 11u);
}

TEST_F(DispatcherShaping, AllSitesOfAProviderCountTogether) {
  Provider({Rate(Setting::kTotalMessageRate, "60/m")});
  Begin();
  Send("one.example", 20);
  Send("two.example", 20);
  ASSERT_TRUE(Delivered(40));
  EXPECT_LE(Most(Times(), Seconds(10)), 11u);
  EXPECT_EQ(first.messages.size(), 20u);
}

TEST_F(DispatcherShaping, ASiteOfAProviderDoesNotKeepItsConnections) {
  Provider({Count(Setting::kTotalConnections, 2), Rate(Setting::kTotalMessageRate, "100/s")});
  Begin();
  delivery::SiteBudget* budget = rig.budgets.Find("provider big", 2, 1);
  uint32_t most = 0;
  for (ScriptedHop* hop : {&first, &second}) {
    hop->answer = [&](std::string_view, std::string_view) {
      most = std::max(most, budget->in_use());
      return std::string();
    };
  }
  Send("one.example", 5000);
  ASSERT_TRUE(Delivered(200));
  WallTime sent = rig.world.wall_now();
  Send("two.example");
  ASSERT_TRUE(rig.RunUntil([&] { return !second.messages.empty(); }));
  EXPECT_LE(second.messages[0].at - sent, Seconds(5)) << "it does not wait for all of the others";
  EXPECT_LT(first.messages.size(), 2000u);
  EXPECT_EQ(most, 2u);
  ASSERT_TRUE(Delivered(5001));
}

TEST_F(DispatcherShaping, WhatOneConnectionAndTransactionCarry) {
  Provider({Count(Setting::kMessagesPerConnection, 5), Count(Setting::kRecipientsPerTransaction, 3),
            Count(Setting::kConnections, 2)});
  Begin();
  Send("one.example", 20);
  ASSERT_TRUE(Delivered(20));
  EXPECT_GE(first.connections, 4);
  Send("one.example", 1, 10);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(first.messages.size(), 24u) << "ten recipients by three";
  for (const HopMessage& message : first.messages) EXPECT_LE(message.recipients.size(), 3u);
}

TEST_F(DispatcherShaping, ADomainsRuleIsItsOwn) {
  dns.Has("three.example", {{10, "mx1.big.example"}});
  Domain("one.example", {{Setting::kRetry, std::vector<Seconds>{Seconds(600)}, 0}});
  Begin();
  first.answer = [](std::string_view command, std::string_view) {
    return std::string(command == "RCPT" ? "451 4.2.0 later" : "");
  };
  Send("one.example");
  Send("three.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 2; }));
  EXPECT_EQ(rig.budgets.size(), 1u) << "it is no matter of connections";
  WallTime deferred = rig.world.wall_now();
  rig.RunFor(Seconds(120));
  first.answer = [](std::string_view, std::string_view) { return std::string(); };
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(first.messages[0].recipients[0], "r0@three.example");
  ASSERT_TRUE(Delivered(2));
  EXPECT_GE(first.messages[1].at - deferred, Seconds(595));
}

// Another account's message, and a transactional one, do not wait behind a flood.
TEST_F(DispatcherShaping, AFloodDelaysItsOwnMailAlone) {
  Provider({Rate(Setting::kMessageRate, "100/s")});
  Begin();
  Sent flood;
  flood.to = {"flood@one.example"};
  flood.account = 1;
  flood.bulk = true;
  for (int i = 0; i < 3000; ++i) rig.Send(flood);
  ASSERT_TRUE(Delivered(100));
  for (auto [account, bulk, to] :
       {std::tuple{2u, true, "turn@one.example"}, {1u, false, "reset@one.example"}}) {
    Sent one;
    one.to = {to};
    one.account = account;
    one.bulk = bulk;
    WallTime sent = rig.world.wall_now();
    rig.Send(one);
    ASSERT_TRUE(rig.RunUntil([&] { return first.Count(to) == 1; }));
    EXPECT_LE(rig.world.wall_now() - sent, Seconds(1)) << to;
    EXPECT_LT(first.messages.size(), 1000u) << to;
  }
}

using Action = delivery::AutomationRule::Action;

TEST_F(DispatcherShaping, WhatANextHopSaysHoldsItsMailBack) {
  Automate("4\\.7\\.28", 1, Action::kSuspend);
  rules.rules.clear();
  Domain("*", {{Setting::kRetry, std::vector<Seconds>{Seconds(60)}, 0}});
  Begin();
  first.answer = [](std::string_view command, std::string_view) {
    return std::string(command == "RCPT" ? "421 4.7.28 unusual rate" : "");
  };
  Send("one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("shaping_action").size() == 1; }));
  WallTime said = rig.world.wall_now();
  first.answer = [](std::string_view, std::string_view) { return std::string(); };
  Send("one.example", 5);
  Send("two.example");
  rig.RunFor(Seconds(1700));
  EXPECT_TRUE(first.messages.empty());
  EXPECT_EQ(first.connections, 1);
  EXPECT_EQ(second.messages.size(), 1u) << "it said so of nobody else";
  ASSERT_TRUE(Delivered(7));
  EXPECT_GE(first.messages[0].at - said, Seconds(1799));
  EXPECT_LE(first.messages[0].at - said, Seconds(1810));
}

TEST_F(DispatcherShaping, SoManyRepliesChangeASettingForATime) {
  Automate("too many connections", 3, Action::kNothing, {Rate(Setting::kMessageRate, "1/m")});
  Domain("*", {{Setting::kRetry, std::vector<Seconds>{Seconds(5)}, 0}});
  Begin();
  int refusals = 3;
  first.answer = [&](std::string_view command, std::string_view) {
    if (command != "MAIL" || refusals == 0) return std::string();
    --refusals;
    return std::string("451 4.4.5 too many connections");
  };
  Send("one.example", 2);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("shaping_action").size() == 1; }));
  WallTime said = rig.world.wall_now();
  Send("one.example", 40);
  rig.RunFor(Seconds(1500));
  EXPECT_LE(first.messages.size(), 27u);
  EXPECT_GE(first.messages.size(), 20u);
  ASSERT_TRUE(Delivered(42));
  EXPECT_LE(rig.world.wall_now() - said, Seconds(1900)) << "it is over after half an hour";
}

TEST_F(DispatcherShaping, NewRulesHoldAfterAReload) {
  Provider({Rate(Setting::kMessageRate, "60/m")});
  Begin();
  Send("one.example", 100);
  ASSERT_TRUE(Delivered(5));
  rules.rules.clear();
  Begin();
  WallTime reloaded = rig.world.wall_now();
  ASSERT_TRUE(Delivered(100));
  EXPECT_LE(rig.world.wall_now() - reloaded, Seconds(10));
}

}  // namespace
}  // namespace ringpost::session
