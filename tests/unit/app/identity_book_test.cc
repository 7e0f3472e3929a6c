#include "gateway/app/identity_book.h"

#include <gtest/gtest.h>

#include "gateway/app/identity_service.h"
#include "gateway/app/password_store.h"
#include "gateway/identity/api_key.h"
#include "gateway/identity/decision.h"
#include "gateway/identity/password_record.h"
#include "gateway/smtp/base64.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using identity::CredentialKind;
using identity::Json;

class IdentityBookTest : public ::testing::Test {
 protected:
  IdentityBookTest() { Open(); }
  void Open() {
    book_.reset();
    store_.reset();
    auto store = storage::ControlStore::Open(dir_.path() + "/control.store", nullptr);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
    auto book = IdentityBook::Open(store_.get());
    ASSERT_TRUE(book.ok()) << book.status();
    book_ = std::move(*book);
  }
  // As a client would send it.
  Json Ask(const char* text) {
    auto request = ParseControlRequest(text);
    if (auto* error = std::get_if<ControlError>(&request)) return {{"refused", error->message}};
    auto& control = std::get<ControlRequest>(request);
    auto parsed = ParseIdentityRequest(control.command, *control.identity);
    if (auto* error = std::get_if<ControlError>(&parsed)) return {{"refused", error->message}};
    return book_->Answer(std::get<IdentityRequest>(parsed), 1000, WallFromMillis(now_ms_ += 1000));
  }
  Json Done(const char* text) {
    Json answer = Ask(text);
    EXPECT_EQ(answer.value("ok", false), true) << answer.dump() << "\n" << text;
    return answer;
  }
  std::string Refused(const char* text) {
    Json answer = Ask(text);
    if (answer.contains("refused")) return answer["refused"];
    EXPECT_EQ(answer.value("ok", true), false) << answer.dump();
    return answer["error"]["message"];
  }
  void AddAcme() {
    Done(R"({"command":"identity put","mode":"create","records":[
      {"type":"account","name":"acme"},
      {"type":"credential","name":"Printer","account":"acme","password":true},
      {"type":"sender","name":"example.com","account":"acme","state":"verified"}]})");
  }
  size_t Audited() { return Done(R"({"command":"identity audit"})")["entries"].size(); }

  TempFolder dir_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<IdentityBook> book_;
  int64_t now_ms_ = 1'790'000'000'000;
};

TEST_F(IdentityBookTest, WhatIsAddedIsFoundAlsoAfterARestart) {
  Json answer = Done(R"({"command":"identity put","mode":"create","records":[
    {"type":"account","name":"acme","region":"eu"},
    {"type":"credential","name":"Printer","account":"ACME","password":true,
     "senders":{"mode":"allow","entries":["example.com"]},"networks":["192.0.2.0/24"]},
    {"type":"credential","kind":"network","name":"198.51.100.0/24","account":"acme","status":"sandbox"},
    {"type":"sender","name":"Example.COM","account":"acme","state":"verified"}]})");
  EXPECT_EQ(answer["changes"].size(), 4u);
  std::string password = answer["changes"][1]["password"];
  EXPECT_GE(password.size(), 22u);
  for (int opened = 0; opened < 2; ++opened) {
    const identity::Directory& directory = *book_->directory();
    auto user = directory.FindUser("printer");
    ASSERT_TRUE(user);
    EXPECT_EQ(user->account->region, "eu");
    EXPECT_TRUE(user->settings->networks->Contains(*IpAddress::Parse("192.0.2.9")));
    EXPECT_FALSE(user->settings->senders->Allows(identity::ListedAddress::From("a@b.example")));
    auto network = directory.FindNetwork(*IpAddress::Parse("198.51.100.7"));
    ASSERT_TRUE(network);
    EXPECT_EQ(network->status, identity::CredentialStatus::kSandbox);
    EXPECT_TRUE(
        directory.Verified(user->account->id, identity::ListedAddress::From("x@example.com")));
    auto stored = store_->Get(PasswordStore::KeyOf(user->id));
    ASSERT_TRUE(stored.ok() && *stored);
    EXPECT_TRUE(identity::PasswordRecord::Decode(**stored)->Verify(password));
    Open();
  }
  EXPECT_EQ(Audited(), 4u);
}

