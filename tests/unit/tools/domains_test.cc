// ringpost domain, dns against a daemon that answers as the tests say; what dns push reads.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/tools/fake_daemon.h"
#include "tools/ringpost/dns_input.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view_domain.h"

namespace ringpost::cli {
namespace {

// Sixteen bytes and more, as a server's tool prints them.
constexpr const char* kKey = "hmac-sha256:update-key:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

Json Domain(const char* state) {
  Json domain = Json::parse(R"({"name":"customer.example","account":"acme","state":"",
      "since":"2026-11-24T07:16:24.000Z","last_check":"2026-11-24T08:16:24.000Z",
      "next_check":"2026-11-24T08:23:24.000Z","words":["k3x9.customer.example has no record"],
      "publish":[
        {"owner":"k3x9.customer.example","type":"CNAME","value":"abc.rp.gw.example",
         "why":"Bounces come back by it.","required":true,
         "line":"k3x9.customer.example. 300 IN CNAME abc.rp.gw.example."},
        {"owner":"s1._domainkey.customer.example","type":"CNAME","value":"def.dkim.gw.example",
         "why":"The next\nkey.","required":false,
         "line":"s1._domainkey.customer.example. 300 IN CNAME def.dkim.gw.example."}],
      "keys":[{"selector":"s1","kind":"rsa","slot":"A","state":"waiting",
               "since":"2026-11-24T07:16:24.000Z"},
              {"selector":"s2","kind":"rsa","slot":"B","state":"none","since":null}]})");
  domain["state"] = state;
  return domain;
}

Json Answer(const char* state) { return {{"ok", true}, {"domain", Domain(state)}}; }

Json NotFound() {
  return {{"ok", false}, {"error", {{"code", "not_found"}, {"message", "there is no domain"}}}};
}

constexpr const char* kLines =
    "; Bounces come back by it.\n"
    "k3x9.customer.example. 300 IN CNAME abc.rp.gw.example.\n"
    "; Optional: The next?key.\n"
    "s1._domainkey.customer.example. 300 IN CNAME def.dkim.gw.example.\n";

TEST(Domains, AddShowsWhatToPublish) {
  FakeDaemon daemon([](const Json&) { return Answer("pending"); });
  EXPECT_EQ(daemon.Run({"domain", "add", "customer.example", "--account", "acme", "--ed25519"}),
            kDone);
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"domain add",
      "name":"customer.example","account":"acme","ed25519":true})"));
  EXPECT_EQ(daemon.out,
            "Added domain customer.example of account acme. These records have to be published in "
            "its DNS:\n\n" +
                std::string(kLines) +
                "\nThey are looked for every 7 minutes until they are seen; then it may send.\n"
                "To ask at once: ringpost domain check customer.example\n");
  EXPECT_EQ(daemon.Run({"--json", "domain", "add", "customer.example", "--account", "acme"}),
            kDone);
  EXPECT_EQ(Json::parse(daemon.out), Answer("pending"));
  EXPECT_EQ(daemon.requests()[1]["ed25519"], false);
}

TEST(Domains, ShowHasAllOfIt) {
  const WallTime now = *ParseTime("2026-11-24T08:20:24.000Z");
  const std::string head =
      "domain customer.example of account acme\n"
      "  state       broken since 2026-11-24 07:16:24 UTC\n"
      "  last check  2026-11-24 08:16:24 UTC, 4m ago\n"
      "  next check  in 3m\n\n"
      "What the last check found:\n"
      "  k3x9.customer.example has no record\n\n";
  const std::string keys =
      "\nSELECTOR  KIND  SLOT  KEY      SINCE                    UNTIL\n"
      "s1        rsa   A     waiting  2026-11-24 07:16:24 UTC\n"
      "s2        rsa   B     none     -\n";
  EXPECT_EQ(ViewDomain(Domain("broken"), now, Terminal{}),
            head + "Records to publish, if that has not been done (see above):\n" + kLines + keys);
  Json fresh = Domain("pending");
  fresh["last_check"] = nullptr;
  fresh["words"] = Json::array();
  EXPECT_EQ(ViewDomain(fresh, now, Terminal{}),
            "domain customer.example of account acme\n"
            "  state       pending since 2026-11-24 07:16:24 UTC\n"
            "  last check  none yet\n"
            "  next check  in 3m\n\n"
            "Records to publish:\n" +
                std::string(kLines) + keys);
  Json good = Domain("verified");
  good["words"] = Json::array();
  const std::string text = ViewDomain(good, now, Terminal{});
  EXPECT_NE(text.find("found:\n  all is right\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nIts records, which have to stay published:\n"), std::string::npos);
  EXPECT_EQ(text.find("Advice"), std::string::npos);
  good["advice"] = {"there is no DMARC policy", "no PTR\nrecord"};
  EXPECT_NE(ViewDomain(good, now, Terminal{})
                .find("  all is right\n\n"
                      "Advice, which its state does not depend on:\n"
                      "  there is no DMARC policy\n"
                      "  no PTR?record\n\n"
                      "Its records"),
            std::string::npos);
}

