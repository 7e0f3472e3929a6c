// ringpost.toml as it is read, and the words for what is wrong in it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/app/config.h"
#include "gateway/app/policies.h"
#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

constexpr std::string_view kExample = R"(
[store]
path = "/var/lib/ringpost"
[reactor]
cores = 2
[[region]]
name = "local"
[[listener]]
address = "127.0.0.1:2525"
region = "local"
[[trust]]
network = "127.0.0.0/8"
[[route]]
domain = "*"
relay = "127.0.0.1:2626"
)";

ConfigResult Parse(std::string_view text) {
  return ParseConfig(text, "ringpost.toml", "gw.example.net");
}

Config Good(std::string_view text) {
  ConfigResult result = Parse(text);
  EXPECT_EQ(result.ErrorText("ringpost.toml"), "");
  return result.config.value_or(Config{});
}

TEST(ConfigParse, TheExampleOfTheManual) {
  Config config = Good(kExample);
  EXPECT_EQ(config.hostname, "gw.example.net");
  EXPECT_EQ(config.store.path, "/var/lib/ringpost");
  EXPECT_EQ(config.store.free_bytes_min, limits::kFreeSpaceFloorBytesDefault);
  EXPECT_EQ(config.store.key_epoch, Seconds(limits::kKeyEpochSeconds));
  EXPECT_EQ(config.reactor.cores, 2u);
  ASSERT_EQ(config.regions.size(), 1u);
  EXPECT_EQ(config.regions[0].store, "/var/lib/ringpost/local");
  EXPECT_EQ(config.regions[0].log, "/var/lib/ringpost/local/mail.log");
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address.ToString(), "127.0.0.1:2525");
  EXPECT_FALSE(config.listeners[0].strict);
  EXPECT_FALSE(config.listeners[0].normalise_bare_newlines);
  ASSERT_EQ(config.trust.size(), 1u);
  EXPECT_EQ(config.trust[0].ToString(), "127.0.0.0/8");
  ASSERT_EQ(config.routes.size(), 1u);
  EXPECT_EQ(config.routes[0].domain, "*");
  ASSERT_EQ(config.routes[0].next_hops.size(), 1u);
  EXPECT_EQ(config.routes[0].next_hops[0].ToString(), "127.0.0.1:2626");
  EXPECT_EQ(config.delivery.retry, delivery::RetryPolicy().steps);
  EXPECT_EQ(config.control.socket, "/var/lib/ringpost/control.sock");
  EXPECT_FALSE(config.development);
}