TEST_F(IdentityBookTest, OneIsShownWithWhatItHasUsed) {
  AddAcme();
  constexpr const char* kShow =
      R"({"command":"identity list","type":"credential","name":"printer"})";
  EXPECT_FALSE(Done(kShow).contains("use")) << "nothing is counted";
  identity::QuotaTable quotas(16);
  identity::OutcomeCounts outcomes(16);
  book_->ShowUses({&quotas, &outcomes});
  EXPECT_EQ(Done(kShow)["use"],
            Json::parse(R"({"last_24_hours":{"recipients":0,"hard_bounces":0,"complaints":0}})"));
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"acme","ramp":{"first_day":20,"days":10}},
    {"type":"credential","name":"printer","daily_quota":5,"monthly_quota":50}]})");
  auto user = book_->directory()->FindUser("printer");
  WallTime now = WallFromMillis(now_ms_);
  for (auto [kind, id] : {std::pair(identity::QuotaTable::Kind::kCredential, user->id),
                          std::pair(identity::QuotaTable::Kind::kAccount, user->account->id)}) {
    identity::QuotaHold hold;
    for (int i = 0; i < 3; ++i) hold.Take(&quotas, kind, id, {20, 20}, now);
    hold.Accept(now);
  }
  outcomes.Add(user->id, identity::OutcomeCounts::What::kAccepted, now, 3);
  outcomes.Add(user->id, identity::OutcomeCounts::What::kHardBounce, now);
  EXPECT_EQ(Done(kShow)["use"], Json::parse(R"({
      "day":{"recipients":3,"quota":5,"begins_anew":"2026-09-22T00:00:00.000Z"},
      "month":{"recipients":3,"quota":50,"begins_anew":"2026-10-01T00:00:00.000Z"},
      "last_24_hours":{"recipients":3,"hard_bounces":1,"complaints":0}})"));
  Json account = Done(R"({"command":"identity list","type":"account","name":"acme"})");
  EXPECT_EQ(account["use"], Json::parse(R"({
      "day":{"recipients":3,"quota":20,"begins_anew":"2026-09-22T00:00:00.000Z"}})"));
  EXPECT_FALSE(Done(R"({"command":"identity list"})").contains("use"));
}

TEST_F(IdentityBookTest, OfAnApiKeyItsDigestIsKept) {
  AddAcme();
  Json answer = Done(R"({"command":"identity put","mode":"create","records":[
    {"type":"credential","kind":"api_key","name":"shop","account":"acme","key":true}]})");
  std::string key = answer["changes"][0]["key"];
  EXPECT_TRUE(identity::IsApiKey(key)) << key;
  auto whose = [this](const std::string& text) {
    auto identity = identity::VerifyApiKey(*book_->directory(), text, *IpAddress::Parse("::1"));
    return identity.credential ? std::string(identity.credential->name) : "nobody's";
  };
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(whose(key), "shop");
    bool kept = false;
    auto look = [&](std::string_view, const std::string& value) {
      kept |= value.find(key.substr(3)) != std::string::npos;
    };
    EXPECT_TRUE(store_->ForEach("", look).ok());
    EXPECT_FALSE(kept) << "the key itself is nowhere, nor in the audit";
    Open();
  }
  answer = Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"credential","kind":"api_key","name":"shop","key":true}]})");
  std::string other = answer["changes"][0]["key"];
  EXPECT_EQ(answer["changes"][0]["what"], "changed");
  EXPECT_EQ(whose(key), "nobody's");
  EXPECT_EQ(whose(other), "shop");
  EXPECT_EQ(Done(R"({"command":"identity audit"})")["entries"][0]["key"], "set");

  // As an export has it, into a gateway that has it no more.
  answer =
      Done(R"({"command":"identity list","type":"credential","kind":"api_key","secrets":true})");
  std::string record = answer["records"][0]["key_record"];
  EXPECT_FALSE(answer["records"][0].contains("password_record"));
  EXPECT_FALSE(
      Done(R"({"command":"identity list","type":"credential","kind":"api_key"})")["records"][0]
          .contains("key_record"));
  Done(R"({"command":"identity remove","type":"credential","kind":"api_key","name":"shop"})");
  EXPECT_EQ(whose(other), "nobody's");
  std::string put = R"({"command":"identity put","records":[{"type":"credential","kind":"api_key",
    "name":"shop","account":"acme","key_record":")" +
                    record + "\"}]}";
  Done(put.c_str());
  EXPECT_EQ(whose(other), "shop");
  EXPECT_EQ(Done(put.c_str())["changes"][0]["what"], "unchanged");
}