TEST(Domains, CheckSaysWhetherItIsVerified) {
  const char* state = "verified";
  FakeDaemon daemon([&](const Json&) { return Answer(state); });
  EXPECT_EQ(daemon.Run({"domain", "check", "customer.example"}), kDone);
  EXPECT_EQ(daemon.err, "Asking the DNS about customer.example; that may take seconds.\n");
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"domain check",
      "name":"customer.example"})"));
  for (const char* other : {"pending", "broken", ""}) {
    state = other;
    EXPECT_EQ(daemon.Run({"domain", "check", "customer.example"}), kRefused) << other;
    EXPECT_EQ(daemon.Run({"--json", "domain", "check", "customer.example"}), kRefused) << other;
    EXPECT_TRUE(daemon.err.empty()) << daemon.err;
    EXPECT_EQ(daemon.Run({"domain", "show", "customer.example"}), kDone) << other;
  }
}

TEST(Domains, RotateSaysWhoseTurnItIs) {
  Json rotated = Answer("verified");
  rotated["domain"]["keys"] = Json::parse(R"([
      {"selector":"s1","kind":"rsa","slot":"A","state":"retired",
       "since":"2026-11-24T08:16:24.000Z","until":"2026-12-06T08:21:24.000Z"},
      {"selector":"s2","kind":"rsa","slot":"B","state":"active",
       "since":"2026-11-24T08:16:24.000Z","until":null}])");
  Json answer = rotated;
  FakeDaemon daemon([&](const Json&) { return answer; });
  EXPECT_EQ(daemon.Run({"domain", "rotate", "customer.example"}), kDone);
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"domain rotate",
      "name":"customer.example"})"));
  EXPECT_EQ(daemon.out,
            "RSA key A (s1) signs no more, and stays published until 2026-12-06 08:21:24 UTC for "
            "mail that is on its way.\n"
            "RSA key B (s2) signs from now on.\n"
            "The zone needs no change.\n");
  EXPECT_EQ(daemon.Run({"--json", "domain", "rotate", "customer.example"}), kDone);
  EXPECT_EQ(Json::parse(daemon.out), rotated);
  answer = {
      {"ok", false},
      {"error", {{"code", "unavailable"}, {"message", "nothing was changed: it is not seen"}}}};
  EXPECT_EQ(daemon.Run({"domain", "rotate", "customer.example"}), kRefused);
}

TEST(Domains, ListsGoThroughEveryPage) {
  FakeDaemon daemon([](const Json& request) {
    Json domain = Domain("pending");
    domain["since"] = domain["last_check"] = nullptr;
    Json answer = {{"ok", true}, {"domains", Json::array({domain})}};
    if (!request.contains("after")) answer["next"] = "domain/customer.example";
    return answer;
  });
  EXPECT_EQ(daemon.Run({"domain", "list", "--account", "acme"}), kDone);
  EXPECT_EQ(daemon.out,
            "NAME              ACCOUNT  STATE    SINCE  LAST CHECK  WHAT IT FOUND\n"
            "customer.example  acme     pending  -      -           "
            "k3x9.customer.example has no record\n"
            "customer.example  acme     pending  -      -           "
            "k3x9.customer.example has no record\n");
  EXPECT_EQ(daemon.requests()[1], Json::parse(R"({"command":"domain list","account":"acme",
      "limit":1000,"after":"domain/customer.example"})"));
  EXPECT_EQ(daemon.Run({"domain", "list", "--limit", "1"}), kDone);
  EXPECT_TRUE(daemon.out.ends_with("There is more: raise --limit.\n")) << daemon.out;
  EXPECT_EQ(daemon.Run({"--json", "domain", "list"}), kDone);
  EXPECT_TRUE(daemon.out.ends_with("{\"ok\":true,\"listed\":2}\n")) << daemon.out;
}

TEST(Domains, AListIsCutToTheTerminal) {
  Terminal terminal;
  terminal.tty = true;
  Table table = DomainTable();
  Json domain = Domain("verified");
  domain["words"][0] = std::string(200, 'x');
  AddDomainRow(domain, *ParseTime("2026-11-24T08:20:24.000Z"), &table);
  std::istringstream lines(table.ToString(terminal));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 82u) << line;
}

