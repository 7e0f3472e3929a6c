#include "gateway/delivery/shaping_automation.h"

#include <gtest/gtest.h>

#include "gateway/delivery/shaping_limits.h"

namespace ringpost::delivery {
namespace {

using Action = AutomationRule::Action;
using Over = AutomationRule::Over;
using Hosts = std::vector<std::string>;

const Hosts kBigHosts = {"mx.big.example"};

AutomationRule Rule(const char* name, const char* reply) {
  AutomationRule rule;
  rule.name = name;
  rule.reply = reply;
  rule.origin = {std::string("automation ") + name, "shaping.toml", 7};
  rule.action = Action::kSuspend;
  rule.duration = Seconds(3600);
  return rule;
}

std::shared_ptr<const ShapingTable> Make(std::vector<AutomationRule> automations) {
  ShapingRule base;
  base.level = ShapingLevel::kBase;
  base.given = {{Setting::kConnections, 50u, 0}};
  ShapingRule provider;
  provider.level = ShapingLevel::kProvider;
  provider.about = {.provider = "big", .mx = {"*.big.example"}};
  auto made = ShapingTable::Make(base, {{provider}, std::move(automations)});
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  return made.ok() ? *made : nullptr;
}

MonoTime At(int64_t seconds) { return MonoTime(Seconds(seconds)); }

// One site of the provider's, one account.
struct Watch {
  explicit Watch(std::vector<AutomationRule> rules) : automation(Make(std::move(rules))) {}
  std::vector<ShapingAction> See(std::string text, int64_t seconds,
                                 std::string_view account = "acme", std::string_view site = "big",
                                 uint16_t code = 421) {
    return automation.Observe({"example.com", kBigHosts, "", account}, {site, "big", "", account},
                              {code, {}, std::move(text)}, At(seconds));
  }
  ShapingAutomation automation;
};

TEST(ReplyAsMatchedTest, IsOneLineWithItsCodes) {
  EXPECT_EQ(ReplyAsMatched({421, {4, 7, 28}, "slow\ndown"}), "421 4.7.28 slow down");
  EXPECT_EQ(ReplyAsMatched({550, {}, "no"}), "550 no");
  EXPECT_EQ(ReplyAsMatched({421, {}, std::string(100'000, 'x')}).size(),
            limits::kReplyMatchedBytesMax);
}

TEST(AutomationTest, ActsAtOnce) {
  Watch watch({Rule("busy", R"(^421 .*too (many|much))")});
  EXPECT_TRUE(watch.See("hello", 0).empty());
  std::vector<ShapingAction> actions = watch.See("way too much", 10);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(actions[0].suspends_site());
  EXPECT_EQ(actions[0].until, At(3610));
  EXPECT_EQ(actions[0].rule->origin.name, "automation busy");
  EXPECT_EQ(actions[0].rule->origin.line, 7u);
}

TEST(AutomationTest, ActsAfterSoManyInThePeriodAndNotBefore) {
  AutomationRule rule = Rule("busy", "busy");
  rule.after = 3;
  rule.within = Seconds(60);
  Watch watch({rule});
  EXPECT_TRUE(watch.See("busy", 0).empty());
  EXPECT_TRUE(watch.See("busy", 30).empty());
  EXPECT_TRUE(watch.See("busy", 60).empty());  // the first is a period old
  EXPECT_TRUE(watch.See("fine", 61).empty());
  EXPECT_EQ(watch.See("busy", 89).size(), 1u);  // 30, 60, 89
}

TEST(AutomationTest, DoesNotActAgainWhileInForceAndCountsAnewThen) {
  AutomationRule rule = Rule("busy", "busy");
  rule.after = 2;
  rule.within = Seconds(60);
  rule.duration = Seconds(100);
  Watch watch({rule});
  watch.See("busy", 0);
  EXPECT_EQ(watch.See("busy", 1).size(), 1u);  // until 101
  for (int64_t at = 2; at < 101; ++at) EXPECT_TRUE(watch.See("busy", at).empty()) << at;
  EXPECT_TRUE(watch.See("busy", 101).empty());
  EXPECT_EQ(watch.See("busy", 102).size(), 1u);
}

TEST(AutomationTest, CountsEachSiteAndEachAccountByItself) {
  AutomationRule of_site = Rule("site", "busy");
  of_site.after = 2;
  of_site.within = Seconds(60);
  AutomationRule of_account = Rule("account", "complaints");
  of_account.action = Action::kSuspendAccount;
  of_account.over = Over::kAccount;
  of_account.after = 2;
  of_account.within = Seconds(60);
  Watch watch({of_site, of_account});
  EXPECT_TRUE(watch.See("busy", 0, "acme", "one").empty());
  EXPECT_TRUE(watch.See("busy", 1, "acme", "two").empty());
  EXPECT_EQ(watch.See("busy", 2, "other", "one").size(), 1u);
  EXPECT_TRUE(watch.See("complaints", 3, "acme").empty());
  EXPECT_TRUE(watch.See("complaints", 4, "other").empty());
  std::vector<ShapingAction> actions = watch.See("complaints", 5, "acme");
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(actions[0].suspends_account());
  EXPECT_EQ(watch.See("complaints", 6, "other").size(), 1u);
  // Mail of no account is nobody's.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(watch.See("complaints", 7, "").empty());
}

TEST(AutomationTest, CountsAProviderOverItsSites) {
  AutomationRule rule = Rule("provider", "busy");
  rule.about.provider = "big";
  rule.over = Over::kProvider;
  rule.after = 2;
  rule.within = Seconds(60);
  Watch watch({rule});
  EXPECT_TRUE(watch.See("busy", 0, "a", "one").empty());
  EXPECT_EQ(watch.See("busy", 1, "b", "two").size(), 1u);
  // What a host says that is not the provider's alone is not heard.
  Hosts mixed = {"mx.big.example", "mx.stranger.example"};
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(watch.automation
                    .Observe({"example.net", mixed, "", ""}, {"mixed", "", "", ""},
                             {421, {}, "busy"}, At(10'000 + i))
                    .empty());
  }
}

TEST(AutomationTest, AFileBeforeReplacesByName) {
  AutomationRule own = Rule("busy", "busy");
  own.origin.file = "own.toml";
  own.duration = Seconds(5);
  AutomationRule nothing = Rule("never", "never");
  nothing.origin.file = "own.toml";
  nothing.action = Action::kNothing;
  Watch watch({own, nothing, Rule("busy", "busy"), Rule("never", "never")});
  std::vector<ShapingAction> actions = watch.See("busy never", 0);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].until, At(5));
  auto twice = ShapingTable::Make({}, {{}, {Rule("busy", "a"), Rule("busy", "b")}});
  EXPECT_FALSE(twice.ok());
}

TEST(AutomationTest, HostileTextIsOnlyMatched) {
  Watch watch({Rule("slow", R"((a+)+$)"), Rule("greedy", R"((.*)(.*)(.*)(.*)x{50}y)"),
               Rule("bytes", "\\xff")});
  std::string text(100'000, 'a');
  EXPECT_EQ(watch.See(text, 0).size(), 1u);
  EXPECT_TRUE(watch.See(std::string(2000, '\0') + "\xff", 1).empty());  // beyond what is looked at
  EXPECT_EQ(watch.See(std::string("\0\x80\xff", 3), 2).size(), 1u);
  AutomationRule wrong = Rule("wrong", "(unclosed");
  EXPECT_FALSE(ShapingTable::Make({}, {{}, {wrong}}).ok());
  wrong.reply = "(((((a{100}){100}){100}";
  EXPECT_FALSE(ShapingTable::Make({}, {{}, {wrong}}).ok());
  wrong.reply = "";
  EXPECT_FALSE(ShapingTable::Make({}, {{}, {wrong}}).ok());
}

TEST(AutomationTest, PlacesAreBoundedAndTheOldestIsForgotten) {
  AutomationRule rule = Rule("busy", "busy");
  rule.after = 2;
  rule.within = Seconds(100'000);
  Watch watch({rule});
  watch.See("busy", 0, "", "first");
  watch.See("busy", 0, "", "second");
  for (size_t i = 0; i < limits::kAutomationPlacesMax - 2; ++i) {
    watch.See("busy", 1, "", "site " + std::to_string(i));
  }
  EXPECT_EQ(watch.See("busy", 2, "", "first").size(), 1u);  // is known, and the newest now
  watch.See("busy", 3, "", "one more");
  EXPECT_EQ(watch.automation.places(), limits::kAutomationPlacesMax);
  EXPECT_TRUE(watch.See("busy", 4, "", "second").empty());
  EXPECT_EQ(watch.See("busy", 5, "", "one more").size(), 1u);
}

TEST(AutomationTest, AReloadGoesOnCounting) {
  AutomationRule rule = Rule("busy", "busy");
  rule.after = 2;
  rule.within = Seconds(60);
  Watch watch({rule});
  watch.See("busy", 0);
  watch.automation.Reload(Make({Rule("other", "other"), rule}));
  std::vector<ShapingAction> actions = watch.See("busy", 1);
  ASSERT_EQ(actions.size(), 1u);
  watch.automation.Reload(Make({}));
  EXPECT_EQ(actions[0].rule->name, "busy");  // lives as long as the action
}

class InForceTest : public testing::Test {
 protected:
  ShapingPlace place_{"site", "big", "", "acme"};
  ActionsInForce in_force_;

  Shaping Adjusted(const ShapingTable& table, const ShapingPlace& place, int64_t seconds) {
    Shaping shaping = table.For({"example.com", kBigHosts, "", place.account});
    in_force_.Adjust(place, At(seconds), &shaping);
    return shaping;
  }
};

TEST_F(InForceTest, ChangesHoldForTheirTimeAndPlace) {
  AutomationRule rule = Rule("slow", "slow");
  rule.action = Action::kNothing;
  rule.changes = {{Setting::kConnections, 1u, 3},
                  {Setting::kMessageRate, *PaceLimit::Parse("1/m"), 3}};
  rule.duration = Seconds(60);
  AutomationRule milder = rule;
  milder.name = "milder";
  milder.changes = {{Setting::kConnections, 2u, 3}};
  milder.duration = Seconds(600);
  Watch watch({rule, milder});
  auto table = Make({});
  for (ShapingAction& one : watch.See("slow", 0, "acme", "site")) {
    EXPECT_TRUE(in_force_.Add(std::move(one), At(0)));
  }
  EXPECT_EQ(in_force_.size(), 2u);
  EXPECT_EQ(in_force_.next_end(), At(60));
  EXPECT_EQ(Adjusted(*table, place_, 59).connections(), 1u);
  EXPECT_EQ(Adjusted(*table, place_, 59)[Setting::kConnections].origin->name, "automation slow");
  EXPECT_EQ(Adjusted(*table, {"elsewhere", "big", "", ""}, 59).connections(), 50u);
  EXPECT_EQ(Adjusted(*table, {"site", "big", "other-source", ""}, 59).connections(), 50u);
  Shaping later = Adjusted(*table, place_, 60);
  EXPECT_EQ(later.connections(), 2u);
  EXPECT_FALSE(later.message_rate().limited());
  EXPECT_EQ(Adjusted(*table, place_, 600).connections(), 50u);
  EXPECT_EQ(in_force_.size(), 0u);
  EXPECT_EQ(in_force_.next_end(), MonoTime::max());
}

TEST_F(InForceTest, SuspensionsOfSiteAccountAndProvider) {
  AutomationRule account = Rule("account", "complaints");
  account.action = Action::kSuspendAccount;
  account.over = Over::kAccount;
  AutomationRule provider = Rule("provider", "all of you");
  provider.about.provider = "big";
  provider.over = Over::kProvider;
  provider.duration = Seconds(10);
  Watch watch({account, provider});
  for (ShapingAction& one : watch.See("complaints", 0, "acme", "site")) {
    in_force_.Add(std::move(one), At(0));
  }
  ASSERT_NE(in_force_.Suspension(place_, At(1)), nullptr);
  EXPECT_EQ(in_force_.Suspension({"site", "big", "", "other"}, At(1)), nullptr);
  EXPECT_EQ(in_force_.Suspension({"site", "big", "", ""}, At(1)), nullptr);
  EXPECT_EQ(in_force_.Suspension({"elsewhere", "big", "", "acme"}, At(1)), nullptr);
  EXPECT_EQ(in_force_.Suspension(place_, At(3600)), nullptr);
  for (ShapingAction& one : watch.See("all of you", 2, "", "site")) {
    in_force_.Add(std::move(one), At(2));
  }
  ASSERT_NE(in_force_.Suspension({"elsewhere", "big", "", "other"}, At(11)), nullptr);
  EXPECT_EQ(in_force_.Suspension({"elsewhere", "big", "", "other"}, At(12)), nullptr);
  EXPECT_EQ(in_force_.Suspension(place_, At(3))->rule->name, "account");  // ends last
}

TEST_F(InForceTest, IsBounded) {
  AutomationRule rule = Rule("busy", "busy");
  Watch watch({rule});
  size_t taken = 0;
  for (size_t i = 0; i < limits::kAutomationPlacesMax + 10; ++i) {
    for (ShapingAction& one : watch.See("busy", 0, "", "site " + std::to_string(i))) {
      taken += in_force_.Add(std::move(one), At(0));
    }
  }
  EXPECT_EQ(taken, limits::kAutomationPlacesMax);
  // Those that have ended make room.
  for (ShapingAction& one : watch.See("busy", 4000, "", "new")) {
    EXPECT_TRUE(in_force_.Add(std::move(one), At(4000)));
  }
  EXPECT_EQ(in_force_.size(), 1u);
}

}  // namespace
}  // namespace ringpost::delivery
