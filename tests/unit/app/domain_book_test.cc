// What becomes of a domain's sender when DNS is heard, and of checks that were overtaken.
#include "gateway/app/domain_book.h"

#include <gtest/gtest.h>

#include "gateway/identity/domain_check.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/tls/dkim_key.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using dns::Answer;
using identity::Json;
using identity::SenderState;

constexpr const char* kName = "customer.example";
constexpr const char* kZone = "gw.example";

// One gateway's; a test may have another one beside it.
class Gateway {
 public:
  Gateway() {
    auto store = storage::ControlStore::Open(dir_.path() + "/control.store", nullptr);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
    auto identity = IdentityBook::Open(store_.get());
    EXPECT_TRUE(identity.ok()) << identity.status();
    identity_ = std::move(*identity);
    DomainOptions options;
    options.zone = kZone;
    options.name_servers = {"ns.gw.example"};
    options.mailbox = "hostmaster.gw.example";
    options.hostname = "gw.example.com";
    options.regions = {
        {"local",
         {{{10, "mx.gw.example"}}, "v=spf1 ip4:192.0.2.1 -all", {*IpAddress::Parse("192.0.2.1")}}}};
    options.queue_life = Seconds(86'400);
    auto book = DomainBook::Open(store_.get(), identity_.get(), std::move(options));
    EXPECT_TRUE(book.ok()) << book.status();
    book_ = std::move(*book);
    Put({{"type", "account"}, {"name", "acme"}});
    Put({{"type", "account"}, {"name", "other"}});
  }

  WallTime Now() { return WallFromMillis(now_ms_ += 1000); }
  void Put(Json record) {
    IdentityPut put;
    put.records = Json::array({std::move(record)});
    Json answer = identity_->Answer(put, 1000, Now());
    EXPECT_EQ(answer["ok"], true) << answer.dump();
  }
  void PutSender(const std::string& state, const std::string& account = "acme") {
    Put({{"type", "sender"}, {"name", kName}, {"account", account}, {"state", state}});
  }
  void Remove(RecordType type, const std::string& name) {
    IdentityRemove remove;
    remove.type = type;
    remove.name = name;
    remove.with = true;
    Json answer = identity_->Answer(remove, 1000, Now());
    EXPECT_EQ(answer["ok"], true) << answer.dump();
  }
  Json Ask(ControlCommand command, const std::string& account = "") {
    DomainRequest request;
    request.command = command;
    request.name = kName;
    request.account = account;
    return book_->Answer(request, 1000, Now());
  }
  Json AddedWithEd25519() {
    DomainRequest request;
    request.command = ControlCommand::kDomainAdd;
    request.name = kName;
    request.account = "acme";
    request.ed25519 = true;
    EXPECT_EQ(book_->Answer(request, 1000, Now())["ok"], true);
    return Exported(false);
  }
  Json Add(const std::string& account = "acme") { return Ask(ControlCommand::kDomainAdd, account); }
  std::string State() {
    Json shown = Ask(ControlCommand::kDomainShow);
    return shown["ok"].get<bool>() ? shown["domain"]["state"] : shown["error"]["code"];
  }
  // Of the sender; nothing: there is none.
  std::optional<SenderState> Sender() {
    auto sender = identity_->FindSender(kName);
    EXPECT_TRUE(sender.ok()) << sender.status();
    if (!sender.ok() || !*sender) return std::nullopt;
    return (*sender)->state;
  }
  bool MayMailComeFromIt() {
    auto account = identity_->AccountNamed("acme");
    return account && identity_->directory()->Verified(
                          *account, identity::ListedAddress::From("a@customer.example"));
  }
  DomainBook::Check Begin() {
    auto check = book_->CheckOf(kName);
    EXPECT_TRUE(check);
    return check.value_or(DomainBook::Check{});
  }

  // What DNS has to say where the customer has published all of it.
  std::vector<Answer> AllThere() {
    auto value = store_->Get(std::string("domain/") + kName);
    auto domain = identity::SenderDomainFromJson(value->value());
    std::vector<Answer> answers;
    for (const auto& record : identity::RecordsToPublish(*domain, kZone)) {
      Answer alias;
      alias.question = {record.owner, dns::RecordType::kCname};
      alias.outcome = Answer::Outcome::kRecords;
      alias.aliases = {{record.owner, record.value}};
      alias.records = {{record.owner, dns::RecordType::kCname, 60, 0, record.value}};
      answers.push_back(alias);
      auto type = record.slot < 0 ? dns::RecordType::kMx : dns::RecordType::kTxt;
      alias.question.type = type;
      std::string text = record.slot < 0 ? "mx.gw.example" : KeyText(domain->slots[record.slot]);
      alias.records = {{record.value, type, 60, 10, text}};
      answers.push_back(alias);
    }
    return answers;
  }
  std::string KeyText(const identity::DkimSlot& slot) {
    auto der = store_->Get(std::string("dkim/") + kName + "/" + slot.selector);
    auto key = tls::DkimKey::FromDer(**der);
    return (*key)->TxtRecord();
  }
  std::vector<Answer> NothingThere(const DomainBook::Check& check) {
    std::vector<Answer> answers;
    for (const dns::Question& question : check.questions) {
      Answer& answer = answers.emplace_back();
      answer.question = question;
      answer.outcome = Answer::Outcome::kNoName;
    }
    return answers;
  }
  std::vector<Answer> Unanswered(const DomainBook::Check& check) {
    std::vector<Answer> answers;
    for (const dns::Question& question : check.questions) {
      answers.push_back(dns::FailedAnswer(question, "SERVFAIL"));
    }
    return answers;
  }
  Json Rotated(const std::vector<Answer>& answers) {
    return book_->Rotate(Begin(), answers, 1000, Now());
  }
  std::vector<std::string> KeyStates() {
    std::vector<std::string> states;
    Json shown = Ask(ControlCommand::kDomainShow);
    for (const Json& key : shown["domain"]["keys"]) {
      states.push_back(key["state"]);
    }
    return states;
  }
  Json Exported(bool secrets) {
    DomainRequest request;
    request.command = ControlCommand::kDomainExport;
    request.secrets = secrets;
    Json answer = book_->Answer(request, 1000, Now());
    EXPECT_EQ(answer["ok"], true) << answer.dump();
    return answer["domains"];
  }
  Json Imported(const Json& documents, bool dry_run = false) {
    DomainRequest request;
    request.command = ControlCommand::kDomainImport;
    request.domains = documents;
    request.dry_run = dry_run;
    return book_->Answer(request, 1000, Now());
  }
  void CheckFindsAll() { book_->Judge(Begin(), AllThere(), Now()); }
  void CheckFindsNothing() {
    DomainBook::Check check = Begin();
    book_->Judge(check, NothingThere(check), Now());
  }
  size_t Records(std::string_view prefix) {
    size_t count = 0;
    EXPECT_TRUE(
        store_->ForEach(prefix, [&](std::string_view, const std::string&) { ++count; }).ok());
    return count;
  }

  TempFolder dir_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<IdentityBook> identity_;
  std::unique_ptr<DomainBook> book_;
  int64_t now_ms_ = 1'790'000'000'000;
};

class DomainBookTest : public ::testing::Test, public Gateway {};

TEST_F(DomainBookTest, TheSenderFollowsDns) {
  EXPECT_EQ(Add()["ok"], true);
  EXPECT_EQ(Sender(), SenderState::kPending);
  CheckFindsNothing();
  EXPECT_EQ(Sender(), SenderState::kPending);
  EXPECT_FALSE(MayMailComeFromIt());
  CheckFindsAll();
  EXPECT_EQ(State(), "verified");
  EXPECT_EQ(Sender(), SenderState::kVerified);
  EXPECT_TRUE(MayMailComeFromIt());
  CheckFindsNothing();
  EXPECT_EQ(State(), "broken");
  EXPECT_EQ(Sender(), SenderState::kBroken);
  EXPECT_FALSE(MayMailComeFromIt());
}

// --- Verified by hand (decisions/055)

TEST_F(DomainBookTest, WhatWasVerifiedByHandStaysSoUntilDnsHasShownItRight) {
  PutSender("verified");
  EXPECT_EQ(Add()["domain"]["state"], "pending");
  EXPECT_TRUE(MayMailComeFromIt()) << "adding the domain stops no mail";
  CheckFindsNothing();
  EXPECT_EQ(State(), "pending");
  EXPECT_TRUE(MayMailComeFromIt()) << "nor does a check before the customer has published it";
  CheckFindsAll();
  EXPECT_EQ(State(), "verified");
  CheckFindsNothing();
  EXPECT_EQ(Sender(), SenderState::kBroken) << "from then on DNS decides alone";
  EXPECT_FALSE(MayMailComeFromIt());
  PutSender("verified");
  CheckFindsNothing();
  EXPECT_EQ(Sender(), SenderState::kBroken);
}

TEST_F(DomainBookTest, WhatWasNotVerifiedByHandIsPending) {
  PutSender("broken");
  EXPECT_EQ(Add()["ok"], true);
  EXPECT_EQ(Sender(), SenderState::kPending);
}

TEST_F(DomainBookTest, WhatAnotherAccountVerifiedIsNotTaken) {
  PutSender("verified", "other");
  Json answer = Add("acme");
  EXPECT_EQ(answer["error"]["code"], "exists") << answer.dump();
  EXPECT_EQ(State(), "not_found");
  EXPECT_FALSE(MayMailComeFromIt());
  EXPECT_EQ(Sender(), SenderState::kVerified);
}

// --- Changes that were written in part

// The domain's new state is written before its sender's; between the two the disk may fail.
TEST_F(DomainBookTest, TheNextCheckWritesASenderThatIsBehind) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  PutSender("pending");
  EXPECT_FALSE(MayMailComeFromIt());
  CheckFindsAll();
  EXPECT_TRUE(MayMailComeFromIt());
  CheckFindsNothing();
  PutSender("verified");
  CheckFindsNothing();
  EXPECT_FALSE(MayMailComeFromIt());
}