TEST(Domains, Remove) {
  FakeDaemon daemon([](const Json&) { return Json{{"ok", true}}; });
  EXPECT_EQ(daemon.Run({"domain", "remove", "customer.example"}), kUsage);
  EXPECT_TRUE(daemon.requests().empty());
  EXPECT_EQ(daemon.Run({"domain", "remove", "customer.example", "--yes"}), kDone);
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"domain remove",
      "name":"customer.example"})"));
  EXPECT_TRUE(daemon.out.starts_with("Removed domain customer.example.")) << daemon.out;
}

TEST(Domains, ErrorsAreTheDaemonsWords) {
  FakeDaemon daemon([](const Json&) { return NotFound(); });
  for (const char* verb : {"show", "check"}) {
    EXPECT_EQ(daemon.Run({"domain", verb, "a.example"}), kRefused);
    EXPECT_TRUE(daemon.err.ends_with("ringpost: there is no domain\n")) << daemon.err;
    EXPECT_EQ(daemon.out, "");
  }
  EXPECT_EQ(daemon.Run({"domain", "remove", "a.example", "-y"}), kRefused);
  EXPECT_EQ(daemon.Run({"domain", "list"}), kRefused);
  EXPECT_EQ(daemon.Run({"dns", "zone"}), kRefused);
  EXPECT_EQ(daemon.Run({"domain", "add", "a.example"}), kUsage);  // whose?
}

// An older or newer daemon, or something else entirely: no exception, no crash.
TEST(Domains, AnythingMayBeMissingOrOfAnotherType) {
  for (const char* text :
       {R"({"ok":true})", R"({"ok":true,"domain":7,"domains":{"a":1}})",
        R"({"ok":true,"domain":{"words":7,"publish":{"a":1},"keys":[7,{}],"since":7},
            "domains":[7,{},{"words":[7]},{"words":{"a":1}}],"next":7})"}) {
    FakeDaemon daemon([&](const Json&) { return Json::parse(text); });
    EXPECT_EQ(daemon.Run({"domain", "add", "a.example", "--account", "a"}), kDone) << text;
    EXPECT_EQ(daemon.Run({"domain", "show", "a.example"}), kDone) << text;
    EXPECT_EQ(daemon.Run({"domain", "check", "a.example"}), kRefused) << text;
    EXPECT_EQ(daemon.Run({"domain", "list"}), kDone) << text;
    EXPECT_EQ(daemon.Run({"dns", "zone"}), kRefused) << text;
  }
}

// --- dns

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(DnsZone, IsWrittenAsItIs) {
  const std::string zone = "gw.example. 300 IN SOA ns1.gw.example. h.gw.example. 1 2 3 4 5\n";
  Json answer = {{"ok", true}, {"zone", zone}};
  FakeDaemon daemon([&](const Json&) { return answer; });
  EXPECT_EQ(daemon.Run({"dns", "zone"}), kDone);
  EXPECT_EQ(daemon.out, zone);
  EXPECT_EQ(daemon.Run({"dns", "zone", "-"}), kDone);
  EXPECT_EQ(daemon.out, zone);
  EXPECT_EQ(daemon.Run({"--json", "dns", "zone"}), kDone);
  EXPECT_EQ(Json::parse(daemon.out), answer);
  const std::string path = daemon.folder() + "/gw.zone";
  std::ofstream(path) << "old";
  const mode_t mask = ::umask(022);
  EXPECT_EQ(daemon.Run({"dns", "zone", path}), kDone);
  ::umask(mask);
  EXPECT_EQ(daemon.out, "Wrote the zone to " + path + ": 1 line. The server has to be told.\n");
  EXPECT_EQ(Contents(path), zone);
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);  // a server's user reads it
  EXPECT_EQ(daemon.Run({"--json", "dns", "zone", path}), kDone);
  EXPECT_EQ(Json::parse(daemon.out)["bytes"], zone.size());

  // What there was stays where there is nothing to write, or no room for it.
  answer["zone"] = "";
  EXPECT_EQ(daemon.Run({"dns", "zone", path}), kRefused);
  EXPECT_EQ(Contents(path), zone);
  answer["zone"] = zone;
  EXPECT_EQ(daemon.Run({"dns", "zone", daemon.folder() + "/none/gw.zone"}), kRefused);
  EXPECT_NE(daemon.err.find("cannot write"), std::string::npos) << daemon.err;
}

Json Records(const char* records) {
  return {{"ok", true}, {"zone", "gw.example"}, {"records", Json::parse(records)}};
}

TEST(DnsPush, ReadsRecords) {
  auto update = ReadZoneRecords(Records(R"([
      {"owner":"abc.rp.gw.example","type":"MX","ttl":300,"preference":10,"value":"mx1.gw.example"},
      {"owner":"DEF.dkim.gw.example.","type":"TXT","ttl":300,"value":"v=DKIM1; p=AA"}])"));
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_EQ(update->zone, "gw.example");
  const std::vector<dns::Record> expected{
      {"abc.rp.gw.example", dns::RecordType::kMx, 300, 10, "mx1.gw.example"},
      {"def.dkim.gw.example", dns::RecordType::kTxt, 300, 0, "v=DKIM1; p=AA"}};
  EXPECT_EQ(update->records, expected);
  EXPECT_TRUE(update->removed.empty());
}

