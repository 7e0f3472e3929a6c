// ringpost account, credential, sender, audit against a daemon that answers as the tests say.
#include <gtest/gtest.h>

#include "tests/unit/tools/fake_daemon.h"
#include "tools/ringpost/exit_code.h"

namespace ringpost::cli {
namespace {

Json Changed(const Json& request, const char* what) {
  Json change = {{"type", "account"}};
  if (request.contains("records")) change = request["records"][0];
  if (request.contains("type")) change = request;
  change["what"] = what;
  return {{"ok", true}, {"changes", Json::array({change})}};
}

Json Error(const char* code, const char* message, const char* hint = "") {
  return {{"ok", false}, {"error", {{"code", code}, {"message", message}, {"hint", hint}}}};
}

TEST(Records, AUserIsAddedWithAPasswordThatIsShownOnce) {
  FakeDaemon daemon([](const Json& request) {
    Json answer = Changed(request, "added");
    answer["changes"][0]["password"] = "k7w2";
    return answer;
  });
  EXPECT_EQ(daemon.Run({"credential", "add", "printer-7", "--account", "acme"}), kDone);
  EXPECT_EQ(daemon.requests()[0],
            Json::parse(R"({"command":"identity put","mode":"create","records":[
              {"type":"credential","kind":"user","name":"printer-7","account":"acme",
               "password":true}]})"));
  EXPECT_TRUE(daemon.out.starts_with("Added user printer-7.\n")) << daemon.out;
  EXPECT_NE(daemon.out.find("only now"), std::string::npos);
  EXPECT_TRUE(daemon.out.ends_with("\n\nk7w2\n\n")) << daemon.out;
}

TEST(Records, AnApiKeyIsMadeAndShownOnce) {
  FakeDaemon daemon([](const Json& request) {
    Json answer = Changed(request, "added");
    answer["changes"][0]["key"] = "rp_k7w2";
    return answer;
  });
  EXPECT_EQ(daemon.Run({"credential", "add", "shop", "--kind", "api_key", "--account", "acme"}),
            kDone);
  EXPECT_EQ(daemon.requests()[0]["records"][0], Json::parse(R"({"type":"credential",
      "kind":"api_key","name":"shop","account":"acme","key":true})"));
  EXPECT_EQ(daemon.out,
            "Added API key shop.\nIts key is shown only now; it is kept nowhere in this form:\n\n"
            "rp_k7w2\n\n");
  EXPECT_EQ(daemon.Run({"credential", "key", "shop"}), kDone);
  EXPECT_EQ(daemon.requests()[1], Json::parse(R"({"command":"identity put","mode":"update",
      "records":[{"type":"credential","kind":"api_key","name":"shop","key":true}]})"));
  EXPECT_TRUE(daemon.out.starts_with("Changed the key of API key shop.\n")) << daemon.out;
  EXPECT_EQ(daemon.Run({"credential", "password", "shop", "--kind", "api_key"}), kUsage);
  EXPECT_EQ(daemon.Run({"credential", "add", "shop", "--kind", "api_key", "--account", "acme",
                        "--no-password"}),
            kDone);
  EXPECT_FALSE(daemon.requests()[2]["records"][0].contains("key"));
}

TEST(Records, EveryOptionIsAMember) {
  FakeDaemon daemon([](const Json& request) { return Changed(request, "added"); });
  EXPECT_EQ(daemon.Run({"credential",
                        "add",
                        "--allow-sender",
                        "a@b.example",
                        "--allow-sender",
                        "\"x,y\"@b.example, *.c.example",
                        "n",
                        "--account",
                        "acme",
                        "--kind",
                        "api_key",
                        "--description",
                        "d",
                        "--status",
                        "sandbox",
                        "--block-recipient",
                        "z.example",
                        "--networks",
                        "192.0.2.0/24,::1",
                        "--rate",
                        "100/1h",
                        "--daily-quota",
                        "7",
                        "--monthly-quota",
                        "70",
                        "--lane",
                        "bulk",
                        "--deadline",
                        "2d",
                        "--archive",
                        "--audit-copy",
                        "au@b.example",
                        "--bounces-to",
                        "bo@b.example",
                        "--egress-pool",
                        "p",
                        "--default-domain",
                        "b.example",
                        "--forced-from",
                        "f@b.example",
                        "--forced-reverse-path",
                        "r@b.example"}),
            kDone)
      << daemon.err;
  EXPECT_EQ(daemon.requests()[0]["records"][0], Json::parse(R"({"type":"credential",
      "kind":"api_key","name":"n","account":"acme",
      "status":"sandbox","description":"d",
      "senders":{"mode":"allow","entries":["a@b.example","\"x,y\"@b.example","*.c.example"]},
      "recipients":{"mode":"block","entries":["z.example"]},
      "networks":["192.0.2.0/24","::1"],"rate":{"count":100,"seconds":3600},"daily_quota":7,
      "monthly_quota":70,"lane":"bulk","deadline_seconds":172800,"archive":true,
      "audit_copy":"au@b.example","bounces_to":"bo@b.example","egress_pool":"p",
      "default_domain":"b.example","forced_from":"f@b.example",
      "forced_reverse_path":"r@b.example","key":true})"))
      << daemon.requests()[0].dump();
}

TEST(Records, SetSendsOnlyWhatIsGiven) {
  FakeDaemon daemon([](const Json& request) { return Changed(request, "changed"); });
  EXPECT_EQ(daemon.Run({"credential", "set", "n", "--no-networks", "--rate", "5/10", "--no-senders",
                        "--no-archive"}),
            kDone);
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"identity put","mode":"update",
      "records":[{"type":"credential","kind":"user","name":"n","senders":null,
      "networks":null,"rate":{"count":5,"seconds":10},"archive":null}]})"));
  EXPECT_EQ(daemon.out, "Changed user n.\n");
  daemon.Forget();
  EXPECT_EQ(daemon.Run({"credential", "block", "n"}), kDone);
  EXPECT_EQ(daemon.Run({"account", "suspend", "a"}), kDone);
  EXPECT_EQ(daemon.Run({"account", "resume", "a"}), kDone);
  EXPECT_EQ(daemon.requests()[0]["records"][0]["status"], "blocked");
  EXPECT_EQ(daemon.requests()[1]["records"][0]["suspended"], true);
  EXPECT_EQ(daemon.requests()[2]["records"][0]["suspended"], nullptr);
}

