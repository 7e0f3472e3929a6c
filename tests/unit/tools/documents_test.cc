// ringpost account export and import against a daemon that answers as the tests say.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/unit/tools/fake_daemon.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/import_blocks.h"

namespace ringpost::cli {
namespace {

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Takes everything that is of an account it has, or is told to assume.
class Accounts {
 public:
  Json Answer(const Json& request) {
    Json changes = Json::array();
    std::set<std::string> assumed;
    if (request.contains("assume_accounts")) assumed = request["assume_accounts"];
    const bool dry = request.contains("dry_run");
    const bool domains = request["command"] == "domain import";
    for (const Json& record : request[domains ? "domains" : "records"]) {
      const std::string name = record["name"];
      const std::string account = record.contains("account") ? record["account"] : Json("");
      if (!account.empty() && !names_.contains(account) && !assumed.contains(account)) {
        return {{"ok", false},
                {"error", {{"code", "not_found"}, {"message", "no account " + account}}},
                {"record", changes.size()}};
      }
      const bool is_new = !names_.contains(name);
      if (!dry || record["type"] == "account") names_.insert(name);
      changes.push_back(
          {{"type", record["type"]}, {"name", name}, {"what", is_new ? "added" : "unchanged"}});
      if (dry && is_new) forget_.insert(name);
      if (record.contains("password") && record["password"] == true) {
        changes.back()["password"] = "made-" + name;
      }
    }
    // A dry run knows what it has seen for one request.
    for (const std::string& name : forget_) names_.erase(name);
    forget_.clear();
    return {{"ok", true}, {"changes", changes}};
  }

 private:
  std::set<std::string> names_, forget_;
};

class Documents : public testing::Test {
 protected:
  std::string File(const std::string& text) {
    const std::string path = daemon_.folder() + "/document.json";
    std::ofstream(path) << text;
    return path;
  }
  // `accounts` and as many users of the first.
  static std::string Document(int accounts, int users, const std::string& more = "") {
    std::string text = R"({"ringpost":1,"exported":"x","accounts":[)";
    for (int i = 0; i < accounts; ++i) {
      text += (i ? ",{\"name\":\"a" : "{\"name\":\"a") + std::to_string(i) + "\"}";
    }
    text += R"(],"credentials":[)";
    for (int i = 0; i < users; ++i) {
      text += std::string(i ? "," : "") + R"({"kind":"user","name":"u)" + std::to_string(i) +
              R"(","account":"a0")" + more + "}";
    }
    return text + "]}";
  }

  Accounts accounts_;
  FakeDaemon daemon_{[this](const Json& request) { return accounts_.Answer(request); }};
};

TEST_F(Documents, AnImportIsSentInBlocks) {
  const std::string path = File(Document(3, 2500));
  EXPECT_EQ(daemon_.Run({"account", "import", path}), kDone) << daemon_.err;
  ASSERT_EQ(daemon_.requests().size(), 3u);
  EXPECT_EQ(daemon_.requests()[0]["mode"], "put");
  EXPECT_FALSE(daemon_.requests()[0].contains("dry_run"));
  EXPECT_EQ(daemon_.requests()[0]["records"].size(), 1000u);
  EXPECT_EQ(daemon_.requests()[2]["records"].size(), 503u);
  EXPECT_EQ(daemon_.requests()[0]["records"][0], Json::parse(R"({"name":"a0","type":"account"})"));
  EXPECT_EQ(daemon_.out,
            "Imported:\n"
            "             ADDED  CHANGED  UNCHANGED\n"
            "accounts         3        0          0\n"
            "senders          0        0          0\n"
            "credentials  2,500        0          0\n"
            "domains          0        0          0\n"
            "2,500 users that are new have no password: ringpost credential password NAME makes "
            "one.\n");
  EXPECT_EQ(daemon_.Run({"--json", "account", "import", path}), kDone);
  EXPECT_EQ(Json::parse(daemon_.out), Json::parse(R"({"ok":true,"dry_run":false,
      "accounts":{"added":0,"changed":0,"unchanged":3},
      "senders":{"added":0,"changed":0,"unchanged":0},
      "credentials":{"added":0,"changed":0,"unchanged":2500},
      "domains":{"added":0,"changed":0,"unchanged":0}})"));
}

// They are a request of their own.
TEST_F(Documents, DomainsComeInBlocksOfTheirOwn) {
  const std::string path = File(
      R"({"ringpost":1,"accounts":[{"name":"a0"}],"domains":[{"name":"x.example","account":"a0"},
          {"name":"y.example","account":"a0","keys":{}},{"name":"z.example","account":"b"}]})");
  EXPECT_EQ(daemon_.Run({"account", "import", "--dry-run", path}), kRefused);
  ASSERT_EQ(daemon_.requests().size(), 2u);
  EXPECT_EQ(daemon_.requests()[0]["command"], "identity put");
  EXPECT_EQ(daemon_.requests()[0]["records"].size(), 1u);
  EXPECT_EQ(daemon_.requests()[1],
            Json::parse(R"({"command":"domain import","dry_run":true,"assume_accounts":["a0"],
      "domains":[{"name":"x.example","account":"a0","type":"domain"},
                 {"name":"y.example","account":"a0","keys":{},"type":"domain"},
                 {"name":"z.example","account":"b","type":"domain"}]})"));
  EXPECT_NE(daemon_.err.find("domain number 3 of " + path + " (domain z.example) is refused:"),
            std::string::npos)
      << daemon_.err;
}