TEST_F(IdentityBookTest, KeysAreMadeAndOfApiKeysAlone) {
  AddAcme();
  auto refused = [this](const std::string& members) {
    std::string text =
        R"({"command":"identity put","records":[{"type":"credential","account":"acme",)" + members +
        "}]}";
    return Refused(text.c_str());
  };
  EXPECT_EQ(refused(R"("kind":"api_key","name":"shop","key":"rp_mine")"),
            "an API key's \"key\" is true: one is made, not chosen");
  EXPECT_EQ(refused(R"("kind":"api_key","name":"shop","password":true)"),
            "\"shop\" is none that logs in: only users have passwords");
  EXPECT_EQ(refused(R"("name":"shop","key":true)"), "\"shop\" is no API key: only these have keys");
  EXPECT_EQ(refused(R"("kind":"api_key","name":"shop","key_record":"AAAA")"),
            "an API key's \"key_record\" is what an export with secrets has");
}

TEST_F(IdentityBookTest, ASenderThatCouldNotBeReadAgainIsRefused) {
  AddAcme();
  EXPECT_NE(Refused(R"({"command":"identity put","records":[
    {"type":"sender","name":"\"a b\"@example.com","account":"acme","state":"verified"}]})")
                .find("needs no quotes"),
            std::string::npos);
  Done(R"({"command":"identity put","records":[
    {"type":"sender","name":"\"bob\"@example.com","account":"acme","state":"verified"}]})");
  Open();
  EXPECT_TRUE(book_->directory()->VerifiedFor("bob@example.com"));
}

TEST_F(IdentityBookTest, NumbersAreNotGivenTwice) {
  AddAcme();
  uint32_t first = book_->directory()->FindUser("printer")->id;
  Done(R"({"command":"identity remove","type":"credential","name":"PRINTER"})");
  EXPECT_FALSE(store_->Get(PasswordStore::KeyOf(first))->has_value());
  Open();
  Done(
      R"({"command":"identity put","records":[{"type":"credential","name":"printer","account":"acme"}]})");
  EXPECT_GT(book_->directory()->FindUser("printer")->id, first);
}

TEST_F(IdentityBookTest, AllOrNothing) {
  AddAcme();
  auto before = book_->directory();
  Json answer = Ask(R"({"command":"identity put","records":[
    {"type":"credential","name":"fine","account":"acme"},
    {"type":"credential","name":"bad","account":"nobody"}]})");
  EXPECT_EQ(answer["record"], 1);
  EXPECT_NE(answer["error"]["message"].get<std::string>().find("no account \"nobody\""),
            std::string::npos);
  EXPECT_EQ(book_->directory(), before);
  Open();
  EXPECT_FALSE(book_->directory()->FindUser("fine"));
}

TEST_F(IdentityBookTest, UpdateChangesWhatIsGivenAndPutTheWhole) {
  AddAcme();
  Done(
      R"({"command":"identity put","mode":"update","records":[{"type":"credential","name":"printer",
    "description":"hall","rate":{"count":10,"seconds":60}}]})");
  auto user = book_->directory()->FindUser("printer");
  EXPECT_EQ(user->settings->rate.count, 10u);
  Done(
      R"({"command":"identity put","mode":"update","records":[{"type":"credential","name":"printer",
    "rate":null,"status":"blocked"}]})");
  user = book_->directory()->FindUser("printer");
  EXPECT_FALSE(user->settings->rate.limited());
  EXPECT_EQ(user->status, identity::CredentialStatus::kBlocked);
  Json shown = Done(R"({"command":"identity list","type":"credential","name":"printer"})");
  EXPECT_EQ(shown["records"][0]["description"], "hall");
  // As a whole: what is not given is the default. The password stays.
  Done(
      R"({"command":"identity put","records":[{"type":"credential","name":"printer","account":"acme"}]})");
  shown =
      Done(R"({"command":"identity list","type":"credential","name":"printer","secrets":true})");
  EXPECT_FALSE(shown["records"][0].contains("description"));
  EXPECT_TRUE(shown["records"][0].contains("password_record"));
}

