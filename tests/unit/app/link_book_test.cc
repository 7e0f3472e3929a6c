#include "gateway/app/link_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using http::LinkFacts;
using identity::Json;
using testing::HasSubstr;
using testing::Not;
using State = http::LinkFacts::State;

constexpr char kBob[] = "bob@example.com";
constexpr Seconds kMinute{60};
constexpr Seconds kDay{86'400};

class LinkBookTest : public testing::Test {
 protected:
  LinkBookTest() {
    Open();
    for (const char* name : {"acme", "other"}) {
      Put({{"type", "account"}, {"name", name}, {"region", "eu"}});
    }
  }
  void Open() {
    links_.reset();
    book_.reset();
    store_.reset();
    auto store = storage::ControlStore::Open(dir_.path() + "/control.store", nullptr);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
    auto book = IdentityBook::Open(store_.get());
    ASSERT_TRUE(book.ok()) << book.status();
    book_ = std::move(*book);
    links_ = std::make_unique<LinkBook>(store_.get(), book_.get());
    links_->SetOptions({"gw.example.org", [this] { return base_; },
                        [this](std::string_view region, session::OwnMail mail) {
                          EXPECT_EQ(region, "eu");
                          if (queue_says_.ok()) mails_.push_back(std::move(mail));
                          return queue_says_;
                        }});
  }
  Json Request(bool add, const std::string& name = kBob, const std::string& account = "acme") {
    return links_->Answer({add, name, account}, 1000, now_);
  }
  Json Add(const std::string& name = kBob, const std::string& account = "acme") {
    Json answer = Request(true, name, account);
    EXPECT_EQ(answer["ok"], true) << answer.dump();
    return answer;
  }
  std::string Refused(const Json& answer) {
    EXPECT_EQ(answer["ok"], false) << answer.dump();
    return answer["ok"] == false ? answer["error"]["message"].get<std::string>() : "";
  }
  void Put(Json record) {
    IdentityPut put;
    put.records = Json::array({std::move(record)});
    EXPECT_EQ(book_->Answer(put, 1000, now_)["ok"], true);
  }
  void Remove(const std::string& name) {
    IdentityRemove remove;
    remove.type = RecordType::kSender;
    remove.name = name;
    EXPECT_EQ(book_->Answer(remove, 1000, now_)["ok"], true);
  }
  // Of the mail that was sent last.
  std::string Token() {
    if (mails_.empty()) return "";
    const std::string& text = mails_.back().text;
    size_t at = text.find("/confirm/");
    return at == std::string::npos ? "" : text.substr(at + 9, limits::kLinkTokenBytes);
  }
  State Look(const std::string& token) { return links_->Look(token, now_).state; }
  State Confirm(const std::string& token) {
    return links_->Confirm(token, "192.0.2.9", now_).state;
  }
  bool MaySend(const std::string& address = kBob, const std::string& account = "acme") {
    return book_->directory()->Verified(*book_->AccountNamed(account),
                                        identity::ListedAddress::From(address));
  }
  Json Newest() {
    Json audit = book_->Answer(IdentityAudit(), 0, now_);
    return audit["entries"][0];
  }
  size_t Records() {
    size_t count = 0;
    EXPECT_TRUE(store_->ForEach("link/", [&](auto, auto&) { ++count; }).ok());
    return count;
  }

  TempFolder dir_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<IdentityBook> book_;
  std::unique_ptr<LinkBook> links_;
  std::string base_ = "https://gw.example.org";
  std::vector<session::OwnMail> mails_;
  Status queue_says_;
  WallTime now_ = WallFromMillis(1'790'000'000'000);
};

TEST_F(LinkBookTest, ALinkIsMailedAndConfirmsOnce) {
  Json answer = Add("Bob@Example.COM");
  EXPECT_EQ(answer["sender"], (Json{{"name", kBob}, {"account", "acme"}, {"state", "pending"}}));
  ASSERT_EQ(mails_.size(), 1u);
  EXPECT_EQ(mails_[0].recipient, "Bob@example.com") << "the local part is the owner's matter";
  EXPECT_EQ(answer["link"]["message"], mails_[0].id.ToString());
  EXPECT_THAT(mails_[0].text, HasSubstr("    https://gw.example.org/confirm/" + Token() + "\r\n"));
  EXPECT_EQ(Newest()["what"], "sent a link to");
  EXPECT_EQ(Newest()["uid"], 1000);
  EXPECT_FALSE(MaySend());

  std::string token = Token();
  ASSERT_TRUE(http::IsLinkToken(token));
  Open();  // all of it is in the store
  now_ += Seconds(1);
  for (int looks = 0; looks < 3; ++looks) EXPECT_EQ(Look(token), State::kOpen);
  EXPECT_FALSE(MaySend()) << "looking changes nothing";
  LinkFacts facts = links_->Confirm(token, "192.0.2.9", now_);
  EXPECT_EQ(facts.state, State::kConfirmed);
  EXPECT_EQ(facts.address, "Bob@example.com");
  EXPECT_EQ(facts.account, "acme");
  EXPECT_EQ(facts.gateway, "gw.example.org");
  EXPECT_TRUE(MaySend());
  EXPECT_FALSE(MaySend("eve@example.com")) << "one address, not its domain";
  EXPECT_FALSE(MaySend(kBob, "other"));
  Json entry = Newest();
  EXPECT_EQ(entry["what"], "confirmed");
  EXPECT_EQ(entry["by"], "link");
  EXPECT_EQ(entry["client"], "192.0.2.9");
  EXPECT_EQ(entry["after"]["state"], "verified");
  EXPECT_EQ(Confirm(token), State::kUsed);
  EXPECT_EQ(Look(token), State::kUsed);
  Open();
  EXPECT_TRUE(MaySend());
  EXPECT_EQ(Confirm(token), State::kUsed);
}

TEST_F(LinkBookTest, TheStoreHasNoToken) {
  Add();
  std::string all;
  EXPECT_TRUE(store_
                  ->ForEach("",
                            [&](std::string_view key, const std::string& value) {
                              all += std::string(key) + "\n" + value + "\n";
                            })
                  .ok());
  EXPECT_THAT(all, HasSubstr("link/by/"));
  EXPECT_THAT(all, Not(HasSubstr(Token())));
}

TEST_F(LinkBookTest, WhatIsNotKnownIsNot) {
  Add();
  std::string token = Token();
  EXPECT_EQ(Confirm(""), State::kUnknown);
  EXPECT_EQ(Confirm(std::string(32, 'a')), State::kUnknown);
  token.back() = token.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(Confirm(token), State::kUnknown);
  LinkFacts facts = links_->Look(token, now_);
  EXPECT_EQ(facts.address + facts.account, "");
  EXPECT_FALSE(MaySend());
}

TEST_F(LinkBookTest, ItExpires) {
  Add();
  now_ += Seconds(limits::kLinkSeconds) - Seconds(1);
  EXPECT_EQ(Look(Token()), State::kOpen);
  now_ += Seconds(1);
  EXPECT_EQ(Look(Token()), State::kExpired);
  EXPECT_EQ(Confirm(Token()), State::kExpired);
  EXPECT_FALSE(MaySend());
}

TEST_F(LinkBookTest, TheNewestAloneIsGood) {
  Add("Bob@example.com");
  std::string first = Token();
  now_ += 5 * kMinute;
  EXPECT_EQ(Request(false)["ok"], true);
  EXPECT_EQ(mails_.back().recipient, "Bob@example.com") << "as it was written when it was added";
  EXPECT_NE(Token(), first);
  EXPECT_EQ(Confirm(first), State::kReplaced);
  EXPECT_FALSE(MaySend());
  EXPECT_EQ(Confirm(Token()), State::kConfirmed);
  EXPECT_EQ(Confirm(first), State::kUsed) << "there is nothing left to do";
}

TEST_F(LinkBookTest, LinksOfAnAddressAreBounded) {
  Add();
  EXPECT_THAT(Refused(Request(false)), HasSubstr("at most one in 5 minutes, and 5 a day"));
  now_ += 5 * kMinute - Seconds(1);
  EXPECT_THAT(Refused(Request(false)), HasSubstr("not long ago"));
  // Whoever's it is: to remove it and add it anew is no way around.
  Remove(kBob);
  EXPECT_THAT(Refused(Request(true)), HasSubstr("not long ago"));
  EXPECT_THAT(Refused(Request(true, "BOB@example.com", "other")), HasSubstr("not long ago"));
  now_ += Seconds(1);
  Add();
  for (int more = 0; more < 3; ++more) {
    now_ += 5 * kMinute;
    Open();
    EXPECT_EQ(Request(false)["ok"], true) << more;
  }
  EXPECT_EQ(mails_.size(), limits::kLinksOfAddressPerDay);
  now_ += 5 * kMinute;
  Json answer = Request(false);
  EXPECT_THAT(Refused(answer), HasSubstr("5 a day"));
  EXPECT_THAT(answer["error"]["hint"].get<std::string>(), HasSubstr("try again in 23 hours"));
  now_ += kDay - 25 * kMinute;
  EXPECT_EQ(Request(false)["ok"], true) << "the first is a day ago";
  EXPECT_THAT(Refused(Request(false)), HasSubstr("not long ago"));
  Add("eve@example.com");
}

TEST_F(LinkBookTest, ItIsOfOneAccount) {
  Add();
  std::string token = Token();
  Remove(kBob);
  EXPECT_EQ(Look(token), State::kUnknown);
  Put({{"type", "sender"}, {"name", kBob}, {"account", "other"}});
  EXPECT_EQ(Confirm(token), State::kUnknown);
  EXPECT_FALSE(MaySend(kBob, "other"));
}

TEST_F(LinkBookTest, WhatWasVerifiedOrBrokenByHandStaysSo) {
  Add();
  Put({{"type", "sender"}, {"name", kBob}, {"account", "acme"}, {"state", "broken"}});
  EXPECT_EQ(Confirm(Token()), State::kUnknown);
  EXPECT_FALSE(MaySend());
  now_ += 5 * kMinute;
  EXPECT_THAT(Refused(Request(false)), HasSubstr("is broken"));
  Put({{"type", "sender"}, {"name", kBob}, {"account", "acme"}, {"state", "verified"}});
  EXPECT_EQ(Look(Token()), State::kUsed);
  EXPECT_THAT(Refused(Request(false)), HasSubstr("is verified"));
}

TEST_F(LinkBookTest, AUsedLinkDoesNotWorkAgain) {
  Add();
  EXPECT_EQ(Confirm(Token()), State::kConfirmed);
  Put({{"type", "sender"}, {"name", kBob}, {"account", "acme"}, {"state", "pending"}});
  EXPECT_EQ(Confirm(Token()), State::kUnknown);
  EXPECT_FALSE(MaySend());
}

TEST_F(LinkBookTest, WhereNothingServesItThatIsSaidAndNothingIsAdded) {
  base_.clear();
  Json answer = Request(true);
  EXPECT_THAT(Refused(answer), HasSubstr("no listener serves HTTP"));
  EXPECT_THAT(answer["error"]["hint"].get<std::string>(), HasSubstr("--state verified"));
  EXPECT_FALSE(book_->FindSender(kBob)->has_value());
  EXPECT_EQ(Records(), 0u);
}

TEST_F(LinkBookTest, WhereTheMailIsNotQueuedTheLinkIsGone) {
  queue_says_ = MakeStatus(StatusCode::kFailedPrecondition, "no route");
  Json answer = Request(true);
  EXPECT_THAT(Refused(answer), HasSubstr("is pending, but no link was sent to it: no route"));
  EXPECT_TRUE(book_->FindSender(kBob)->has_value());
  EXPECT_EQ(Records(), 0u);
  queue_says_ = OkStatus();
  EXPECT_EQ(Request(false)["ok"], true) << "and does not count";
  EXPECT_EQ(Confirm(Token()), State::kConfirmed);
}

TEST_F(LinkBookTest, WhereThatIsNotKnownItCountsAndIsGood) {
  queue_says_ = MakeStatus(StatusCode::kDeadlineExceeded, "too slow");
  Json answer = Request(true);
  EXPECT_EQ(answer["error"]["code"], "timeout");
  EXPECT_THAT(Refused(answer), HasSubstr("it is not known whether"));
  EXPECT_EQ(Records(), 2u);
  EXPECT_THAT(Refused(Request(false)), HasSubstr("not long ago"));
}

TEST_F(LinkBookTest, OnlyAddressesOfAccountsThatAreThere) {
  for (const char* name : {"example.com", "", "bob", "a@b@", "bob@example.com\r\nBcc: x@y.example",
                           "<bob@example.com>", "bob@exa mple.com", "\"a b\"@example.com"}) {
    EXPECT_THAT(Refused(Request(true, name)), HasSubstr("a link is mailed to an address")) << name;
  }
  EXPECT_THAT(Refused(Request(true, kBob, "nobody")), HasSubstr("no account"));
  EXPECT_THAT(Refused(Request(false)), HasSubstr("no sender"));
  Add();
  Json again = Request(true, kBob, "other");
  EXPECT_THAT(Refused(again), HasSubstr("there already"));
  EXPECT_EQ(mails_.size(), 1u);
}

TEST_F(LinkBookTest, AnAddressBeyondAscii) {
  Add("M\xc3\xbcller@b\xc3\xbc\x63her.example");
  EXPECT_EQ(mails_[0].recipient, "M\xc3\xbcller@xn--bcher-kva.example");
  EXPECT_EQ(Confirm(Token()), State::kConfirmed);
  EXPECT_TRUE(MaySend("M\xc3\xbcller@b\xc3\xbc\x63her.example"));
}

TEST_F(LinkBookTest, WhatNobodyNeedsAnyMoreGoes) {
  Add();
  now_ += Seconds(limits::kLinkSeconds + limits::kLinkKeptSeconds) - kDay;
  Add("eve@example.com");
  EXPECT_EQ(Records(), 4u);
  EXPECT_EQ(Look("a"), State::kUnknown);
  now_ += 2 * kDay;
  Add("joe@example.com");
  EXPECT_EQ(Records(), 4u) << "those of the first are gone";
}

}  // namespace
}  // namespace ringpost::app