TEST_F(Documents, DomainsWithoutTheirKeysAreSaid) {
  const std::string path = File(
      R"({"ringpost":1,"accounts":[{"name":"a0"}],"domains":[{"name":"x.example","account":"a0"},
          {"name":"y.example","account":"a0","keys":{"s":"AAAA"}}]})");
  EXPECT_EQ(daemon_.Run({"account", "import", path}), kDone);
  EXPECT_NE(daemon_.out.find("domains          2        0          0\n"
                             "1 domain that is new gets other keys: publish the zone again"),
            std::string::npos)
      << daemon_.out;
}

// The daemon does nothing in a dry run, so that it must be told of accounts that it would have.
TEST_F(Documents, ADryRunKnowsTheAccountsOfEarlierBlocks) {
  const std::string path = File(Document(1500, 1000));
  EXPECT_EQ(daemon_.Run({"account", "import", "--dry-run", path}), kDone) << daemon_.err;
  ASSERT_EQ(daemon_.requests().size(), 3u);
  EXPECT_FALSE(daemon_.requests()[0].contains("assume_accounts"));
  EXPECT_EQ(daemon_.requests()[1]["assume_accounts"], Json::parse(R"(["a0"])"));
  EXPECT_EQ(daemon_.requests()[2]["dry_run"], true);
  EXPECT_TRUE(daemon_.out.starts_with("A dry run, nothing was changed.")) << daemon_.out;
}

TEST_F(Documents, TheFirstRefusedRecordEndsIt) {
  std::string text = Document(1, 1500);
  text.replace(text.find("\"a0\"}", text.find("u1200")), 5, "\"b\"}");
  const std::string path = File(text);
  EXPECT_EQ(daemon_.Run({"account", "import", path}), kPartial);
  EXPECT_EQ(daemon_.err,
            "ringpost: credential number 1,201 of " + path +
                " (user u1200) is refused:\n"
                "ringpost: no account b\n"
                "  the first 1,000 records were done (0 of them as they were already); import the "
                "whole again when it is right, what is the same stays\n");
  EXPECT_EQ(daemon_.requests().size(), 2u);
  EXPECT_EQ(daemon_.Run({"--json", "account", "import", path, "--dry-run"}), kRefused);
  const Json last = Json::parse(daemon_.out);
  EXPECT_EQ(last["record"], Json::parse(R"({"type":"credential","number":1201,"kind":"user",
      "name":"u1200"})"));
  EXPECT_EQ(last["error"]["code"], "not_found");
  EXPECT_EQ(last["done"]["credentials"]["unchanged"], 999);
}

TEST_F(Documents, WhatIsNoDocumentIsRefused) {
  EXPECT_EQ(daemon_.Run({"account", "import", daemon_.folder() + "/none"}), kRefused);
  EXPECT_NE(daemon_.err.find("No such file"), std::string::npos);
  EXPECT_EQ(daemon_.Run({"account", "import", daemon_.folder()}), kRefused);
  EXPECT_NE(daemon_.err.find("cannot be read: Is a directory"), std::string::npos);
  EXPECT_EQ(daemon_.Run({"account", "import", File("{\"x\":1}")}), kRefused);
  EXPECT_NE(daemon_.err.find("is not a document of ringpost"), std::string::npos) << daemon_.err;
  EXPECT_NE(daemon_.err.find("nothing was changed"), std::string::npos);
  EXPECT_TRUE(daemon_.requests().empty());
  // One that is cut off: what came before it was done.
  const std::string whole = Document(1, 2000);
  EXPECT_EQ(daemon_.Run({"account", "import", File(whole.substr(0, whole.size() - 20))}), kPartial);
  EXPECT_NE(daemon_.err.find("it was cut off\n  the first 1,000 records were done"),
            std::string::npos)
      << daemon_.err;
}

TEST_F(Documents, PasswordsThatAreMadeAreShown) {
  EXPECT_EQ(daemon_.Run({"account", "import", File(Document(1, 2, R"(,"password":true)"))}), kDone);
  EXPECT_TRUE(daemon_.out.starts_with("user u0\tmade-u0\nuser u1\tmade-u1\nImported:\n"))
      << daemon_.out;
  EXPECT_EQ(daemon_.out.find("have no password"), std::string::npos);
}