TEST(DnsPush, RefusesRecordsThatAreNone) {
  const std::pair<const char*, const char*> kWrong[] = {
      {R"([7])", "of a type"},
      {R"([{"owner":"a.gw.example","type":"SOA","ttl":1,"value":"x"}])",
       "a.gw.example SOA is of a type that is not known here"},
      {R"([{"owner":"a.gw.example","type":"TXT","value":"x"}])",
       "a.gw.example TXT has no lifetime"},
      {R"([{"owner":"a.gw.example","type":"TXT","ttl":-1,"value":"x"}])", "no lifetime"},
      {R"([{"owner":"a.gw.example","type":"TXT","ttl":4294967296,"value":"x"}])", "no lifetime"},
      {R"([{"owner":"a.gw.example","type":"MX","ttl":1,"preference":65536,"value":"x.y"}])",
       "no preference"},
      {R"([{"owner":"a.gw.example","type":"MX","ttl":1,"value":"x.y"}])", "no preference"},
      {R"([{"owner":"a.gw.example","type":"A","ttl":1,"value":"x"}])", "a.gw.example"},
      {R"([{"owner":"a..gw.example","type":"A","ttl":1,"value":"192.0.2.1"}])", "a..gw.example"},
      {R"([{"owner":"a.other.example","type":"A","ttl":1,"value":"192.0.2.1"}])",
       "a.other.example A is not in the zone gw.example"}};
  for (const auto& [records, words] : kWrong) {
    auto update = ReadZoneRecords(Records(records));
    ASSERT_FALSE(update.ok()) << records;
    EXPECT_NE(MessageOf(update.status()).find(words), std::string::npos) << update.status();
  }
  EXPECT_FALSE(ReadZoneRecords({{"ok", true}}).ok());
  EXPECT_FALSE(ReadZoneRecords({{"zone", "gw.example"}, {"records", "x"}}).ok());
}

TEST(DnsPush, ReadsKeys) {
  const std::string key = kKey;
  for (const std::string& text :
       {key, key + "\n", "\n  " + key + "  \r\nmore", "# of the zone's server\n" + key,
        "# " + key + "\nkey:\n  - id: update-key\n    algorithm: hmac-sha256\n"}) {
    auto read = ReadTsigKey(text);
    ASSERT_TRUE(read.ok()) << text << read.status();
    EXPECT_EQ(read->name, "update-key");
    EXPECT_EQ(read->secret.size(), 32u);
  }
  for (const std::string text : {"", "\n", "# a comment\n", "hmac-md5:n:AAECAwQFBgcICQoLDA0ODw==",
                                 "hmac-sha256:n:AAEC", "key \"n\" {\n", "hmac-sha256:n"}) {
    auto read = ReadTsigKey(text);
    EXPECT_FALSE(read.ok()) << text;
    EXPECT_EQ(MessageOf(read.status()).find("AAEC"), std::string::npos);
  }
}

TEST(DnsPush, AKeyThatOthersMayReadIsRefused) {
  FakeDaemon daemon([](const Json&) { return Records("[]"); });
  const std::string path = daemon.folder() + "/tsig.key";
  auto push = [&](const char* server) {
    return daemon.Run({"dns", "push", "--server", server, "--tsig-key", path});
  };
  EXPECT_EQ(push("127.0.0.1:53"), kRefused);
  EXPECT_NE(daemon.err.find("cannot read " + path), std::string::npos) << daemon.err;
  std::ofstream(path) << kKey << "\n";
  for (mode_t mode : {0644, 0640, 0604, 0602}) {
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(push("127.0.0.1:53"), kRefused) << mode;
    EXPECT_NE(daemon.err.find("chmod 600"), std::string::npos) << daemon.err;
  }
  EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
  for (const char* server : {"127.0.0.1", "ns1.gw.example:53", "[::1]", ""}) {
    EXPECT_EQ(push(server), kUsage) << server;
  }
  EXPECT_TRUE(daemon.requests().empty());
  EXPECT_EQ(push("[::1]:53"), kDone) << daemon.err;
  EXPECT_EQ(daemon.out, "The zone gw.example has no records to send: no domain was added yet.\n");
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"dns records"})"));
  std::ofstream(path) << std::string(20'000, '#');
  EXPECT_EQ(push("[::1]:53"), kRefused);
  EXPECT_NE(daemon.err.find("too long"), std::string::npos) << daemon.err;
}

}  // namespace
}  // namespace ringpost::cli
