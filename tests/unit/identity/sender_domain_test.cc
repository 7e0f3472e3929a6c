#include "gateway/identity/sender_domain.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "gateway/identity/sender_domain_json.h"

namespace ringpost::identity {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

SenderDomain New(bool ed25519 = true) {
  StatusOr<SenderDomain> made = NewSenderDomain("Customer.example", 7, ed25519, kNow);
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

TEST(SenderDomainTest, New) {
  SenderDomain domain = New();
  EXPECT_EQ(domain.name, "customer.example");
  EXPECT_EQ(domain.slots.size(), 4u);
  EXPECT_EQ(domain.dns, DnsState::kPending);
  EXPECT_EQ(domain.next_check, kNow);
  EXPECT_TRUE(CheckSenderDomain(domain).ok());
  EXPECT_EQ(New(false).slots.size(), 2u);
  EXPECT_EQ(NewSenderDomain("b\xc3\xbc"
                            "cher.example",
                            1, false, kNow)
                ->name,
            "xn--bcher-kva.example");
  for (std::string name : {"", "localhost", "a_b.example", "user@customer.example", "[192.0.2.1]",
                           "a..b", "-a.example", "a b.example"}) {
    EXPECT_FALSE(NewSenderDomain(name, 1, false, kNow).ok()) << name;
  }
  std::string longest = std::string(60, 'a');
  while (longest.size() < 230) longest = "aaaaaaaa." + longest;
  EXPECT_FALSE(NewSenderDomain(longest, 1, false, kNow).ok());
}

TEST(SenderDomainTest, LabelsAreRandomAndAlikeInNothing) {
  std::set<std::string> seen;
  std::set<size_t> sizes;
  std::set<char> first;
  for (int i = 0; i < 200; ++i) {
    SenderDomain domain = New();
    std::vector<std::string> labels = {domain.return_path_label, domain.return_path_token};
    for (const DkimSlot& slot : domain.slots) {
      EXPECT_GE(slot.token.size() * 5, 60u);
      labels.push_back(slot.selector);
      labels.push_back(slot.token);
    }
    for (const std::string& label : labels) {
      EXPECT_TRUE(seen.insert(label).second) << label;
      sizes.insert(label.size());
      first.insert(label[0]);
    }
  }
  EXPECT_GE(sizes.size(), 8u);
  EXPECT_EQ(first.size(), 32u);
}

TEST(SenderDomainTest, WhatTheCustomerPublishes) {
  SenderDomain domain = New();
  std::vector<RecordToPublish> records = RecordsToPublish(domain, "gw.example");
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].owner, domain.return_path_label + ".customer.example");
  EXPECT_EQ(records[0].value, domain.return_path_token + ".rp.gw.example");
  EXPECT_TRUE(records[0].required);
  EXPECT_EQ(records[0].slot, -1);
  std::set<std::string> targets;
  for (size_t i = 1; i < records.size(); ++i) {
    const DkimSlot& slot = domain.slots[i - 1];
    EXPECT_EQ(records[i].type, dns::RecordType::kCname);
    EXPECT_EQ(records[i].owner, slot.selector + "._domainkey.customer.example");
    EXPECT_EQ(records[i].value, slot.token + ".dkim.gw.example");
    EXPECT_EQ(records[i].required, i <= 2);
    EXPECT_TRUE(targets.insert(records[i].value).second);
  }
  domain.ed25519_wanted = false;  // slots that wait for their end
  EXPECT_EQ(RecordsToPublish(domain, "gw.example").size(), 3u);
}

TEST(SenderDomainTest, WhatTheOperatorsZoneHas) {
  SenderDomain domain = New();
  domain.slots[0].state = KeyState::kActive;
  domain.slots[1].state = KeyState::kRetired;
  domain.slots[2].state = KeyState::kWaiting;
  std::vector<std::string> keys = {"key A", "key B", "", "a text of no key"};
  RegionMail region = {{{10, "MX1.eu.gw.example"}, {20, "mx2.eu.gw.example"}}, "v=spf1 -all"};
  std::vector<dns::Record> records = ZoneRecords(domain, "gw.example", keys, region, 300);
  std::string path = domain.return_path_token + ".rp.gw.example";
  using dns::RecordType;
  EXPECT_EQ(records,
            (std::vector<dns::Record>{
                {path, RecordType::kMx, 300, 10, "mx1.eu.gw.example"},
                {path, RecordType::kMx, 300, 20, "mx2.eu.gw.example"},
                {path, RecordType::kTxt, 300, 0, "v=spf1 -all"},
                {domain.slots[0].token + ".dkim.gw.example", RecordType::kTxt, 300, 0, "key A"},
                {domain.slots[1].token + ".dkim.gw.example", RecordType::kTxt, 300, 0, "key B"}}));
  for (const dns::Record& record : records) EXPECT_TRUE(dns::CheckRecord(record).ok());
}