// --- Advice

TEST_F(DomainBookTest, AdviceStaysUntilThereIsOther) {
  EXPECT_EQ(Add()["domain"]["advice"], Json::array());
  auto advised = [&](std::optional<std::vector<std::string>> advice, std::vector<Answer> answers) {
    DomainBook::Check check = Begin();
    check.advice = std::move(advice);
    book_->Judge(check, answers, Now());
    return Ask(ControlCommand::kDomainShow)["domain"]["advice"];
  };
  std::vector<Answer> nothing = NothingThere(Begin());
  EXPECT_EQ(advised({{"one", "two", "one"}}, nothing), Json({"one", "two"}));
  EXPECT_EQ(State(), "pending");
  EXPECT_EQ(advised({{"one"}}, AllThere()), Json({"one"}));
  EXPECT_EQ(State(), "verified") << "it changes no state";
  EXPECT_EQ(advised(std::nullopt, AllThere()), Json({"one"}));
  EXPECT_EQ(advised(std::vector<std::string>(), AllThere()), Json::array());
}

TEST_F(DomainBookTest, AdviceIsAboutWhatItsRegionSendsFrom) {
  EXPECT_EQ(Add()["ok"], true);
  identity::AdviceSubject subject = Begin().subject;
  EXPECT_EQ(subject.domain, kName);
  EXPECT_TRUE(subject.return_path.ends_with(".customer.example")) << subject.return_path;
  EXPECT_TRUE(subject.return_path_target.ends_with(".rp.gw.example"));
  EXPECT_EQ(subject.helo, "gw.example.com");
  EXPECT_EQ(subject.sources, std::vector<IpAddress>{*IpAddress::Parse("192.0.2.1")});
}