TEST_F(IdentityBookTest, WhatIsTheSameIsUnchangedAndNotWritten) {
  AddAcme();
  size_t audited = Audited();
  Json list = Done(R"({"command":"identity list"})");
  ASSERT_EQ(list["records"].size(), 3u);
  Json put = {{"command", "identity put"}, {"records", list["records"]}};
  Json answer = Done(put.dump().c_str());
  for (const Json& change : answer["changes"]) EXPECT_EQ(change["what"], "unchanged");
  EXPECT_EQ(Audited(), audited);
}

TEST_F(IdentityBookTest, AnExportWithSecretsBringsThePasswordsElsewhere) {
  AddAcme();
  Json list = Done(R"({"command":"identity list","secrets":true})");
  auto record = store_->Get(PasswordStore::KeyOf(book_->directory()->FindUser("printer")->id));
  store_.reset();
  book_.reset();
  TempFolder other;
  auto store = storage::ControlStore::Open(other.path() + "/control.store", nullptr);
  store_ = std::move(*store);
  book_ = std::move(*IdentityBook::Open(store_.get()));
  Done(Json({{"command", "identity put"}, {"records", list["records"]}}).dump().c_str());
  auto here = store_->Get(PasswordStore::KeyOf(book_->directory()->FindUser("printer")->id));
  EXPECT_EQ(**here, **record);
  Json again =
      Done(Json({{"command", "identity put"}, {"records", list["records"]}}).dump().c_str());
  for (const Json& change : again["changes"]) EXPECT_EQ(change["what"], "unchanged");
  EXPECT_EQ(Done(R"({"command":"identity list","secrets":true})")["records"], list["records"]);
  book_.reset();
  store_.reset();
}

// What a change that failed had in mind for its settings must not become another's.
TEST_F(IdentityBookTest, AChangeThatFailsLeavesNoSettingsBehind) {
  AddAcme();
  auto credential = [](const char* name, int quota) {
    return Json{
        {"type", "credential"}, {"name", name}, {"account", "acme"}, {"daily_quota", quota}};
  };
  Json too_long = credential("long", 9);
  for (int i = 0; i < 26'000; ++i) {
    too_long["senders"]["entries"].push_back(std::string(60, 'u') + "@" + std::string(60, 'd') +
                                             "." + std::string(55, 'd') + std::to_string(i));
  }
  too_long["senders"]["mode"] = "block";
  auto put = [](std::initializer_list<Json> records) {
    return Json{{"command", "identity put"}, {"records", Json(records)}}.dump();
  };
  std::string both = put({credential("first", 1), too_long});
  EXPECT_NE(Refused(both.c_str()).find("nothing was changed"), std::string::npos);
  Done(put({credential("second", 2)}).c_str());
  Done(put({credential("first", 1)}).c_str());
  EXPECT_EQ(book_->directory()->FindUser("second")->settings->daily_quota, 2u);
  EXPECT_EQ(book_->directory()->FindUser("first")->settings->daily_quota, 1u);
}

TEST_F(IdentityBookTest, DryRunsChangeNothing) {
  AddAcme();
  auto before = book_->directory();
  Json answer =
      Done(R"({"command":"identity put","dry_run":true,"assume_accounts":["later"],"records":[
    {"type":"account","name":"new"},{"type":"credential","name":"a","account":"new","password":true},
    {"type":"credential","name":"b","account":"later"}]})");
  EXPECT_EQ(answer["changes"][1]["what"], "added");
  Done(
      R"({"command":"identity remove","type":"account","name":"acme","with":true,"dry_run":true})");
  EXPECT_EQ(book_->directory(), before);
  EXPECT_EQ(Done(R"({"command":"identity list"})")["total"], 3);
}

TEST_F(IdentityBookTest, AnAccountGoesWithAllThatIsIts) {
  AddAcme();
  EXPECT_NE(
      Refused(R"({"command":"identity remove","type":"account","name":"acme"})").find("has 2"),
      std::string::npos);
  Json answer = Done(R"({"command":"identity remove","type":"account","name":"acme","with":true})");
  EXPECT_EQ(answer["changes"].size(), 3u);
  EXPECT_EQ(book_->directory()->credentials(), 0u);
  EXPECT_FALSE(book_->directory()->VerifiedFor("example.com"));
  EXPECT_EQ(Done(R"({"command":"identity list"})")["total"], 0);
  Open();
  EXPECT_EQ(Done(R"({"command":"identity list"})")["total"], 0);
}