TEST(Records, ANewAccountRamps) {
  FakeDaemon daemon([](const Json& request) {
    if (request["command"] == "identity put") return Changed(request, "added");
    return Json::parse(R"({"ok":true,"records":[{"type":"account","name":"a",
      "ramp":{"first_day":200,"days":14,"begins":"2026-11-28"}}]})");
  });
  EXPECT_EQ(daemon.Run({"account", "add", "a", "--ramp", "200/14"}), kDone);
  EXPECT_EQ(daemon.requests()[0]["records"][0]["ramp"],
            Json::parse(R"({"first_day":200,"days":14})"));
  daemon.Forget();
  EXPECT_EQ(daemon.Run({"account", "show", "a"}), kDone);
  EXPECT_NE(daemon.out.find("  ramp            200 recipients on the first day, doubled on each of "
                            "14 days, from 2026-11-28 on\n"),
            std::string::npos)
      << daemon.out;
}

// By the daemon itself: why is a member that no option sets.
TEST(Records, WhatTheBrakeDid) {
  FakeDaemon daemon([](const Json& request) {
    if (request["command"] == "identity audit") {
      return Json::parse(R"({"ok":true,"entries":[{"time":"2026-11-24T07:16:24.123Z","by":"brake",
        "what":"changed","type":"credential","kind":"user","name":"x","account":"acme",
        "before":{},"after":{"status":"blocked","blocked_because":"30 bounces"}}]})");
    }
    return Json::parse(R"({"ok":true,"records":[{"type":"credential","kind":"user","name":"x",
      "account":"acme","status":"blocked","blocked_because":"30 bounces"}]})");
  });
  EXPECT_EQ(daemon.Run({"audit"}), kDone);
  EXPECT_EQ(daemon.out,
            "2026-11-24 07:16:24 UTC  brake changed user x of account acme\n"
            "    status          allowed -> blocked\n"
            "    blocked because none -> 30 bounces\n");
  daemon.Forget();
  EXPECT_EQ(daemon.Run({"credential", "show", "x"}), kDone);
  EXPECT_NE(daemon.out.find("  blocked because 30 bounces\n"), std::string::npos) << daemon.out;
}

