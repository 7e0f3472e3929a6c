#include "gateway/delivery/shaping.h"

#include <gtest/gtest.h>

#include "gateway/delivery/shaping_patterns.h"

namespace ringpost::delivery {
namespace {

using Hosts = std::vector<std::string>;

Given Count(Setting setting, uint32_t count) { return {setting, count, 0}; }
Given Rate(Setting setting, const char* text) { return {setting, *PaceLimit::Parse(text), 0}; }
Given Time(Setting setting, int seconds) { return {setting, Seconds(seconds), 0}; }

ShapingRule Base() {
  ShapingRule base;
  base.level = ShapingLevel::kBase;
  base.origin = {"[delivery]", "ringpost.toml", 0};
  base.given = {Count(Setting::kConnections, 50),
                Count(Setting::kMessagesPerConnection, 0),
                Count(Setting::kRecipientsPerTransaction, 1000),
                Time(Setting::kConnectTimeout, 30),
                Time(Setting::kCommandTimeout, 0),
                Time(Setting::kIdleTimeout, 10),
                {Setting::kTls, HopTls::kOpportunistic, 0},
                {Setting::kRetry, std::vector<Seconds>{Seconds(60), Seconds(300)}, 0},
                Time(Setting::kLifetime, 432'000),
                Time(Setting::kDelayWarning, 14'400)};
  return base;
}

uint32_t g_line = 0;
ShapingRule Rule(ShapingLevel level, ShapingSelector about, std::vector<Given> given) {
  ShapingRule rule;
  rule.level = level;
  rule.about = std::move(about);
  rule.origin = {"rule " + std::to_string(++g_line), "shaping.toml", g_line};
  rule.given = std::move(given);
  return rule;
}
ShapingRule Default(std::vector<Given> given) {
  return Rule(ShapingLevel::kDefault, {}, std::move(given));
}
ShapingRule Provider(const char* name, Hosts mx, std::vector<Given> given, Hosts domains = {}) {
  return Rule(ShapingLevel::kProvider, {.provider = name, .mx = mx, .domains = domains},
              std::move(given));
}
ShapingRule Site(const char* mx, std::vector<Given> given) {
  return Rule(ShapingLevel::kSite, {.mx = {mx}}, std::move(given));
}
ShapingRule Domain(const char* domain, std::vector<Given> given) {
  return Rule(ShapingLevel::kDomain, {.domains = {domain}}, std::move(given));
}
ShapingRule Source(ShapingSelector about, std::vector<Given> given) {
  return Rule(ShapingLevel::kSource, std::move(about), std::move(given));
}
ShapingRule Account(ShapingSelector about, std::vector<Given> given) {
  return Rule(ShapingLevel::kAccount, std::move(about), std::move(given));
}

std::shared_ptr<const ShapingTable> Make(std::vector<ShapingRule> rules) {
  auto made = ShapingTable::Make(Base(), {std::move(rules), {}});
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  return made.ok() ? *made : nullptr;
}
std::string WhyNot(std::vector<ShapingRule> rules) {
  auto made = ShapingTable::Make(Base(), {std::move(rules), {}});
  return made.ok() ? "" : std::string(MessageOf(made.status()));
}

TEST(PatternTest, FitDomainsHoweverWritten) {
  EXPECT_EQ(CanonicalPattern("Example.COM."), "example.com");
  EXPECT_EQ(CanonicalPattern("*.B\xc3\xbc"
                             "cher.example"),
            "*.xn--bcher-kva.example");
  EXPECT_EQ(CanonicalPattern("*"), "*");
  EXPECT_EQ(CanonicalPattern("192.0.2.1"), "192.0.2.1");
  for (const char* text :
       {"", ".", "*.", "a..b", "*example.com", "a b", "*.*.example.com", "-a.b", "a.*.b"}) {
    EXPECT_FALSE(CanonicalPattern(text)) << text;
  }
  EXPECT_TRUE(FitsPattern("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(FitsPattern("*.example.com", "example.com"));
  EXPECT_FALSE(FitsPattern("*.example.com", "badexample.com"));
  EXPECT_FALSE(FitsPattern("*.example.com", ".example.com"));
}

TEST(PatternTest, AnIndexFindsWhatComparingFinds) {
  const std::vector<std::string> patterns = {"*",      "a.example", "*.example", "*.a.example",
                                             "b.test", "*.test",    "a.example", "example"};
  PatternIndex index;
  for (uint32_t i = 0; i < patterns.size(); ++i) index.Add(patterns[i], i);
  for (const char* name : {"a.example", "b.a.example", "x.b.a.example", "example", "b.test", "test",
                           "t.b.test", "other", "", "1.2.3.4"}) {
    std::vector<uint32_t> found, wanted;
    index.Collect(name, &found);
    for (uint32_t i = 0; i < patterns.size(); ++i) {
      if (FitsPattern(patterns[i], name)) wanted.push_back(i);
    }
    EXPECT_EQ(found, wanted) << name;
  }
}

TEST(ShapingTest, WithoutRulesTheBaseHolds) {
  auto table = Make({});
  Shaping shaping = table->For({.domain = "example.com"});
  EXPECT_EQ(shaping.connections(), 50u);
  EXPECT_FALSE(shaping.message_rate().limited());
  EXPECT_EQ(shaping.total_connections(), 0u);
  EXPECT_EQ(shaping.account_connections(), 0u);
  EXPECT_EQ(shaping.retry().size(), 2u);
  EXPECT_EQ(shaping.lifetime(), Seconds(432'000));
  EXPECT_EQ(shaping[Setting::kConnections].origin->name, "[delivery]");
  EXPECT_EQ(shaping[Setting::kMessageRate].given, nullptr);
  EXPECT_EQ(shaping.provider(), "");
}

// Every level says something else of connections; taken away one after the other.
TEST(ShapingTest, LevelsGoBeforeOneAnother) {
  std::vector<ShapingRule> rules = {
      Source({.source = "warm"}, {Count(Setting::kConnections, 6)}),
      Domain("example.com", {Count(Setting::kConnections, 5)}),
      Site("*.big.example", {Count(Setting::kConnections, 4)}),
      Provider("big", {"*.big.example"}, {Count(Setting::kConnections, 3)}),
      Default({Count(Setting::kConnections, 2)}),
  };
  Hosts hosts = {"mx1.big.example", "mx2.big.example"};
  uint32_t wanted = 6;
  while (!rules.empty()) {
    auto table = Make(rules);
    ShapingQuery query{"example.com", hosts, "warm", ""};
    EXPECT_EQ(table->For(query).connections(), wanted);
    rules.erase(rules.begin());
    --wanted;
  }
  // And in any order of the file.
  rules = {Default({Count(Setting::kConnections, 2)}),
           Provider("big", {"*.big.example"}, {Count(Setting::kConnections, 3)}),
           Source({.source = "warm"}, {Count(Setting::kConnections, 6)})};
  EXPECT_EQ(Make(rules)->For({"example.com", hosts, "warm", ""}).connections(), 6u);
  EXPECT_EQ(Make(rules)->For({"example.com", hosts, "", ""}).connections(), 3u);
}

TEST(ShapingTest, WithinALevelTheFirstRuleWinsSettingBySetting) {
  auto table = Make({
      Domain("*.example.com", {Count(Setting::kConnections, 1)}),
      Domain("a.example.com",
             {Count(Setting::kConnections, 2), Rate(Setting::kMessageRate, "5/s")}),
      Domain("*", {Rate(Setting::kMessageRate, "9/s"), Time(Setting::kIdleTimeout, 7)}),
  });
  Shaping shaping = table->For({.domain = "a.example.com"});
  EXPECT_EQ(shaping.connections(), 1u);
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("5/s"));
  EXPECT_EQ(shaping.idle_timeout(), Seconds(7));
  EXPECT_EQ(shaping.connect_timeout(), Seconds(30));
  shaping = table->For({.domain = "example.com"});
  EXPECT_EQ(shaping.connections(), 50u);
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("9/s"));
}

TEST(ShapingTest, ALimitCanBeTakenBack) {
  auto table = Make({Provider("big", {"*.big.example"}, {Rate(Setting::kMessageRate, "5/s")}),
                     Domain("example.com", {Rate(Setting::kMessageRate, "none")})});
  Hosts hosts = {"mx.big.example"};
  EXPECT_FALSE(table->For({"example.com", hosts, "", ""}).message_rate().limited());
  EXPECT_TRUE(table->For({"example.net", hosts, "", ""}).message_rate().limited());
}

// A stranger who lists a provider's host beside his own does not get into the provider.
TEST(ShapingTest, ASiteIsOfAProviderWhereAllItsHostsAre) {
  auto table = Make(
      {Provider("big", {"*.big.example", "*.big.test"}, {Count(Setting::kTotalConnections, 20)}),
       Site("*.big.example", {Count(Setting::kConnections, 4)})});
  auto provider = [&](const Hosts& hosts) {
    return std::string(table->For({"example.com", hosts, "", ""}).provider());
  };
  EXPECT_EQ(provider({"mx1.big.example", "mx2.big.test"}), "big");
  EXPECT_EQ(provider({"mx1.big.example", "mx.stranger.example"}), "");
  EXPECT_EQ(provider({"mx.stranger.example", "mx1.big.example"}), "");
  EXPECT_EQ(provider({"big.example"}), "");
  EXPECT_EQ(provider({}), "");
  Hosts mixed = {"mx1.big.example", "mx.stranger.example"};
  Shaping shaping = table->For({"example.com", mixed, "", ""});
  EXPECT_EQ(shaping.connections(), 50u);
  EXPECT_EQ(shaping.total_connections(), 0u);
}

TEST(ShapingTest, AProviderIsOnePatternsAndDomainsOfAllItsRules) {
  auto table = Make({
      Provider("big", {}, {Count(Setting::kConnections, 7)}),  // the operator's
      Provider("other", {"*.big.example"}, {Count(Setting::kConnections, 9)}),
      Provider("big", {"*.big.example"},
               {Count(Setting::kConnections, 3), Count(Setting::kMessagesPerConnection, 20)},
               {"big.test"}),
  });
  Hosts hosts = {"mx.big.example"};
  Shaping shaping = table->For({"example.com", hosts, "", ""});
  EXPECT_EQ(shaping.provider(), "big");  // which is named first
  EXPECT_EQ(shaping.connections(), 7u);
  EXPECT_EQ(shaping.messages_per_connection(), 20u);
  EXPECT_EQ(table->For({.domain = "big.test"}).provider(), "big");
  EXPECT_EQ(table->ProviderOf("big.test", {}), "big");
  EXPECT_EQ(table->ProviderOf("example.com", hosts), "big");
  EXPECT_EQ(table->ProviderOf("example.com", {}), "");
}

TEST(ShapingTest, AccountsHaveLimitsOfTheirOwnBesideTheSites) {
  auto table = Make({
      Provider("big", {"*.big.example"}, {Rate(Setting::kMessageRate, "100/s")}),
      Account({.provider = "big", .account = "acme"},
              {Count(Setting::kAccountConnections, 2), Rate(Setting::kAccountMessageRate, "1/s"),
               Time(Setting::kLifetime, 3600)}),
      Account({.account = "acme"}, {Rate(Setting::kAccountMessageRate, "10/s")}),
      Account({.domains = {"*.test"}, .source = "warm", .account = "acme"},
              {Count(Setting::kAccountConnections, 8)}),
  });
  Hosts hosts = {"mx.big.example"};
  Shaping shaping = table->For({"example.com", hosts, "", "acme"});
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("100/s"));
  EXPECT_EQ(shaping.account_message_rate(), *PaceLimit::Parse("1/s"));
  EXPECT_EQ(shaping.account_connections(), 2u);
  EXPECT_EQ(shaping.lifetime(), Seconds(3600));
  shaping = table->For({"example.com", {}, "", "acme"});
  EXPECT_EQ(shaping.account_message_rate(), *PaceLimit::Parse("10/s"));
  EXPECT_EQ(shaping.account_connections(), 0u);
  EXPECT_EQ(table->For({"a.test", {}, "warm", "acme"}).account_connections(), 8u);
  EXPECT_EQ(table->For({"a.test", {}, "", "acme"}).account_connections(), 0u);
  EXPECT_EQ(table->For({"a.test", {}, "warm", "other"}).account_connections(), 0u);
  EXPECT_FALSE(table->For({"example.com", hosts, "", ""}).account_message_rate().limited());
}

TEST(ShapingTest, DomainsAreFoundHoweverWritten) {
  auto table =
      Make({Domain("B\xc3\xbc"
                   "cher.example",
                   {Count(Setting::kConnections, 1)})});
  EXPECT_EQ(table->For({.domain = "xn--bcher-kva.example"}).connections(), 1u);
  EXPECT_EQ(table
                ->For({.domain = "b\xc3\xbc"
                                 "cher.example"})
                .connections(),
            1u);
}

TEST(ShapingTest, TheTagTellsApartWhoMaySharesConnections) {
  auto table = Make({
      Provider("big", {"*.big.example"}, {Count(Setting::kConnections, 3)}),
      Domain("a.example", {Count(Setting::kConnections, 3)}),
      Domain("b.example", {Rate(Setting::kMessageRate, "1/s")}),
      Domain("c.example", {Time(Setting::kLifetime, 60)}),
      Account({.account = "acme"}, {Count(Setting::kAccountConnections, 1)}),
  });
  Hosts hosts = {"mx.big.example"};
  auto tag = [&](std::string_view domain, std::string_view account = "") {
    return table->For({domain, hosts, "", account}).SiteTag();
  };
  EXPECT_EQ(tag("a.example"), tag("other.example"));
  EXPECT_NE(tag("b.example"), tag("other.example"));
  EXPECT_EQ(tag("c.example"), tag("other.example"));  // a message's matter
  EXPECT_EQ(tag("other.example", "acme"), tag("other.example"));
  EXPECT_NE(table->For({.domain = "a.example"}).SiteTag(), tag("a.example"));
}

TEST(ShapingTest, TighteningNeverLoosens) {
  auto table = Make(
      {Default({Rate(Setting::kMessageRate, "10/s"), Count(Setting::kMessagesPerConnection, 0)})});
  Shaping shaping = table->For({.domain = "example.com"});
  RuleOrigin origin{"automation", "f", 1};
  Given looser = Rate(Setting::kMessageRate, "11/s"), none = Rate(Setting::kMessageRate, "none");
  Given tighter = Rate(Setting::kMessageRate, "1/m");
  Given connections = Count(Setting::kConnections, 51), fewer = Count(Setting::kConnections, 1);
  Given messages = Count(Setting::kMessagesPerConnection, 5);
  Given unbounded = Count(Setting::kMessagesPerConnection, 0);
  Given fresh = Rate(Setting::kTotalMessageRate, "3/s");
  for (const Given* given : {&looser, &none, &connections}) shaping.Tighten(*given, origin);
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("10/s"));
  EXPECT_EQ(shaping.connections(), 50u);
  for (const Given* given : {&tighter, &fewer, &messages, &unbounded, &fresh}) {
    shaping.Tighten(*given, origin);
  }
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("1/m"));
  EXPECT_EQ(shaping.connections(), 1u);
  EXPECT_EQ(shaping.messages_per_connection(), 5u);
  EXPECT_EQ(shaping.total_message_rate(), *PaceLimit::Parse("3/s"));
  EXPECT_EQ(shaping[Setting::kConnections].origin->name, "automation");
}

TEST(ShapingTest, SaysWhatIsWrongWithRules) {
  EXPECT_EQ(WhyNot({Site("a..b", {})}).substr(0, 13), "shaping.toml:");
  EXPECT_NE(WhyNot({Site("a..b", {})}).find("a..b"), std::string::npos);
  EXPECT_NE(WhyNot({Rule(ShapingLevel::kSite, {}, {})}), "");
  EXPECT_NE(WhyNot({Rule(ShapingLevel::kAccount, {.provider = "x"}, {})}), "");
  EXPECT_NE(WhyNot({Provider("big", {}, {})}).find("mx or domains"), std::string::npos);
  EXPECT_NE(WhyNot({Source({.provider = "big", .source = "s"}, {})}).find("none of: big"),
            std::string::npos);
  EXPECT_NE(WhyNot({Domain("a.example", {Count(Setting::kTotalConnections, 1)})}), "");
  EXPECT_NE(WhyNot({Domain("a.example", {Count(Setting::kAccountConnections, 1)})}), "");
  EXPECT_NE(WhyNot({Account({.account = "a"}, {Count(Setting::kConnections, 1)})}), "");
  EXPECT_NE(WhyNot({Default({Count(Setting::kMessageRate, 1)})}), "");
  EXPECT_NE(WhyNot({Default({{Setting::kRetry, std::vector<Seconds>{}, 0}})}), "");
}

}  // namespace
}  // namespace ringpost::delivery
