// shaping.toml as it is read, the words for what is wrong in it, and the built-in rules.
#include "gateway/app/config_shaping.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "gateway/app/policies.h"
#include "gateway/delivery/shaping_automation.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using delivery::AutomationRule;
using delivery::PaceLimit;
using delivery::Setting;
using delivery::Shaping;
using delivery::ShapingTable;
using Hosts = std::vector<std::string>;

Config BaseConfig() {
  Config config;
  config.source_path = "ringpost.toml";
  return config;
}

ShapingResult Parse(std::string_view text) {
  return ParseShaping(text, "own.toml", BaseShaping(BaseConfig()));
}

std::shared_ptr<const ShapingTable> Good(std::string_view text) {
  ShapingResult result = Parse(text);
  EXPECT_EQ(result.ErrorText(), "");
  return result.table;
}

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ConfigShaping, EveryKeyIsRead) {
  auto table = Good(R"(
builtin = false
[default]
connections = 8
connection_rate = "2/s"
message_rate = "1000/h"
messages_per_connection = 100
recipients_per_transaction = 50
connect_timeout = "10s"
command_timeout = "1m"
idle_timeout = "5s"
tls = "required"
retry = ["1m", "10m"]
lifetime = "2d"
delay_warning = "0s"
[[provider]]
name = "big"
mx = ["*.big.example", "*.big.test"]
domain = "big.example"
total_connections = 20
total_connection_rate = "5/s"
total_message_rate = "100/s"
[[account]]
account = "acme"
provider = "big"
connections = 2
message_rate = "10/m"
)");
  Hosts hosts = {"mx.big.example", "mx.big.test"};
  Shaping shaping = table->For({"example.com", hosts, "", "acme"});
  EXPECT_EQ(shaping.connections(), 8u);
  EXPECT_EQ(shaping.connection_rate(), *PaceLimit::Parse("2/s"));
  EXPECT_EQ(shaping.message_rate(), *PaceLimit::Parse("1000/h"));
  EXPECT_EQ(shaping.messages_per_connection(), 100u);
  EXPECT_EQ(shaping.recipients_per_transaction(), 50u);
  EXPECT_EQ(shaping.connect_timeout(), Seconds(10));
  EXPECT_EQ(shaping.command_timeout(), Seconds(60));
  EXPECT_EQ(shaping.idle_timeout(), Seconds(5));
  EXPECT_EQ(shaping.tls_floor(), delivery::HopTls::kRequired);
  EXPECT_EQ(shaping.retry(), (std::vector<Seconds>{Seconds(60), Seconds(600)}));
  EXPECT_EQ(shaping.lifetime(), Seconds(2 * 86'400));
  EXPECT_EQ(shaping.delay_warning(), Seconds(0));
  EXPECT_EQ(shaping.provider(), "big");
  EXPECT_EQ(shaping.total_connections(), 20u);
  EXPECT_EQ(shaping.total_connection_rate(), *PaceLimit::Parse("5/s"));
  EXPECT_EQ(shaping.total_message_rate(), *PaceLimit::Parse("100/s"));
  EXPECT_EQ(shaping.account_connections(), 2u);
  EXPECT_EQ(shaping.account_message_rate(), *PaceLimit::Parse("10/m"));
  EXPECT_EQ(shaping[Setting::kConnections].given->line, 4u);
  EXPECT_EQ(shaping[Setting::kTls].origin->name, "[default]");
  EXPECT_EQ(shaping[Setting::kTotalConnections].origin->name, "[[provider]] big");
  EXPECT_EQ(shaping[Setting::kAccountConnections].origin->file, "own.toml");
  EXPECT_EQ(table->For({.domain = "big.example"}).provider(), "big");
}

TEST(ConfigShaping, AutomationsAreRead) {
  auto table = Good(R"(
builtin = false
[[provider]]
name = "big"
mx = "*.big.example"
[[automation]]
name = "one"
provider = "big"
reply = '^421 .*slow'
after = "3/10m"
set = { total_message_rate = "1/s" }
duration = "1h"
[[automation]]
name = "two"
mx = "*.example"
reply = "complaints"
action = "suspend_account"
duration = "90s"
)");
  ASSERT_EQ(table->automations().size(), 2u);
  const AutomationRule& one = table->automations()[0];
  EXPECT_EQ(one.after, 3u);
  EXPECT_EQ(one.within, Seconds(600));
  EXPECT_EQ(one.over, AutomationRule::Over::kProvider);
  EXPECT_EQ(one.duration, Seconds(3600));
  ASSERT_EQ(one.changes.size(), 1u);
  EXPECT_EQ(one.changes[0].line, 11u);
  const AutomationRule& two = table->automations()[1];
  EXPECT_EQ(two.after, 1u);
  EXPECT_EQ(two.over, AutomationRule::Over::kAccount);
  EXPECT_EQ(two.action, AutomationRule::Action::kSuspendAccount);
  Hosts hosts = {"mx.big.example"};
  EXPECT_EQ(table->AutomationsFor({"a.test", hosts, "", ""}, "421 4.7.0 slow, complaints").size(),
            2u);
  EXPECT_EQ(table->AutomationsFor({"a.test", {}, "", ""}, "421 4.7.0 slow, complaints").size(), 0u);
}

TEST(ConfigShaping, TheBaseIsTheConfigurationsDelivery) {
  Config config = BaseConfig();
  config.delivery.connections_per_next_hop = 7;
  config.delivery.lifetime = Seconds(99);
  config.delivery.retry = {Seconds(3)};
  auto table = ParseShaping("", "", BaseShaping(config)).table;
  Shaping shaping = table->For({.domain = "example.com"});
  EXPECT_EQ(shaping.connections(), 7u);
  EXPECT_EQ(shaping.lifetime(), Seconds(99));
  EXPECT_EQ(shaping.retry(), (std::vector<Seconds>{Seconds(3)}));
  EXPECT_EQ(shaping[Setting::kConnections].origin->name, "[delivery]");
}

TEST(ConfigShaping, AnOperatorsRulesComeBeforeTheBuiltInOnes) {
  Hosts google = {"gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"};
  auto built_in = Good("");
  EXPECT_EQ(built_in->For({"gmail.com", google, "", ""}).messages_per_connection(), 100u);
  auto own = Good("[[provider]]\nname = \"google\"\nconnections = 3\n");
  Shaping shaping = own->For({"gmail.com", google, "", ""});
  EXPECT_EQ(shaping.connections(), 3u);
  EXPECT_EQ(shaping.messages_per_connection(), 100u);
  EXPECT_EQ(shaping[Setting::kMessagesPerConnection].origin->file, "built-in");
  EXPECT_EQ(Good("builtin = false\n")->For({"gmail.com", google, "", ""}).provider(), "");
  EXPECT_TRUE(Good("builtin = false\n")->automations().empty());
  auto without = Good("[[automation]]\nname = \"yahoo-deferred\"\naction = \"none\"\n");
  EXPECT_EQ(without->automations().size() + 1, built_in->automations().size());
}

// Each pair NAME.toml, NAME.errors under tests/golden/shaping.
TEST(ConfigShaping, GoldenErrors) {
  std::filesystem::path folder =
      std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/shaping";
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    std::string name = entry.path().filename();
    std::filesystem::path errors = entry.path();
    errors.replace_extension(".errors");
    if (!std::filesystem::exists(errors)) continue;
    ShapingResult result = ParseShaping(Slurp(entry.path()), name, BaseShaping(BaseConfig()));
    EXPECT_EQ(result.ErrorText(), Slurp(errors)) << "in " << name;
    EXPECT_EQ(result.table == nullptr, !result.errors.empty());
    ++seen;
  }
  EXPECT_GE(seen, 3);
}

TEST(ConfigShaping, IsBounded) {
  EXPECT_EQ(Parse(std::string(limits::kConfigBytesMax + 1, '#')).ErrorText(),
            "own.toml: is larger than 4 MiB\n");
  std::string text;
  for (int i = 0; i < 300; ++i) text += "[[site]]\nnonsense = 1\n";
  EXPECT_EQ(Parse(text).errors.size(), limits::kConfigErrorsMax);
}

struct Said {
  Hosts hosts;
  const char* reply;
  const char* automation;  // null: none
};
const Hosts kGoogleHosts = {"gmail-smtp-in.l.google.com"}, kYahooHosts = {"mta5.am0.yahoodns.net"},
            kHotmailHosts = {"outlook-com.olc.protection.outlook.com"},
            kOfficeHosts = {"example-com.mail.protection.outlook.com"},
            kAppleHosts = {"mx01.mail.icloud.com", "mx02.mail.icloud.com"},
            kComcastHosts = {"mx1h1.comcast.net"}, kGmxHosts = {"mx00.emig.gmx.net"},
            kOtherHosts = {"mx.example.com"};
// What big providers are known to say, and which of the built-in automations hears it.
const Said kSaid[] = {
    {kGoogleHosts,
     "421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of 4.7.28 unsolicited mail "
     "originating from your IP address. To protect our users",
     "google-address-rate"},
    {kGoogleHosts,
     "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your "
     "4.7.28 DKIM domain [example.com 36]. To protect",
     "google-domain-rate"},
    {kGoogleHosts,
     "421 4.7.0 [192.0.2.1] Our system has detected that this message is 4.7.0 suspicious due to "
     "the very low reputation of the sending IP address.",
     "google-reputation"},
    {kGoogleHosts, "450 4.2.1 The user you are trying to contact is receiving mail at a rate that",
     nullptr},
    {kGoogleHosts, "550 5.1.1 The email account that you tried to reach does not exist.", nullptr},
    {kYahooHosts,
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or "
     "user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
     "yahoo-deferred"},
    {kYahooHosts, "421 4.7.0 [TSS05] Messages from 192.0.2.1 temporarily deferred",
     "yahoo-deferred-longer"},
    {kYahooHosts,
     "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will "
     "NOT succeed.",
     "yahoo-permanently-deferred"},
    {kYahooHosts, "421 Max message per connection reached, closing transmission channel",
     "yahoo-messages-per-connection"},
    {kHotmailHosts,
     "421 RP-001 (SNT0-MC2-F19) Unfortunately, some messages from 192.0.2.1 weren't sent. Please "
     "try again. We have limits for how many messages can be sent per hour and per day.",
     "microsoft-hourly-limit"},
    {kHotmailHosts,
     "451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
     "reputation.",
     "microsoft-reputation"},
    {kHotmailHosts,
     "451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections.",
     "microsoft-connections"},
    {kHotmailHosts,
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
     "Internet service provider since part of their network is on our block list (S3140).",
     "microsoft-block-list"},
    {kHotmailHosts, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS843)",
     "microsoft-busy"},
    {kOfficeHosts, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714)",
     "microsoft-365-busy"},
    {kOfficeHosts, "550 5.4.1 Recipient address rejected: Access denied.", nullptr},
    {kAppleHosts,
     "421 4.7.1 Messages to a@icloud.com deferred due to excessive volume. Try again later",
     "apple-deferred"},
    {kAppleHosts, "451 4.7.1 Service unavailable - try again later", "apple-deferred"},
    {kComcastHosts, "421 4.1.0 192.0.2.1 Throttled - try again later. RL000003", "comcast-rate"},
    {kGmxHosts,
     "421 gmx.net (mxgmx104) Nemesis ESMTP Service not available Reject due to policy "
     "restrictions",
     "gmx-rate"},
    {kOtherHosts, "421 4.7.0 Error: too many connections from 192.0.2.1", "too-many-connections"},
    {kOtherHosts, "421 Too many concurrent SMTP connections from this IP address; please try again",
     "too-many-connections"},
    // A stranger who speaks as a provider would is heard for himself alone.
    {kOtherHosts, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", nullptr},
    {{"mta5.am0.yahoodns.net", "mx.stranger.example"},
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
     nullptr},
};
TEST(BuiltInShapingTest, KnowsWhatProvidersSay) {
  auto table = Good("");
  for (const Said& one : kSaid) {
    std::vector<uint32_t> found =
        table->AutomationsFor({"example.org", one.hosts, "", ""}, one.reply);
    if (!one.automation) {
      EXPECT_TRUE(found.empty()) << one.reply;
    } else {
      ASSERT_EQ(found.size(), 1u) << one.reply;
      EXPECT_EQ(table->automations()[found[0]].name, one.automation);
    }
  }
}