TEST(Records, WhatIsWrongIsSaidBeforeTheDaemonIsAsked) {
  FakeDaemon daemon([](const Json& request) { return Changed(request, "changed"); });
  using Words = std::vector<std::string>;
  for (const Words& words :
       {Words{"credential", "set", "n"},
        {"credential", "add", "n"},
        {"credential", "add", "", "--account", "a"},
        {"credential", "add", "n", "--account", "a", "--rate", "5"},
        {"credential", "add", "n", "--account", "a", "--rate", "0/5"},
        {"account", "add", "n", "--ramp", "200"},
        {"account", "add", "n", "--ramp", "0/14"},
        {"account", "add", "n", "--ramp", "200/0"},
        {"credential", "add", "n", "--account", "a", "--deadline", "100ms"},
        {"credential", "add", "n", "--account", "a", "--daily-quota", "-1"},
        {"credential", "add", "n", "--account", "a", "--lane", "slow"},
        {"credential", "add", "n", "--account", "a", "--kind", "robot"},
        {"credential", "add", "n", "--account", "a", "--password", "x"},
        {"credential", "add", "n", "--account", "a", "--allow-sender", "x", "--block-sender", "y"},
        {"credential", "password", "n", "--kind", "network"},
        {"credential", "set", "n", "--rate", "1/1", "--no-rate"},
        {"credential", "remove", "n"},
        {"account", "import"}}) {
    EXPECT_EQ(daemon.Run(words), kUsage) << words[1] << " " << words.back();
    EXPECT_FALSE(daemon.err.empty());
  }
  EXPECT_TRUE(daemon.requests().empty());
}

TEST(Records, ErrorsAreTheDaemonsWords) {
  FakeDaemon daemon(
      [](const Json&) { return Error("not_found", "there is no user n", "see list"); });
  EXPECT_EQ(daemon.Run({"credential", "block", "n"}), kRefused);
  EXPECT_EQ(daemon.err,
            "ringpost: there is no user n\n  see list\n"
            "  it was looked for among the users; --kind says where else\n");
  EXPECT_EQ(daemon.Run({"credential", "show", "n"}), kRefused);
  EXPECT_NE(daemon.err.find("--kind"), std::string::npos);
  EXPECT_EQ(daemon.Run({"account", "show", "n"}), kRefused);
  EXPECT_EQ(daemon.Run({"account", "list"}), kRefused);
  EXPECT_EQ(daemon.Run({"account", "remove", "n", "--yes"}), kRefused);
  EXPECT_EQ(daemon.Run({"audit"}), kRefused);
}

TEST(Records, ADaemonThatGoesAwayIsUnreachable) {
  FakeDaemon daemon([](const Json&) { return Json(); });
  EXPECT_EQ(daemon.Run({"account", "add", "n"}), kUnreachable);
  EXPECT_EQ(daemon.Run({"account", "list"}), kUnreachable);
  EXPECT_EQ(daemon.Run({"account", "export"}), kUnreachable);
}

TEST(Records, Remove) {
  FakeDaemon daemon([](const Json& request) { return Changed(request, "removed"); });
  EXPECT_EQ(daemon.Run({"account", "remove", "acme", "--with-all", "--yes"}), kDone);
  EXPECT_EQ(daemon.Run({"sender", "remove", "a.example", "-y"}), kDone);
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"identity remove","type":"account",
      "name":"acme","with":true})"));
  EXPECT_EQ(daemon.requests()[1], Json::parse(R"({"command":"identity remove","type":"sender",
      "name":"a.example"})"));
  EXPECT_EQ(daemon.out, "Removed sender a.example.\n");
}

// Three pages, the second wider than the first.
Json Page(const Json& request) {
  const std::string after = request.contains("after") ? request["after"].get<std::string>() : "";
  const int page = after.empty() ? 0 : std::stoi(after);
  Json record = {{"type", "sender"},
                 {"name", page == 1 ? "longer-name.example" : "a.example"},
                 {"account", "acme"},
                 {"state", "verified"}};
  Json answer = {{"ok", true}, {"records", Json::array({record})}, {"total", 3}};
  if (page < 2) answer["next"] = std::to_string(page + 1);
  return answer;
}

