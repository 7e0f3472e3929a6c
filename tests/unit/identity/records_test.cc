#include "gateway/identity/records.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

Json Parsed(const char* text) { return Json::parse(text); }

TEST(IdentityRecords, EveryMemberComesBackAsItWas) {
  Json full = Parsed(R"({"kind":"address","name":"scan@example.com","account":"acme",
    "description":"the hall's","status":"sandbox",
    "senders":{"mode":"allow","entries":["example.com","*.example.com"]},
    "recipients":{"mode":"block","entries":["a@b.example"]},"networks":["192.0.2.0/24","2001:db8::1"],
    "rate":{"count":5,"seconds":60},"daily_quota":7,"monthly_quota":8,"lane":"bulk",
    "deadline_seconds":3600,"archive":true,"audit_copy":"audit@example.com",
    "bounces_to":"b@example.com","egress_pool":"p","default_domain":"example.com",
    "forced_from":"f@example.com","forced_reverse_path":"r@example.com"})");
  auto record = CredentialRecord::Parse(full);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->ToJson(), full);
  auto settings = record->ToSettings();
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(settings->senders->Allows(ListedAddress::From("x@sub.example.com")));
  EXPECT_FALSE(settings->recipients->Allows(ListedAddress::From("A@B.example")));
  EXPECT_EQ(settings->deadline, Seconds(3600));
  EXPECT_EQ(settings->forced_reverse_path, "r@example.com");

  Json account = Parsed(R"({"name":"acme","description":"d","region":"eu","suspended":true,
    "exempt":true,"senders":{"mode":"block","entries":["x.example"]},
    "recipients":{"mode":"allow","entries":["y.example"]},"rate":{"count":1,"seconds":2},
    "ramp":{"first_day":200,"days":14,"begins":"2026-11-28"}})");
  auto parsed = AccountRecord::Parse(account);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->ToJson(), account);
  Json sender = Parsed(R"({"name":"example.com","account":"acme","state":"broken"})");
  EXPECT_EQ(SenderRecord::Parse(sender)->ToJson(), sender);
}

// What means the same is the same text: a default is not written, null is a default.
TEST(IdentityRecords, DefaultsAreNotWritten) {
  Json spelt = Parsed(R"({"name":"x","account":"acme","status":"allowed","lane":"transactional",
    "senders":{"mode":"off"},"rate":{"count":0,"seconds":9},"archive":false,"daily_quota":0,
    "description":"","networks":[],"egress_pool":null})");
  auto record = CredentialRecord::Parse(spelt);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->ToJson(), Parsed(R"({"kind":"user","name":"x","account":"acme"})"));
  EXPECT_EQ(record->SettingsText(), "");
}

// Why it is blocked is said as long as it is, and makes no settings of its own.
TEST(IdentityRecords, ABlockedOneMaySayWhy) {
  Json blocked = Parsed(R"({"kind":"user","name":"x","account":"acme","status":"blocked",
    "blocked_because":"too many bounces"})");
  auto record = CredentialRecord::Parse(blocked);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->ToJson(), blocked);
  EXPECT_EQ(record->SettingsText(), "");
  blocked["status"] = "sandbox";
  EXPECT_FALSE(CredentialRecord::Parse(blocked)->ToJson().contains("blocked_because"));
}

TEST(IdentityRecords, WhatIsWrongIsNamed) {
  struct Case {
    const char* json;
    const char* words;
  } cases[] = {
      {R"({"name":"x","account":"acme","colour":1})", "\"colour\""},
      {R"({"name":"x"})", "name of an account"},
      {R"({"name":7,"account":"acme"})", "\"name\""},
      {R"({"name":"x","account":"acme","status":"maybe"})",
       "\"allowed\", \"blocked\", \"sandbox\""},
      {R"({"name":"x","account":"acme","kind":"robot"})", "\"api_key\""},
      {R"({"name":"x","account":"acme","rate":{"count":1,"seconds":0}})", "\"seconds\""},
      {R"({"name":"x","account":"acme","rate":5})", "\"rate\""},
      {R"({"name":"x","account":"acme","networks":["10.0.0.1/8"]})", "10.0.0.1/8"},
      {R"({"name":"x","account":"acme","networks":"10.0.0.0/8"})", "\"networks\""},
      {R"({"name":"x","account":"acme","audit_copy":"nobody"})", "\"audit_copy\""},
      {R"({"name":"x","account":"acme","default_domain":"a b"})", "\"default_domain\""},
      {R"({"name":"x","account":"acme","senders":{"mode":"allow","entries":["a@b@c"]}})",
       "\"senders\""},
      {R"({"name":"x","account":"acme","senders":{"mode":"allow","entry":[]}})", "\"entry\""},
      {R"({"name":"x","account":"acme","description":"a\nb"})", "\"description\""},
      {R"({"name":"x","account":"acme","forced_from":"a@b.example\r\nBcc: c@d.example"})",
       "\"forced_from\""},
      {R"([])", "JSON object"},
  };
  for (const Case& one : cases) {
    auto record = CredentialRecord::Parse(Parsed(one.json));
    ASSERT_FALSE(record.ok()) << one.json;
    EXPECT_NE(MessageOf(record.status()).find(one.words), std::string_view::npos)
        << one.json << "\n"
        << record.status();
  }
}

}  // namespace
}  // namespace ringpost::identity