TEST(BuiltInShapingTest, KnowsTheProvidersByTheirHosts) {
  auto table = Good("");
  const std::pair<Hosts, const char*> sites[] = {
      {{"aspmx.l.google.com", "alt1.aspmx.l.google.com", "aspmx2.googlemail.com"}, "google"},
      {{"smtp.google.com"}, "google"},
      {{"hotmail-com.olc.protection.outlook.com"}, "microsoft-consumer"},
      {{"example-com.mail.protection.outlook.com"}, "microsoft-365"},
      {{"example-com.o-v1.mx.microsoft"}, "microsoft-365"},
      {{"mx-aol.mail.gm0.yahoodns.net"}, "yahoo"},
      {{"mx01.mail.icloud.com", "mx02.mail.icloud.com"}, "apple"},
      {{"mx-ha02.web.de", "mx-ha03.web.de"}, "gmx"},
      {{"mx00.t-online.de"}, "t-online"},
      {{"mxs.mail.ru"}, "mail.ru"},
      {{"smtp-in.orange.fr"}, "orange"},
      {{"mx.example.com"}, ""},
  };
  for (const auto& [hosts, provider] : sites) {
    EXPECT_EQ(table->For({"example.org", hosts, "", ""}).provider(), provider) << hosts[0];
  }
  // Nothing holds for everybody: [delivery] is the operator's word.
  EXPECT_EQ(table->For({.domain = "example.org"})[Setting::kConnections].origin->name,
            "[delivery]");
}