TEST(SenderDomainJsonTest, ComesBackAsItWas) {
  SenderDomain domain = New();
  domain.slots[0].state = KeyState::kActive;
  domain.slots[0].generation = 3;
  domain.slots[1].state = KeyState::kRetired;
  domain.slots[1].generation = 2;
  domain.slots[1].until = kNow + Seconds(5);
  domain.dns = DnsState::kBroken;
  domain.last_check = kNow;
  domain.words = {"one \"thing\"", "another"};
  domain.advice = {"a third"};
  std::string json = SenderDomainToJson(domain);
  StatusOr<SenderDomain> read = SenderDomainFromJson(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, domain);
  EXPECT_EQ(SenderDomainToJson(*read), json);
}

// What was written must be read for ever: this is the form of version 1.
TEST(SenderDomainJsonTest, Golden) {
  const std::string json =
      R"({"version":1,"name":"customer.example","account":7,"created_ms":1764000000000,)"
      R"("return_path_label":"k3x5qwoatj","return_path_token":"ab2cd3ef4gh5i","ed25519":false,)"
      R"("slots":[{"kind":"rsa","slot":"a","selector":"w2u7cnqkxe","token":"bb2cd3ef4gh5i",)"
      R"("state":"active","since_ms":1764000000000,"until_ms":0,"generation":1},)"
      R"({"kind":"rsa","slot":"b","selector":"x2u7cnqkxe","token":"cb2cd3ef4gh5i",)"
      R"("state":"retired","since_ms":1764000000000,"until_ms":1764000000001,"generation":2}],)"
      R"("dns":"verified","dns_since_ms":1764000000000,"last_check_ms":0,"next_check_ms":5,)"
      R"("words":["x"]})";
  StatusOr<SenderDomain> read = SenderDomainFromJson(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(SenderDomainToJson(*read), json);
  EXPECT_EQ(read->slots[1].until, WallFromMillis(1'764'000'000'001));
}

TEST(SenderDomainJsonTest, RefusesInWords) {
  auto words = [](auto change) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(SenderDomainToJson(New()));
    change(json);
    Status status = SenderDomainFromJson(json.dump()).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return std::string(MessageOf(status));
  };
  using J = nlohmann::ordered_json;
  auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(words([](J& j) { j["colour"] = 1; }), "unknown: \"colour\"");
  has(words([](J& j) { j["slots"][0]["x"] = 1; }), "unknown: \"x\"");
  has(words([](J& j) { j.erase("account"); }), "no member \"account\"");
  has(words([](J& j) { j["account"] = -1; }), "\"account\"");
  has(words([](J& j) { j["advice"] = 1; }), "\"advice\"");
  has(words([](J& j) { j["account"] = 4'294'967'296; }), "\"account\"");
  has(words([](J& j) { j["account"] = "7"; }), "\"account\"");
  has(words([](J& j) { j["version"] = 2; }), "another version");
  has(words([](J& j) { j["name"] = "localhost"; }), "localhost");
  has(words([](J& j) { j["name"] = "Customer.example"; }), "no domain");
  has(words([](J& j) { j["name"] = std::string(2000, 'x'); }), "\"name\"");
  has(words([](J& j) { j["ed25519"] = 1; }), "\"ed25519\"");
  has(words([](J& j) { j["dns"] = "fine"; }), "\"dns\"");
  has(words([](J& j) { j["words"] = "x"; }), "\"words\"");
  has(words([](J& j) { j["words"] = J::array({1}); }), "\"words\"");
  has(words([](J& j) { j["words"] = std::vector<std::string>(13, "x"); }), "\"words\"");
  has(words([](J& j) { j["slots"].erase(1); }), "selectors");
  has(words([](J& j) { j["slots"][1]["slot"] = "a"; }), "selectors");
  has(words([](J& j) { j["slots"][0] = 3; }), "no object");
  has(words([](J& j) { j["slots"][0]["selector"] = "rp1"; }), "selector");
  has(words([](J& j) { j["slots"][0]["token"] = "short"; }), "token");
  has(words([](J& j) { j["slots"][0]["token"] = j["slots"][1]["token"]; }), "the same");
  has(words([](J& j) { j["slots"][0]["state"] = "active"; }), "never made");
  has(words([](J& j) { j["slots"][0]["until_ms"] = 1; }), "retired");
  has(words([](J& j) {
        for (int i : {0, 1}) j["slots"][i]["state"] = "active", j["slots"][i]["generation"] = 1;
      }),
      "active");
  has(words([](J& j) { j = J::array(); }), "no object");
  EXPECT_FALSE(SenderDomainFromJson("").ok());
  EXPECT_FALSE(SenderDomainFromJson("{").ok());
  EXPECT_FALSE(SenderDomainFromJson(std::string(70'000, ' ')).ok());
  EXPECT_FALSE(SenderDomainFromJson(std::string(60'000, '[')).ok());
}

}  // namespace
}  // namespace ringpost::identity