TEST_F(IdentityBookTest, PagesHoldEveryRecordOnce) {
  AddAcme();
  for (int i = 0; i < 25; ++i) {
    std::string text =
        R"({"command":"identity put","records":[{"type":"credential","account":"acme","name":"u)" +
        std::to_string(i) + "\"}]}";
    Done(text.c_str());
  }
  std::set<std::string> names;
  std::string after;
  for (int pages = 0; pages < 20; ++pages) {
    Json request = {{"command", "identity list"}, {"limit", 4}};
    if (!after.empty()) request["after"] = after;
    Json answer = Done(request.dump().c_str());
    for (const Json& record : answer["records"]) {
      EXPECT_TRUE(
          names.insert(record["type"].get<std::string>() + " " + record["name"].get<std::string>())
              .second);
    }
    if (!answer.contains("next")) break;
    after = answer["next"];
  }
  EXPECT_EQ(names.size(), 28u);
  Json entries = Done(R"({"command":"identity audit","limit":2})");
  EXPECT_EQ(entries["entries"][0]["name"], "u24");
  EXPECT_EQ(entries["entries"][1]["name"], "u23");
}

TEST_F(IdentityBookTest, SendersAreOneAccounts) {
  AddAcme();
  Done(R"({"command":"identity put","records":[{"type":"account","name":"other"}]})");
  EXPECT_NE(Refused(R"({"command":"identity put","records":[
    {"type":"sender","name":"EXAMPLE.com","account":"other"}]})")
                .find("another account's"),
            std::string::npos);
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"sender","name":"example.com","state":"broken"}]})");
  EXPECT_FALSE(book_->directory()->VerifiedFor("example.com"));
}

TEST_F(IdentityBookTest, RefusalsNameWhatIsWrong) {
  AddAcme();
  struct Case {
    const char* request;
    const char* words;
  } cases[] = {
      {R"({"command":"identity put","records":[{"name":"x"}]})", "\"type\""},
      {R"({"command":"identity put","records":[7]})", "\"type\""},
      {R"({"command":"identity put","records":{}})", "\"records\""},
      {R"({"command":"identity put","recods":[]})", "has no \"recods\""},
      {R"({"command":"identity put","records":[{"type":"account","name":"a b"}]})",
       "name of an account"},
      {R"({"command":"identity put","records":[{"type":"account","name":"a","colour":1}]})",
       "has no \"colour\""},
      {R"({"command":"identity put","records":[{"type":"account","name":"a"},{"type":"account","name":"A"}]})",
       "twice"},
      {R"({"command":"identity put","mode":"create","records":[{"type":"account","name":"ACME"}]})",
       "there already"},
      {R"({"command":"identity put","mode":"update","records":[{"type":"account","name":"none"}]})",
       "there is no"},
      {R"({"command":"identity put","records":[{"type":"credential","kind":"network","name":"10.0.0.1/8","account":"acme"}]})",
       "192.0.2.0/24"},
      {R"({"command":"identity put","records":[{"type":"credential","kind":"network","name":"10.0.0.0/8","account":"acme","password":true}]})",
       "only users"},
      {R"({"command":"identity put","records":[{"type":"credential","name":"x","account":"acme","password":"short"}]})",
       "password was not taken"},
      {R"({"command":"identity put","records":[{"type":"credential","name":"x","account":"acme","password_record":"AAAA"}]})",
       "password_record"},
      {R"({"command":"identity put","records":[{"type":"credential","name":"x","account":"acme","senders":{"mode":"allow","entries":["@@"]}}]})",
       "\"senders\""},
      {R"({"command":"identity put","records":[{"type":"credential","name":"x","account":"acme","rate":{"count":-1}}]})",
       "\"count\""},
      {R"({"command":"identity put","records":[{"type":"sender","name":"no domain","account":"acme"}]})",
       "\"name\""},
      {R"({"command":"identity remove","type":"credential","name":"none"})",
       "there is no credential"},
      {R"({"command":"identity list","limit":0})", "at least 1"},
      {R"({"command":"identity list","type":"colour"})", "\"account\", \"sender\", \"credential\""},
  };
  for (const Case& one : cases) {
    std::string words = Refused(one.request);
    EXPECT_NE(words.find(one.words), std::string::npos) << one.request << "\n" << words;
  }
}