TEST(ConfigShaping, LoadingTheConfigurationLoadsIt) {
  TempFolder folder;
  std::string path = folder.path() + "/ringpost.toml", own = folder.path() + "/shaping.toml";
  std::ofstream(path) << "hostname = \"gw.example.net\"\n[store]\npath = \"" << folder.path()
                      << "\"\n[[listener]]\naddress = \"127.0.0.1:2525\"\n[[route]]\ndomain = "
                         "\"*\"\nmx = true\n[shaping]\nfile = \""
                      << own << "\"\n";
  EXPECT_EQ(LoadConfig(path).ErrorText("r.toml"), "r.toml:10:8: shaping.file: " + own +
                                                      " cannot be read: No such file or "
                                                      "directory\n");
  std::ofstream(own) << "[default]\nconections = 3\n";
  std::string words = LoadConfig(path).ErrorText("r.toml");
  EXPECT_TRUE(words.starts_with(own + ":2:1: default.conections: unknown key; did you mean "
                                      "\"connections\"?"))
      << words;
  std::ofstream(own) << "[default]\nconnections = 3\n";
  ConfigResult result = LoadConfig(path);
  ASSERT_TRUE(result.config) << result.ErrorText("r.toml");
  auto delivery = MakeDeliveryConfig(*result.config);
  ASSERT_TRUE(delivery->shaping);
  EXPECT_EQ(delivery->shaping->For({.domain = "example.org"}).connections(), 3u);
}

}  // namespace
}  // namespace ringpost::app