TEST(Records, ListsGoThroughEveryPage) {
  FakeDaemon daemon(Page);
  EXPECT_EQ(daemon.Run({"sender", "list", "--account", "acme"}), kDone);
  EXPECT_EQ(daemon.out,
            "NAME       ACCOUNT  STATE\n"
            "a.example  acme     verified\n"
            "longer-name.example  acme     verified\n"
            "a.example            acme     verified\n");
  EXPECT_EQ(daemon.requests().size(), 3u);
  EXPECT_EQ(daemon.requests()[0]["account"], "acme");
  EXPECT_EQ(daemon.Run({"sender", "list", "--limit", "2"}), kDone);
  EXPECT_TRUE(daemon.out.ends_with("There is more: raise --limit.\n")) << daemon.out;
  EXPECT_EQ(daemon.Run({"--json", "sender", "list"}), kDone);
  EXPECT_TRUE(daemon.out.ends_with("{\"ok\":true,\"total\":3,\"listed\":3}\n")) << daemon.out;
}

TEST(Records, ShowBeginsWithWhatDiffers) {
  FakeDaemon daemon([](const Json&) {
    return Json::parse(R"({"ok":true,"records":[{"type":"account","name":"acme","suspended":false,
      "description":"","rate":{"count":100,"seconds":60},"newer":{"x":1},
      "senders":{"mode":"block","entries":["a.example","b\u001b[0m.example"]}}]})");
  });
  EXPECT_EQ(daemon.Run({"account", "show", "acme"}), kDone);
  EXPECT_EQ(daemon.out,
            "account acme\n"
            "  senders         not a.example, b?[0m.example\n"
            "  rate            100 in 1m\n"
            "  newer           {\"x\":1}\n"
            "  suspended       no\n"
            "  description     none\n"
            "  region          the nearest\n"
            "  exempt          no\n"
            "  recipients      any\n"
            "  ramp            none\n");
}

TEST(Records, AuditSaysWhatChanged) {
  FakeDaemon daemon([](const Json&) {
    return Json::parse(R"({"ok":true,"entries":[
      {"time":"2026-11-24T07:16:24.123Z","uid":0,"what":"changed","type":"credential","kind":"user",
       "name":"x","account":"acme","before":{"status":"allowed","networks":["::1"]},
       "after":{"status":"blocked"}},
      {"time":"2026-11-24T07:16:24.123Z","uid":0,"what":"changed","type":"credential","kind":"user",
       "name":"x","account":"acme","before":{"rate":{"count":0,"seconds":1}},"after":{},"password":"set"},
      {"time":"2026-11-24T07:16:24.123Z","uid":4000000000,"what":"added","type":"account",
       "name":"acme","before":null,"after":{"type":"account","name":"acme","suspended":true}}]})");
  });
  EXPECT_EQ(daemon.Run({"audit", "--account", "acme"}), kDone);
  EXPECT_EQ(daemon.out,
            "2026-11-24 07:16:24 UTC  root changed user x of account acme\n"
            "    status          allowed -> blocked\n"
            "    networks        ::1 -> from anywhere\n"
            "2026-11-24 07:16:24 UTC  root changed user x of account acme\n"
            "    password        set\n"
            "2026-11-24 07:16:24 UTC  uid 4000000000 added account acme\n"
            "    suspended       yes\n");
  EXPECT_EQ(daemon.requests()[0], Json::parse(R"({"command":"identity audit","account":"acme",
      "limit":100})"));
}

// An older or newer daemon, or something else entirely: no exception, no crash.
TEST(Records, AnythingMayBeMissingOrOfAnotherType) {
  for (
      const char* text :
      {R"({"ok":true})", R"({"ok":true,"records":{"a":1},"entries":7,"changes":{"a":1}})",
       R"({"ok":true,"records":[1,{"type":7},{"type":"account","rate":[],"senders":"x","exempt":9}],
            "entries":[null,{"before":[1],"after":"x"},{"what":"added","after":[{}]}],
            "changes":[7],"next":5,"total":"x"})"}) {
    FakeDaemon daemon([&](const Json&) { return Json::parse(text); });
    using Words = std::vector<std::string>;
    for (const Words& words : {Words{"account", "add", "a"},
                               {"account", "list"},
                               {"account", "show", "a"},
                               {"audit"},
                               {"account", "remove", "a", "-y"},
                               {"credential", "add", "a", "--account", "a"}}) {
      EXPECT_EQ(daemon.Run(words), kDone) << words[1] << text;
    }
  }
}

}  // namespace
}  // namespace ringpost::cli