TEST_F(IdentityBookTest, PasswordsAreNotInTheAuditLog) {
  Json answer = Done(R"({"command":"identity put","records":[{"type":"account","name":"acme"},
    {"type":"credential","name":"x","account":"acme","password":"a long enough one 77"}]})");
  Json audit = Done(R"({"command":"identity audit"})");
  EXPECT_EQ(audit.dump().find("long enough"), std::string::npos);
  EXPECT_EQ(audit["entries"][0]["password"], "set");
  EXPECT_EQ(audit["entries"][0]["uid"], 1000);
}

// Of a long list the log says how long it was: before and after together must fit into an entry,
// and entries into a page.
TEST_F(IdentityBookTest, LongListsAreCountedInTheAuditLog) {
  AddAcme();
  auto put = [&](const std::string& list, size_t entries, size_t bytes) {
    std::string request =
        R"({"command":"identity put","mode":"update","records":[{"type":"credential",)"
        R"("name":"printer",")" +
        list + R"(":{"mode":"allow","entries":[)";
    for (size_t i = 0; i < entries; ++i) {
      std::string number = std::to_string(i);
      request += (i > 0 ? ",\"" : "\"") + number +
                 std::string(bytes > number.size() ? bytes - number.size() : 0, 'a') +
                 "@example.com\"";
    }
    request += "]}}]}";
    Done(request.c_str());
    return Done(R"({"command":"identity audit","limit":1})")["entries"][0];
  };
  Json entry = put("senders", 100, 10);
  EXPECT_EQ(entry["after"]["senders"]["entries"].size(), 100u);
  EXPECT_FALSE(entry["after"]["senders"].contains("count"));
  entry = put("senders", 101, 10);
  EXPECT_EQ(entry["before"]["senders"]["entries"].size(), 100u);
  EXPECT_EQ(entry["after"]["senders"]["count"], 101);
  EXPECT_EQ(entry["after"]["senders"]["mode"], "allow");
  EXPECT_FALSE(entry["after"]["senders"].contains("entries"));
  entry = put("recipients", 102, 10);
  EXPECT_EQ(entry["after"]["recipients"]["count"], 102);
  // Two that a record holds one of.
  put("senders", 45'000, 60);
  entry = put("senders", 45'001, 60);
  EXPECT_EQ(entry["before"]["senders"]["count"], 45'000);
  EXPECT_EQ(entry["after"]["senders"]["count"], 45'001);
  Json listed = Done(R"({"command":"identity list","type":"credential","name":"printer"})");
  EXPECT_EQ(listed["records"][0]["senders"]["entries"].size(), 45'001u) << "the record is whole";
}

TEST_F(IdentityBookTest, TheServiceAnswersWhenEveryShardHasTheChange) {
  book_.reset();
  auto service = IdentityService::Open(store_.get(), {});
  ASSERT_TRUE(service.ok());
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> all_have_it;
  std::vector<Json> answers;
  (*service)->Start([&](const IdentityView& view, std::function<void()> done) {
    std::lock_guard lock(mutex);
    EXPECT_EQ(view.directory->credentials(), 0u);
    all_have_it = std::move(done);
    changed.notify_all();
  });
  IdentityPut put;
  put.records = Json::array({{{"type", "account"}, {"name", "acme"}}});
  (*service)->Request(put, 0, [&](const Json& answer) {
    std::lock_guard lock(mutex);
    answers.push_back(answer);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return all_have_it != nullptr; });
  EXPECT_TRUE(answers.empty());
  lock.unlock();
  all_have_it();
  lock.lock();
  changed.wait(lock, [&] { return !answers.empty(); });
  EXPECT_EQ(answers[0]["ok"], true);
  lock.unlock();
  (*service)->Stop();
  (*service)->Request(put, 0, [&](const Json& answer) { answers.push_back(answer); });
  EXPECT_EQ(answers.at(1)["error"]["code"], "stopping");
  service->reset();
  all_have_it();  // a shard that is late
}

TEST_F(IdentityBookTest, ARampBeginsWhenItIsMadeAndGoesOn) {
  constexpr char kShow[] = R"({"command":"identity list","type":"account","name":"new"})";
  auto begins = [&] { return Done(kShow)["records"][0]["ramp"]["begins"].get<std::string>(); };
  Done(R"({"command":"identity put","mode":"create","records":[
    {"type":"account","name":"new","ramp":{"first_day":200,"days":14}}]})");
  const std::string first = begins();
  EXPECT_EQ(first, FormatRfc3339(WallFromMillis(now_ms_)).substr(0, 10));
  now_ms_ += 3 * 86'400'000;
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"new","ramp":{"first_day":300}}]})");
  EXPECT_EQ(begins(), first);
  Done(R"({"command":"identity put","mode":"put","records":[
    {"type":"account","name":"new","ramp":{"first_day":300,"days":7}}]})");
  EXPECT_EQ(begins(), first);
  Open();
  EXPECT_EQ(begins(), first);
  EXPECT_EQ(book_->directory()->FindAccount(1)->ramp.days, 7u);
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"new","ramp":{"begins":null}}]})");
  EXPECT_NE(begins(), first);
  EXPECT_NE(Refused(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"new","ramp":{"begins":"soon"}}]})")
                .find("is a day"),
            std::string::npos);
  EXPECT_NE(Refused(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"new","ramp":{"days":0}}]})")
                .find("at least 1"),
            std::string::npos);
}