// --- Keys that somebody wants to turn

TEST_F(DomainBookTest, TheNextKeySignsOnceItIsSeen) {
  EXPECT_EQ(Add()["ok"], true);
  EXPECT_EQ(Rotated(NothingThere(Begin()))["error"]["message"],
            "nothing was changed: no key of customer.example signs yet");
  CheckFindsAll();
  EXPECT_EQ(KeyStates(), (std::vector<std::string>{"active", "standby"}));
  auto keys = [this] { return book_->domains()->Find(kName)->keys; };
  uint32_t before = keys();
  EXPECT_EQ(Rotated(Unanswered(Begin()))["error"]["code"], "unavailable");
  EXPECT_EQ(keys(), before) << "nobody could say that it would verify";
  size_t noted = Records("audit/");

  Json answer = Rotated(AllThere());
  EXPECT_EQ(answer["ok"], true) << answer.dump();
  EXPECT_EQ(KeyStates(), (std::vector<std::string>{"retired", "active"}));
  EXPECT_NE(keys(), before) << "shards fetch the others";
  EXPECT_EQ(Records("audit/"), noted + 1);
  EXPECT_EQ(Ask(ControlCommand::kDnsRecords)["records"].size(), 4u) << "both keys are published";

  answer = Rotated(AllThere());
  EXPECT_TRUE(answer["error"]["message"].get<std::string>().find("stays published until") !=
              std::string::npos)
      << answer.dump();
  EXPECT_EQ(KeyStates(), (std::vector<std::string>{"retired", "active"}));
}