TEST(ConfigParse, EveryKey) {
  Config config = Good(R"(
hostname = "out.example.com"
store = { path = "/s", free_bytes_min = "1 GiB", key_epoch = "1m" }
reactor = { cores = 1, buffers = 1024 }
limits = { message_bytes_max = "10 MiB", recipients_max = 200, connections_max = 500, connections_per_address_max = 20, command_timeout = "1m", data_bytes_per_second_min = 100, memory_bytes_max = "512 MiB", drain_grace = "10s" }
delivery = { retry = ["1m", "5m"], lifetime = "2d", delay_warning = "1h", connections_per_next_hop = 5, messages_per_connection = 100 }
log = { path = "/l/daemon.log" }
control = { socket = "/run/r.sock" }
region = [
  { name = "eu", store = "/eu", log = "/eu.log", egress = ["192.0.2.1", "2001:db8::1"] },
  { name = "us" },
]
[[listener]]
address = "[::]:25"
region = "us"
strict = true
bare_newlines = "normalise"
proxy_protocol_from = "10.0.0.1"
xclient_from = ["10.0.0.0/24", "fd00::/8"]
connections_max = 100
greet_delay = "500ms"
[[route]]
domain = "example.com"
relay = ["192.0.2.1", "relay.example.com:587"]
[[route]]
domain = "*.example.org"
relay = [{ host = "192.0.2.2:26", preference = 20 }, { host = "192.0.2.3" }]
)");
  EXPECT_EQ(config.hostname, "out.example.com");
  EXPECT_EQ(config.store.free_bytes_min, uint64_t{1} << 30);
  EXPECT_EQ(config.store.key_epoch, Seconds(60));
  EXPECT_EQ(config.reactor.buffers, 1024u);
  EXPECT_EQ(config.limits.message_bytes_max, 10 * limits::kMiB);
  EXPECT_EQ(config.limits.recipients_max, 200u);
  EXPECT_EQ(config.limits.connections_max, 500u);
  EXPECT_EQ(config.limits.connections_per_address_max, 20u);
  EXPECT_EQ(config.limits.command_timeout, Seconds(60));
  EXPECT_EQ(config.limits.data_bytes_per_second_min, 100u);
  EXPECT_EQ(config.limits.memory_bytes_max, 512 * limits::kMiB);
  EXPECT_EQ(config.limits.drain_grace, Seconds(10));
  EXPECT_EQ(config.delivery.retry, (std::vector<Seconds>{Seconds(60), Seconds(300)}));
  EXPECT_EQ(config.delivery.lifetime, Seconds(172'800));
  EXPECT_EQ(config.delivery.delay_warning, Seconds(3600));
  EXPECT_EQ(config.delivery.connections_per_next_hop, 5u);
  EXPECT_EQ(config.delivery.messages_per_connection, 100u);
  EXPECT_EQ(config.log.path, "/l/daemon.log");
  EXPECT_EQ(config.control.socket, "/run/r.sock");
  ASSERT_EQ(config.regions.size(), 2u);
  EXPECT_EQ(config.regions[0].egress.size(), 2u);
  EXPECT_EQ(config.regions[1].store, "/s/us");
  const ListenerConfig& listener = config.listeners.at(0);
  EXPECT_EQ(listener.region, "us");
  EXPECT_TRUE(listener.strict);
  EXPECT_TRUE(listener.normalise_bare_newlines);
  EXPECT_EQ(listener.proxy_protocol_from.size(), 1u);
  EXPECT_EQ(listener.xclient_from.size(), 2u);
  EXPECT_EQ(listener.connections_max, 100u);
  EXPECT_EQ(listener.greet_delay, Millis(500));
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(config.routes[0].next_hops[1].preference, 1);
  EXPECT_EQ(config.routes[1].next_hops[0].preference, 20);
  EXPECT_EQ(config.routes[1].next_hops[1].preference, 0);
}

TEST(ConfigParse, HowMuchIsTooMuch) {
  std::string text(kExample);
  EXPECT_FALSE(Good(text).listeners.at(0).rate.limited());
  EXPECT_EQ(Good(text).brake, identity::BrakeRule());
  text.replace(text.find("region = \"local\""), 0, "rate = \"5000/1h\"\n");
  text +=
      "[brake]\nenabled = false\nrecipients_min = 500\nhard_bounces = \"5%\"\ncomplaints = "
      "\"0.1 %\"\n";
  Config config = Good(text);
  EXPECT_EQ(config.listeners.at(0).rate, (identity::RateLimit{5000, Seconds(3600)}));
  EXPECT_EQ(config.brake, (identity::BrakeRule{false, 500, 50, 1}));
  for (const char* rate : {"5000", "0/1h", "5/1", "5/100ms", "5/32d", "x/1h", "-1/1h", "/1h", ""}) {
    std::string bad(kExample);
    bad.replace(bad.find("region = \"local\""), 0, "rate = \"" + std::string(rate) + "\"\n");
    EXPECT_NE(Parse(bad).ErrorText("f").find("how many messages in how long"), std::string::npos)
        << rate;
  }
  for (const char* share : {"10", "0 %", "0.05%", "101%", "100.1%", "1.%", ".5%", "x%", "%"}) {
    std::string bad(kExample);
    bad += "[brake]\nhard_bounces = \"" + std::string(share) + "\"\n";
    EXPECT_NE(Parse(bad).ErrorText("f").find("expects a share"), std::string::npos) << share;
  }
}

TEST(ConfigParse, AcmeIsForTheHostnameByWhatListenersAllow) {
  std::string base(kExample);
  EXPECT_FALSE(Good(base).acme);
  Config config = Good(base +
                       "[acme]\nagree_tos = true\n"
                       "[[listener]]\naddress = \"0.0.0.0:443\"\ntls = \"implicit\"\n");
  ASSERT_TRUE(config.acme);
  EXPECT_EQ(config.acme->names, std::vector<std::string>{"gw.example.net"});
  EXPECT_EQ(config.acme->directory, "https://acme-v02.api.letsencrypt.org/directory");
  EXPECT_EQ(config.acme->challenges, std::vector{acme::ChallengeKind::kTlsAlpn01});
  // A certificate will be there.
  EXPECT_EQ(config.listeners[0].tls, ListenerTls::kOptional);
  config = Good(base +
                "[acme]\nagree_tos = true\nnames = [\"MX.example\", \"b.example\"]\n"
                "[[listener]]\naddress = \"0.0.0.0:80\"\ntls = \"none\"\nprotocol = \"auto\"\n"
                "[[listener]]\naddress = \"0.0.0.0:443\"\ntls = \"implicit\"\n");
  ASSERT_TRUE(config.acme);
  EXPECT_EQ(config.acme->names, (std::vector<std::string>{"mx.example", "b.example"}));
  EXPECT_EQ(config.acme->challenges,
            (std::vector{acme::ChallengeKind::kHttp01, acme::ChallengeKind::kTlsAlpn01}));
}

TEST(ConfigParse, AcmeNeedsAListenerThatCanAnswer) {
  auto errors = [](const std::string& more) {
    return Parse(std::string(kExample) + "[acme]\nagree_tos = true\n" + more).ErrorText("f");
  };
  EXPECT_NE(errors("").find("acme.challenge: no [[listener]] can answer"), std::string::npos);
  EXPECT_NE(errors("challenge = \"http-01\"\n").find("needs a [[listener]] with protocol"),
            std::string::npos);
  std::string smtps = "[[listener]]\naddress = \"127.0.0.1:2465\"\ntls = \"implicit\"\n";
  EXPECT_NE(errors(smtps).find("can answer"), std::string::npos);
  EXPECT_EQ(errors("challenge = \"tls-alpn-01\"\n" + smtps), "");
}

// Each pair NAME.toml, NAME.errors under tests/golden/config: the file and all that is said of it.
TEST(ConfigParse, GoldenErrors) {
  std::filesystem::path folder = std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/config";
  auto slurp = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    std::string name = entry.path().filename();
    std::filesystem::path errors = entry.path();
    errors.replace_extension(".errors");
    EXPECT_EQ(ParseConfig(slurp(entry.path()), name, "gw.example.net").ErrorText(name),
              slurp(errors))
        << "in " << name;
    ++seen;
  }
  EXPECT_GE(seen, 8);
}

TEST(ConfigParse, TooLarge) {
  ConfigResult result = Parse(std::string(limits::kConfigBytesMax + 1, '#'));
  EXPECT_EQ(result.ErrorText("f"), "f: is larger than 4 MiB\n");
}

TEST(ConfigParse, ManyErrorsAreBounded) {
  std::string text(kExample);
  for (int i = 0; i < 300; ++i) text += "[[route]]\nnonsense = " + std::to_string(i) + "\n";
  ConfigResult result = Parse(text);
  EXPECT_EQ(result.errors.size(), limits::kConfigErrorsMax);
  EXPECT_NE(result.ErrorText("f").find("there are more"), std::string::npos);
}

TEST(ConfigParse, SystemNameThatIsNone) {
  ConfigResult result = ParseConfig(kExample, "f", "not a name!");
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].key, "hostname");
}