TEST_F(IdentityBookTest, TheBrakeBlocksAndSaysWhy) {
  AddAcme();
  uint32_t id = book_->directory()->FindUser("printer")->id;
  std::vector<uint32_t> unblocked;
  book_->OnUnblocked([&](uint32_t credential) { unblocked.push_back(credential); });
  size_t audited = Audited();
  auto braked = book_->Brake(id, "30 hard bounces", WallFromMillis(now_ms_ += 1000));
  ASSERT_TRUE(braked.ok()) << braked.status();
  ASSERT_TRUE(*braked);
  EXPECT_EQ((*braked)->account, "acme");
  EXPECT_EQ((*braked)->name, "Printer");
  EXPECT_EQ(book_->directory()->FindUser("printer")->status, identity::CredentialStatus::kBlocked);
  Json entries = Done(R"({"command":"identity audit"})")["entries"];
  ASSERT_EQ(entries.size(), audited + 1);
  EXPECT_EQ(entries[0]["by"], "brake");
  EXPECT_FALSE(entries[0].contains("uid"));
  EXPECT_EQ(entries[0]["after"]["blocked_because"], "30 hard bounces");
  constexpr char kShow[] =
      R"({"command":"identity list","type":"credential","kind":"user","name":"printer"})";
  EXPECT_EQ(Done(kShow)["records"][0]["blocked_because"], "30 hard bounces");
  // It is blocked already.
  braked = book_->Brake(id, "31 hard bounces", WallFromMillis(now_ms_));
  EXPECT_TRUE(braked.ok() && !*braked);
  EXPECT_TRUE(unblocked.empty());
  Open();
  book_->OnUnblocked([&](uint32_t credential) { unblocked.push_back(credential); });
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"credential","name":"printer","status":"allowed"}]})");
  EXPECT_EQ(unblocked, std::vector<uint32_t>{id});
  EXPECT_FALSE(Done(kShow)["records"][0].contains("blocked_because"));
  EXPECT_EQ(Audited(), audited + 2);
}

TEST_F(IdentityBookTest, TheBrakeLeavesAloneWhoIsExemptGoneOrDoesNotSend) {
  AddAcme();
  uint32_t id = book_->directory()->FindUser("printer")->id;
  auto nothing = [&](uint32_t credential) {
    auto braked = book_->Brake(credential, "why", WallFromMillis(now_ms_ += 1000));
    return braked.ok() && !*braked;
  };
  EXPECT_TRUE(nothing(id + 100));
  Done(
      R"({"command":"identity put","mode":"update","records":[{"type":"account","name":"acme","exempt":true}]})");
  EXPECT_TRUE(nothing(id));
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"account","name":"acme","exempt":false},
    {"type":"credential","name":"printer","status":"sandbox"}]})");
  EXPECT_TRUE(nothing(id));
  Done(R"({"command":"identity put","mode":"update","records":[
    {"type":"credential","name":"printer","status":"allowed"}]})");
  EXPECT_FALSE(nothing(id));
}

}  // namespace
}  // namespace ringpost::app