TEST_F(DomainBookTest, KeysGoWithTheirSlots) {
  EXPECT_EQ(Add()["ok"], true);
  Json plain = Exported(false);
  Json both = plain;
  both[0]["ed25519"] = true;
  Json ed = Gateway().AddedWithEd25519()[0]["slots"];
  both[0]["slots"].push_back(ed[2]);
  both[0]["slots"].push_back(ed[3]);
  EXPECT_EQ(Imported(both)["changes"][0]["what"], "changed");
  CheckFindsNothing();
  EXPECT_EQ(Records("dkim/"), 4u);
  EXPECT_EQ(Imported(plain)["changes"][0]["what"], "changed");
  CheckFindsNothing();
  EXPECT_EQ(KeyStates().size(), 2u);
  EXPECT_EQ(Records("dkim/"), 2u) << "of slots that are gone no key is left";
}

TEST_F(DomainBookTest, NoKeyTurnsOfADomainThatIsGone) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  DomainBook::Check check = Begin();
  std::vector<Answer> answers = AllThere();
  EXPECT_EQ(Ask(ControlCommand::kDomainRemove)["ok"], true);
  EXPECT_EQ(book_->Rotate(check, answers, 1000, Now())["error"]["code"], "not_found");
  EXPECT_EQ(Ask(ControlCommand::kDomainRotate)["error"]["code"], "not_found");
}

// --- Domains whose sender is gone

TEST_F(DomainBookTest, ADomainGoesWithItsSender) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  EXPECT_EQ(Records("dkim/"), 2u);
  EXPECT_NE(book_->domains()->Find(kName)->keys, 0u);
  Remove(RecordType::kSender, kName);
  EXPECT_EQ(State(), "verified") << "nobody has looked yet";
  CheckFindsAll();
  EXPECT_EQ(State(), "not_found");
  EXPECT_EQ(Records("domain/") + Records("dkim/"), 0u);
  EXPECT_EQ(book_->NextDue(), std::nullopt);
  EXPECT_EQ(book_->domains()->Find(kName), std::nullopt) << "its key signs no more";
  EXPECT_EQ(Sender(), std::nullopt) << "the check brings no sender back";
}

TEST_F(DomainBookTest, ADomainGoesWithItsAccount) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  Remove(RecordType::kAccount, "acme");
  PutSender("pending", "other");
  CheckFindsAll();
  EXPECT_EQ(State(), "not_found");
  EXPECT_EQ(Sender(), SenderState::kPending) << "another account's by now";
  EXPECT_EQ(Add("other")["ok"], true);
}