TEST(ConfigLoad, MissingFile) {
  EXPECT_EQ(LoadConfig("/nonexistent/ringpost.toml").ErrorText("f"),
            "f: cannot be read: No such file or directory\n");
}

TEST(ConfigLoad, SecretsOfSmartHosts) {
  std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / ("ringpost-secret-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::filesystem::path secret = folder / "relay.secret", file = folder / "ringpost.toml";
  auto write = [](const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  };
  std::string two =
      std::string(kExample.substr(0, kExample.find("[[route]]"))) +
      "[[route]]\ndomain = \"*\"\nrelay = [\"smtps://a@r.example\", \"192.0.2.1\"]\n" +
      "secret_file = \"" + secret.string() + "\"\n[[route]]\ndomain = \"b.example\"\n" +
      "relay = \"smtp://b%40b.example@r.example:587\"\ntls = \"verified\"\n" + "secret_file = \"" +
      secret.string() + "\"\n";
  write(file, "hostname = \"gw.example.net\"\n" + two);
  using std::filesystem::perms;
  for (std::string_view text :
       {"p\xc3\xa4ss word 1", "p\xc3\xa4ss word 1\n", "p\xc3\xa4ss word 1\r\n"}) {
    write(secret, text);
    std::filesystem::permissions(secret, perms::owner_read | perms::owner_write);
    ConfigResult result = LoadConfig(file);
    ASSERT_EQ(result.ErrorText("f"), "");
    const auto& routes = result.config->routes;
    ASSERT_EQ(routes.size(), 2u);
    EXPECT_EQ(routes[0].next_hops[0].credentials->user, "a");
    EXPECT_EQ(routes[0].next_hops[0].credentials->secret, "p\xc3\xa4ss word 1");
    EXPECT_EQ(routes[0].next_hops[0].tls, delivery::HopTls::kVerified);
    EXPECT_FALSE(routes[0].next_hops[1].credentials);
    EXPECT_EQ(routes[1].next_hops[0].credentials->user, "b@b.example");
    EXPECT_FALSE(routes[1].next_hops[0].implicit_tls);
  }
  for (std::string_view text : {std::string_view(), std::string_view("\n"),
                                std::string_view("two\nlines\n"), std::string_view("nul\0x", 5)}) {
    write(secret, text);
    EXPECT_NE(LoadConfig(file).ErrorText("f").find("expects one line with the password"),
              std::string::npos);
  }
  write(secret, std::string(limits::kAuthSecretBytesMax + 3, 'x'));
  EXPECT_NE(LoadConfig(file).ErrorText("f").find("larger than"), std::string::npos);
  write(secret, "sesame");
  std::filesystem::permissions(secret, perms::others_read, std::filesystem::perm_options::add);
  std::string said = LoadConfig(file).ErrorText("f");
  EXPECT_NE(said.find("route.secret_file: "), std::string::npos) << said;
  EXPECT_NE(said.find("others may read this password; chmod o= it"), std::string::npos) << said;
  EXPECT_EQ(said.find("sesame"), std::string::npos);
  std::filesystem::remove(secret);
  EXPECT_NE(LoadConfig(file).ErrorText("f").find("No such file"), std::string::npos);
  std::filesystem::remove_all(folder);
}

// Never under /tmp, where anybody could have made the directory before.
TEST(ConfigLoad, DevelopmentModeNeedsAHome) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become a user that the system does not know";
  pid_t child = fork();
  if (child == 0) {
    unsetenv("HOME");
    unsetenv("XDG_DATA_HOME");
    if (setuid(4'000'000) != 0) _exit(2);
    auto config = DevelopmentConfig();
    bool said = MessageOf(config.status()).find("set HOME") != std::string_view::npos;
    _exit(!config.ok() && said ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ConfigParse, TheControlSocketIsKnownInSpiteOfOtherErrors) {
  std::string bad(kExample);
  bad += "nonsense = 1\n";
  EXPECT_FALSE(Parse(bad).config);
  EXPECT_EQ(Parse(bad).control_socket, "/var/lib/ringpost/control.sock");
  EXPECT_EQ(Parse(bad + "[control]\nsocket = \"/run/r.sock\"\n").control_socket, "/run/r.sock");
  for (const char* value : {"7", "\"\"", "\"r.sock\""}) {
    EXPECT_EQ(Parse(bad + "[control]\nsocket = " + value + "\n").control_socket, "") << value;
  }
  EXPECT_EQ(Parse("[store]\n").control_socket, "");
  EXPECT_EQ(Parse("[store").control_socket, "");
}

TEST(ConfigParse, ARouteByMx) {
  Config config = Good(std::string(kExample) +
                       "[[route]]\ndomain = \"example.com\"\nmx = true\ntls = \"required\"\n");
  EXPECT_FALSE(config.routes[0].by_mx);
  EXPECT_TRUE(config.routes[1].by_mx);
  EXPECT_TRUE(config.routes[1].next_hops.empty());
  EXPECT_EQ(config.routes[1].mx_tls, delivery::HopTls::kRequired);
  auto error = [](const std::string& lines) {
    return Parse(std::string(kExample) + "[[route]]\ndomain = \"example.com\"\n" + lines)
        .ErrorText("f");
  };
  EXPECT_NE(error("mx = true\nrelay = \"192.0.2.1\"\n").find("which of the two?"), std::string::npos);
  EXPECT_NE(error("mx = false\n").find("is true, or not there"), std::string::npos);
  EXPECT_NE(error("mx = true\nsecret_file = \"/x\"\n").find("no relay of this route has a user"),
            std::string::npos);
  EXPECT_NE(error("").find("or mx = true"), std::string::npos);
}

TEST(ConfigParse, ProtocolsOfAListener) {
  using session::ListenerProtocol;
  Config config = Good(std::string(kExample) + R"(
[[tls.certificate]]
chain = "/etc/mail.pem"
key = "/etc/mail.key"
[[listener]]
address = "127.0.0.1:80"
protocol = "auto"
[[listener]]
address = "127.0.0.1:8443"
tls = "implicit"
protocol = "auto"
http_names = ["API.example.com", "www.example.com"]
[[listener]]
address = "127.0.0.1:8080"
protocol = "http"
)");
  ASSERT_EQ(config.listeners.size(), 4u);
  EXPECT_EQ(config.listeners[0].protocol, ListenerProtocol::kSmtp);
  EXPECT_EQ(config.listeners[1].protocol, ListenerProtocol::kAuto);
  EXPECT_EQ(config.listeners[1].tls, ListenerTls::kOptional);
  EXPECT_TRUE(config.listeners[2].http_names.contains("api.example.com"));
  EXPECT_EQ(config.listeners[3].protocol, ListenerProtocol::kHttp);
  EXPECT_EQ(config.listeners[3].tls, ListenerTls::kNone) << "STARTTLS is SMTP's";
  EXPECT_EQ(HttpsPort(config), 8443);
  config.listeners[3].address.port = 443;
  config.listeners[3].tls = ListenerTls::kImplicit;
  EXPECT_EQ(HttpsPort(config), 443);
  config.listeners.resize(2);
  EXPECT_EQ(HttpsPort(config), 0);
}

TEST(ConfigParse, WhatClientsMayShow) {
  Config config = Good(std::string(kExample) + R"(
[[tls.certificate]]
chain = "/etc/mail.pem"
key = "/etc/mail.key"
[[listener]]
address = "127.0.0.1:25"
tls = "none"
authentication = ["network", "address"]
[[listener]]
address = "127.0.0.1:26"
tls = "none"
auth_in_clear = true
[[listener]]
address = "127.0.0.1:27"
tls = "none"
[[listener]]
address = "127.0.0.1:28"
tls_old_versions = true
)");
  ListenerCounts counts;
  auto policy = [&](size_t index) {
    return MakeListenerPolicy(config, config.listeners.at(index), {}, {}, nullptr, &counts);
  };
  using identity::ListenerIdentity;
  EXPECT_EQ(policy(0)->authentication, (ListenerIdentity{true, true, false}));
  EXPECT_EQ(policy(0)->smtp.auth, smtp::Auth::kUnderTls);
  EXPECT_EQ(policy(0)->smtp_xclient.auth, smtp::Auth::kUnderTls);
  EXPECT_EQ(policy(1)->authentication, (ListenerIdentity{false, true, true}));
  EXPECT_EQ(policy(1)->smtp.auth, smtp::Auth::kNotOffered);
  EXPECT_EQ(policy(2)->smtp.auth, smtp::Auth::kAlsoInClear);
  // Without TLS, and with old versions of it, no password is asked for that could be read.
  for (size_t index : {3u, 4u}) {
    EXPECT_EQ(policy(index)->authentication, (ListenerIdentity{false, true, false}));
    EXPECT_EQ(policy(index)->smtp.auth, smtp::Auth::kNotOffered);
  }
}

TEST(ConfigParse, TheZoneAndWhoIsAsked) {
  Config config = Good(std::string(kExample) + R"(
[dns]
zone = "GW.example"
forwarders = ["127.0.0.1:53", "[::1]:53"]
trust_anchors = "/usr/share/dns/root.key"
allowed_networks = "10.1.0.0/16"
[[dns.stub]]
zone = "inside.example"
server = "192.0.2.53:5353"
)");
  EXPECT_EQ(config.dns.zone, "gw.example");
  EXPECT_EQ(config.dns.name_servers, std::vector<std::string>{"ns1.gw.example"});
  EXPECT_EQ(config.dns.mailbox, "hostmaster.gw.example");
  EXPECT_EQ(config.dns.forwarders.size(), 2u);
  EXPECT_EQ(config.dns.allowed_networks.at(0).ToString(), "10.1.0.0/16");
  EXPECT_EQ(config.dns.stubs.at(0).server.port, 5353);
  config.regions[0].egress = {*IpAddress::Parse("192.0.2.1"), *IpAddress::Parse("2001:db8::1")};
  DomainOptions options = MakeDomainOptions(config);
  EXPECT_EQ(options.regions.at(0).second.spf, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all");
  EXPECT_EQ(options.regions.at(0).second.exchanges.at(0).host, config.hostname);
  config.regions[0].bounce_hosts = {"mx1.gw.example", "mx2.gw.example"};
  config.regions[0].spf = "v=spf1 -all";
  options = MakeDomainOptions(config);
  EXPECT_EQ(options.regions.at(0).second.spf, "v=spf1 -all");
  EXPECT_EQ(options.regions.at(0).second.exchanges.at(1).host, "mx2.gw.example");
  EXPECT_EQ(options.regions.at(0).second.exchanges.at(1).preference, 20);
}

TEST(Policies, InboundConnectionsLeaveTheHttpSideItsDescriptors) {
  using session::ListenerProtocol;
  constexpr uint64_t kFiles = 10'000;
  Config config = Good(kExample);
  config.limits.connections_max = 50'000;
  uint32_t smtp_only = InboundConnectionsMax(config, kFiles);
  EXPECT_LT(smtp_only, kFiles);
  for (ListenerProtocol protocol : {ListenerProtocol::kAuto, ListenerProtocol::kHttp}) {
    config.listeners[0].protocol = protocol;
    EXPECT_EQ(InboundConnectionsMax(config, kFiles), smtp_only - limits::kHttpConnectionsMax);
    EXPECT_EQ(InboundConnectionsMax(config, 1'000'000), 50'000u);
    EXPECT_EQ(InboundConnectionsMax(config, 1024), 512u) << "too few for all: half of them";
  }
}

// The configuration that is shipped, but for its certificate's files.
TEST(ConfigParse, TheExampleThatIsShipped) {
  std::ifstream file(std::filesystem::path(RINGPOST_SOURCE_DIR) /
                     "gateway/app/ringpost.example.toml");
  std::stringstream text;
  text << file.rdbuf();
  Config config = Good(text.str());
  EXPECT_EQ(config.listeners.size(), 8u);
  EXPECT_TRUE(config.trust.empty());
  EXPECT_EQ(HttpsPort(config), 443);
}

TEST(ConfigLoad, DevelopmentModeStaysOnTheMachine) {
  auto made = DevelopmentConfig();
  ASSERT_TRUE(made.ok());
  const Config& config = *made;
  EXPECT_TRUE(config.development);
  IpNetwork loopback = *IpNetwork::Parse("127.0.0.0/8");
  ASSERT_EQ(config.listeners.size(), 3u);
  for (const ListenerConfig& listener : config.listeners) {
    EXPECT_TRUE(loopback.Contains(listener.address.address));
  }
  for (const delivery::Route& route : config.routes) {
    for (const delivery::NextHop& hop : route.next_hops) {
      ASSERT_TRUE(hop.address.has_value());
      EXPECT_TRUE(loopback.Contains(*hop.address));
    }
  }
}

}  // namespace
}  // namespace ringpost::app