TEST(ImportBlock, IsBounded) {
  ImportBlock block(false);
  const Json small = {{"name", "x"}}, large = {{"name", std::string(900'000, 'x')}};
  const Json huge = {{"name", std::string(3'000'000, 'x')}}, hashed = {{"password", "x"}};
  auto add = [&](const Json& record) {
    return block.Add(DocumentSection::kCredentials, 1, record);
  };
  EXPECT_TRUE(add(huge));  // alone
  EXPECT_FALSE(add(small));
  EXPECT_LT(block.Line().size(), limits::kControlRequestBytesMax);
  block.Clear();
  EXPECT_TRUE(add(large));
  EXPECT_FALSE(add(large));
  block.Clear();
  for (size_t i = 0; i < ImportBlock::kRecordsMax; ++i) EXPECT_TRUE(add(small));
  EXPECT_FALSE(add(small));
  block.Clear();
  for (size_t i = 0; i < ImportBlock::kPasswordsMax; ++i) EXPECT_TRUE(add(hashed));
  EXPECT_FALSE(add(hashed));
  EXPECT_TRUE(add(small));
}

TEST(Import, ABusyDaemonIsAskedAgain) {
  int asked = 0;
  FakeDaemon daemon([&](const Json&) -> Json {
    if (++asked < 3) return {{"ok", false}, {"error", {{"code", "busy"}, {"message", "later"}}}};
    return {{"ok", true}, {"changes", {{{"what", "changed"}}}}};
  });
  const std::string path = daemon.folder() + "/d.json";
  std::ofstream(path) << R"({"ringpost":1,"accounts":[{"name":"a"}]})";
  EXPECT_EQ(daemon.Run({"account", "import", path}), kDone) << daemon.err;
  EXPECT_EQ(asked, 3);
}

// A page with a record of each type; the last is the second.
Json ExportPage(const Json& request) {
  if (request["command"] == "domain export") {
    return Json::parse(R"({"ok":true,"domains":[{"name":"a.example","account":"a"}]})");
  }
  if (!request.contains("after")) {
    return Json::parse(R"({"ok":true,"next":"1","records":[{"type":"account","name":"a"},
      {"type":"account","name":"b"}]})");
  }
  return Json::parse(R"({"ok":true,"records":[{"type":"credential","kind":"user","name":"\u00fc",
    "account":"a","password_record":"AAAA"}]})");
}

TEST(Export, IsADocumentThatIsReplacedAsAWhole) {
  FakeDaemon daemon(ExportPage);
  const std::string path = daemon.folder() + "/d.json";
  std::ofstream(path) << "old";
  EXPECT_EQ(daemon.Run({"account", "export", path, "--secrets"}), kDone);
  EXPECT_EQ(daemon.out, "");
  EXPECT_TRUE(
      daemon.err.starts_with("Exported 2 accounts, 0 senders, 1 credential and 1 domain to "))
      << daemon.err;
  EXPECT_NE(daemon.err.find("as secret as the store"), std::string::npos);
  EXPECT_EQ(daemon.requests()[0],
            Json::parse(R"({"command":"identity list","secrets":true,"limit":1000})"));
  EXPECT_EQ(daemon.requests()[2],
            Json::parse(R"({"command":"domain export","secrets":true,"limit":1000})"));
  Json document = Json::parse(Contents(path));
  EXPECT_TRUE(document["exported"].is_string());
  document.erase("exported");
  EXPECT_EQ(document, Json::parse(R"({"ringpost":1,"accounts":[{"name":"a"},{"name":"b"}],
      "senders":[],"credentials":[{"kind":"user","name":"\u00fc","account":"a",
      "password_record":"AAAA"}],"domains":[{"name":"a.example","account":"a"}]})"));
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(daemon.Run({"account", "export"}), kDone);
  EXPECT_EQ(Json::parse(daemon.out)["accounts"].size(), 2u);
  EXPECT_NE(daemon.err.find("No passwords and no keys are in it"), std::string::npos);
}

TEST(Export, WhatFailsLeavesTheOldFile) {
  FakeDaemon daemon([](const Json& request) -> Json {
    if (!request.contains("after")) return ExportPage(request);
    return {{"ok", false}, {"error", {{"code", "unavailable"}, {"message", "no"}}}};
  });
  const std::string path = daemon.folder() + "/d.json";
  std::ofstream(path) << "old";
  EXPECT_EQ(daemon.Run({"account", "export", path}), kRefused);
  EXPECT_EQ(Contents(path), "old");
  EXPECT_EQ(daemon.Run({"account", "export", daemon.folder() + "/none/d.json"}), kRefused);
  EXPECT_NE(daemon.err.find("cannot write"), std::string::npos);
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(daemon.folder())) {
    files += file.path().filename() != "control.sock";
  }
  EXPECT_EQ(files, 1u);
}

TEST(Export, AnOrderThatIsNotKnownIsRefused) {
  FakeDaemon daemon([](const Json&) {
    return Json::parse(R"({"ok":true,"records":[{"type":"credential","name":"a"},
      {"type":"account","name":"b"}]})");
  });
  EXPECT_EQ(daemon.Run({"account", "export", daemon.folder() + "/d.json"}), kRefused);
  EXPECT_NE(daemon.err.find("order"), std::string::npos) << daemon.err;
}

}  // namespace
}  // namespace ringpost::cli