TEST_F(DomainBookTest, ADomainGoesWhereItsSenderIsAnotherAccounts) {
  EXPECT_EQ(Add()["ok"], true);
  Remove(RecordType::kSender, kName);
  PutSender("pending", "other");
  CheckFindsAll();
  EXPECT_EQ(State(), "not_found");
  EXPECT_EQ(Sender(), SenderState::kPending);
}

// --- Changes while a check is under way

TEST_F(DomainBookTest, ACheckOfADomainThatIsGoneChangesNothing) {
  EXPECT_EQ(Add()["ok"], true);
  DomainBook::Check check = Begin();
  std::vector<Answer> answers = AllThere();
  EXPECT_EQ(Ask(ControlCommand::kDomainRemove)["ok"], true);
  book_->Judge(check, answers, Now());
  EXPECT_EQ(State(), "not_found");
  EXPECT_EQ(Sender(), std::nullopt);
  EXPECT_EQ(Records("domain/") + Records("dkim/"), 0u);
}

TEST_F(DomainBookTest, ACheckOfADomainThatWasAddedAnewChangesNothing) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  DomainBook::Check check = Begin();
  std::vector<Answer> answers = AllThere();
  EXPECT_EQ(Ask(ControlCommand::kDomainRemove)["ok"], true);
  EXPECT_EQ(Add()["ok"], true);
  Json fresh = Ask(ControlCommand::kDomainShow);
  book_->Judge(check, answers, Now());
  EXPECT_EQ(Ask(ControlCommand::kDomainShow), fresh) << "its own check is still to come";
  EXPECT_EQ(fresh["domain"]["last_check"], nullptr);
  EXPECT_EQ(Sender(), SenderState::kPending);
  CheckFindsAll();
  EXPECT_EQ(State(), "verified");
}

// --- Exports and imports

TEST_F(DomainBookTest, WhatIsExportedGoesOnAtAnotherGateway) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  Json documents = Exported(true);
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(documents[0]["keys"].size(), 2u);
  EXPECT_FALSE(Exported(false)[0].contains("keys"));
  std::vector<Answer> there = AllThere();
  EXPECT_EQ(Imported(documents)["changes"][0]["what"], "unchanged");

  Gateway other;
  EXPECT_EQ(other.Imported(documents, true)["changes"][0]["what"], "added");
  EXPECT_EQ(other.State(), "not_found") << "it was a dry run";
  EXPECT_EQ(other.Imported(documents)["changes"][0]["what"], "added");
  EXPECT_EQ(other.Records("audit/"), 4u) << "two accounts, the sender, the domain";
  EXPECT_EQ(other.State(), "verified");
  EXPECT_TRUE(other.MayMailComeFromIt());
  EXPECT_NE(other.book_->domains()->Find(kName)->keys, 0u) << "its key signs at once";
  EXPECT_EQ(other.KeyStates(), KeyStates());
  EXPECT_TRUE(other.book_->NextDue()) << "it is looked at";
  EXPECT_EQ(other.Ask(ControlCommand::kDnsRecords)["records"],
            Ask(ControlCommand::kDnsRecords)["records"]);
  EXPECT_EQ(other.Exported(true), documents);
  other.book_->Judge(other.Begin(), there, other.Now());
  EXPECT_EQ(other.State(), "verified") << "what the customer has published is right there, too";
}

TEST_F(DomainBookTest, WithoutItsKeysItGetsOthersBehindTheSameNames) {
  EXPECT_EQ(Add()["ok"], true);
  CheckFindsAll();
  Gateway other;
  EXPECT_EQ(other.Imported(Exported(false))["ok"], true);
  EXPECT_EQ(other.State(), "pending");
  EXPECT_EQ(other.book_->domains()->Find(kName)->keys, 0u);
  other.CheckFindsNothing();
  EXPECT_EQ(other.KeyStates(), (std::vector<std::string>{"waiting", "waiting"}));
  EXPECT_EQ(other.Ask(ControlCommand::kDomainShow)["domain"]["publish"],
            Ask(ControlCommand::kDomainShow)["domain"]["publish"]);
  other.CheckFindsAll();
  EXPECT_EQ(other.State(), "verified");
}

TEST_F(DomainBookTest, AnImportIsDoneAsAWholeOrNotAtAll) {
  EXPECT_EQ(Add()["ok"], true);
  Json good = Exported(true)[0], bad = good;
  Gateway other;
  auto refused = [&](const Json& second, const std::string& code, const std::string& words) {
    Json answer = other.Imported(Json::array({good, second}));
    EXPECT_EQ(answer["error"]["code"], code) << answer.dump();
    EXPECT_NE(answer["error"]["message"].get<std::string>().find(words), std::string::npos)
        << answer.dump();
    EXPECT_EQ(answer["record"], 1);
    EXPECT_EQ(other.Records("domain/") + other.Records("dkim/"), 0u);
    EXPECT_EQ(other.Sender(), std::nullopt);
  };
  refused(good, "bad_request", "twice");
  bad["name"] = "copied.example";
  refused(bad, "bad_request", "same token");
  bad["account"] = "nobody";
  refused(bad, "not_found", "no account");
  bad["colour"] = "red";
  refused(bad, "bad_request", "unknown");
}

TEST_F(DomainBookTest, NoImportTakesWhatIsAnothers) {
  EXPECT_EQ(Add()["ok"], true);
  Json document = Exported(true)[0], copied = document, another = document;
  copied["name"] = "copied.example";
  Json answer = Imported(Json::array({copied}));
  EXPECT_EQ(answer["error"]["code"], "exists") << "of the token" << answer.dump();
  answer = Imported(Json::array({document, copied}));
  EXPECT_EQ(answer["error"]["code"], "exists") << "beside the other, unchanged" << answer.dump();
  another["account"] = "other";
  answer = Imported(Json::array({another}));
  EXPECT_EQ(answer["error"]["code"], "exists") << "of the sender" << answer.dump();
  EXPECT_EQ(Ask(ControlCommand::kDomainRemove)["ok"], true);
  EXPECT_EQ(Add()["ok"], true);
  answer = Imported(Json::array({document}));
  EXPECT_EQ(answer["error"]["code"], "exists") << "with other labels" << answer.dump();
  EXPECT_EQ(Records("domain/"), 1u);
}

// A domain whose account has its sender no more, and which no check has dropped yet.
TEST_F(DomainBookTest, AnImportReplacesADomainThatIsBehind) {
  EXPECT_EQ(Add()["ok"], true);
  Gateway elsewhere;
  EXPECT_EQ(elsewhere.Add("other")["ok"], true);
  Remove(RecordType::kSender, kName);
  EXPECT_EQ(Imported(elsewhere.Exported(true))["changes"][0]["what"], "added");
  EXPECT_EQ(Records("domain/"), 1u);
  EXPECT_EQ(Records("dkim/"), 2u) << "its own, and nothing of the old one's";
  CheckFindsAll();
  EXPECT_EQ(State(), "verified");
}

TEST_F(DomainBookTest, ExportsComeInPages) {
  EXPECT_EQ(Add()["ok"], true);
  Gateway elsewhere;
  EXPECT_EQ(elsewhere.Add()["ok"], true);
  Json second = elsewhere.Exported(false)[0];
  second["name"] = "second.example";
  EXPECT_EQ(Imported(Json::array({second}))["ok"], true);
  DomainRequest request;
  request.command = ControlCommand::kDomainExport;
  request.limit = 1;
  Json page = book_->Answer(request, 1000, Now());
  EXPECT_EQ(page["domains"].size(), 1u);
  EXPECT_EQ(page["domains"][0]["name"], kName);
  request.after = page["next"];
  page = book_->Answer(request, 1000, Now());
  EXPECT_EQ(page["domains"][0]["name"], "second.example");
  EXPECT_FALSE(page.contains("next"));
}

}  // namespace
}  // namespace ringpost::app
