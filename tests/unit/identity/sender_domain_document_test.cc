// Domains in exports, and what becomes of them where they are imported.
#include "gateway/identity/sender_domain_document.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/identity/key_rotation.h"
#include "gateway/smtp/base64.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::identity {
namespace {

using What = DomainImport::What;
using Kind = tls::DkimKey::Kind;

const WallTime kNow = WallFromMillis(1'764'000'000'000);
const WallTime kLater = kNow + Seconds(1000);

const std::string& RsaKey(int which) {
  static const std::string kKeys[] = {tls::DkimKey::Generate(Kind::kRsa)->ToDer(),
                                      tls::DkimKey::Generate(Kind::kRsa)->ToDer()};
  return kKeys[which];
}

// Verified, with A active and B standby. The same one each time: labels are random.
SenderDomain Domain() {
  static const SenderDomain kFresh = *NewSenderDomain("customer.example", 7, false, kNow);
  SenderDomain domain = kFresh;
  for (size_t slot : {0, 1}) KeyGenerated(&domain, slot, kNow);
  domain.slots[0].state = KeyState::kActive;
  domain.slots[1].state = KeyState::kStandby;
  domain.dns = DnsState::kVerified;
  domain.last_check = kNow;
  domain.next_check = kNow + Seconds(60);
  domain.words = {"all is well"};
  domain.advice = {"no DMARC"};
  return domain;
}

SlotKeys Keys() { return {RsaKey(0), RsaKey(1)}; }

DocumentedDomain Parsed(const Json& json) {
  auto document = ParseDomainDocument(json);
  EXPECT_TRUE(document.ok()) << document.status();
  return document.ok() ? *document : DocumentedDomain();
}

std::string WhyNot(const Json& json) {
  auto document = ParseDomainDocument(json);
  EXPECT_FALSE(document.ok());
  return document.ok() ? "" : std::string(MessageOf(document.status()));
}

TEST(DomainDocument, HasAllButWhatACheckFound) {
  Json json = DomainDocument(Domain(), "acme", Keys());
  EXPECT_EQ(json["account"], "acme");
  EXPECT_EQ(json["words"], Json::array());
  EXPECT_FALSE(json.contains("advice"));
  EXPECT_EQ(json["keys"].size(), 2u);
  DocumentedDomain document = Parsed(json);
  EXPECT_EQ(document.account, "acme");
  EXPECT_EQ(document.keys, Keys());
  EXPECT_EQ(DomainDocument(document.domain, "acme", document.keys), json);
  Json bare = DomainDocument(Domain(), "acme", {});
  EXPECT_FALSE(bare.contains("keys"));
  EXPECT_EQ(Parsed(bare).keys, SlotKeys(2));
}

TEST(DomainDocument, WhatIsWrongWithItIsSaidWithoutItsKeys) {
  const Json good = DomainDocument(Domain(), "acme", Keys());
  const std::string selector = good["slots"][0]["selector"];
  auto with = [&](const char* member, const Json& value) {
    Json json = good;
    json[member] = value;
    return WhyNot(json);
  };
  EXPECT_NE(with("account", 7).find("account"), std::string::npos);
  EXPECT_NE(with("account", "no account").find("account"), std::string::npos);
  EXPECT_NE(with("colour", "red").find("colour"), std::string::npos);
  EXPECT_NE(with("return_path_token", "x").find("token"), std::string::npos);
  EXPECT_NE(with("keys", 1).find("keys"), std::string::npos);
  EXPECT_NE(with("keys", {{"other", "AAAA"}}).find("no such selector"), std::string::npos);
  EXPECT_NE(with("keys", {{selector, 1}}).find("base64"), std::string::npos);
  std::string text;
  smtp::AppendBase64(RsaKey(0).substr(0, 600), &text);
  std::string words = with("keys", {{selector, text}});
  EXPECT_NE(words.find("private key of its kind"), std::string::npos);
  EXPECT_EQ(words.find(text.substr(0, 16)), std::string::npos);
  text.clear();
  smtp::AppendBase64(tls::DkimKey::Generate(Kind::kEd25519)->ToDer(), &text);
  EXPECT_NE(with("keys", {{selector, text}}).find("its kind"), std::string::npos);
  Json none = good;
  none["slots"][0]["state"] = "none";
  EXPECT_NE(WhyNot(none).find("there is none"), std::string::npos);
  EXPECT_NE(WhyNot(Json::array()).find("object"), std::string::npos);
}

TEST(ImportDomain, WithItsKeysItGoesOnAsItWas) {
  auto import = ImportDomain({}, Parsed(DomainDocument(Domain(), "acme", Keys())), 3, kLater);
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->what, What::kAdded);
  EXPECT_EQ(import->keys, Keys());
  SenderDomain wanted = Domain();
  wanted.account = 3;
  wanted.last_check = WallTime();
  wanted.next_check = kLater;
  wanted.words.clear();
  wanted.advice.clear();
  EXPECT_EQ(import->domain, wanted);
  EXPECT_TRUE(CheckSenderDomain(import->domain).ok());
}

TEST(ImportDomain, WithoutThemItIsPendingAndWantsOthers) {
  auto import = ImportDomain({}, Parsed(DomainDocument(Domain(), "acme", {})), 3, kLater);
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->domain.dns, DnsState::kPending);
  EXPECT_EQ(import->domain.return_path_token.size(), Domain().return_path_token.size());
  for (const DkimSlot& slot : import->domain.slots) {
    EXPECT_EQ(slot.state, KeyState::kNone);
    EXPECT_EQ(slot.generation, 1u);
  }
  EXPECT_TRUE(CheckSenderDomain(import->domain).ok());
  std::vector<KeySight> sights(2, KeySight::kNotSeen);
  auto policy = DefaultRotation(Seconds(1), Seconds(1));
  EXPECT_EQ(Rotate(import->domain, sights, policy, kLater).wanted.size(), 2u);
}

// One of two: that one is waited for, the other one signs on.
TEST(ImportDomain, AKeyThatIsMissingIsMadeAnew) {
  auto import =
      ImportDomain({}, Parsed(DomainDocument(Domain(), "acme", {RsaKey(0), ""})), 3, kLater);
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->domain.slots[0].state, KeyState::kActive);
  EXPECT_EQ(import->domain.slots[1].state, KeyState::kNone);
  EXPECT_EQ(import->domain.dns, DnsState::kPending);
  EXPECT_EQ(import->domain.dns_since, kLater);
}

TEST(ImportDomain, TimesAheadOfTheClockAreNow) {
  Json json = DomainDocument(Domain(), "acme", Keys());
  auto import = ImportDomain({}, Parsed(json), 3, kNow - Seconds(5000));
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->domain.slots[0].since, kNow - Seconds(5000));
  EXPECT_EQ(import->domain.created, kNow - Seconds(5000));
  EXPECT_EQ(import->domain.dns_since, kNow - Seconds(5000));
}

TEST(ImportDomain, KeysThatAreThereStay) {
  SenderDomain there = Domain();
  std::swap(there.slots[0].state, there.slots[1].state);  // they have turned since
  const DocumentedDomain document = Parsed(DomainDocument(Domain(), "acme", Keys()));
  auto import = ImportDomain(there, document, 7, kLater);
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->what, What::kUnchanged);
  EXPECT_EQ(import->domain, there);
  EXPECT_EQ(import->keys, SlotKeys(2));
  // Others than the document's: of the return path, or of one selector.
  for (std::string* label : {&there.slots[1].selector, &there.slots[1].token,
                             &there.return_path_token, &there.return_path_label}) {
    std::string kept = *label;
    std::reverse(label->begin(), label->end());
    auto refused = ImportDomain(there, document, 7, kLater);
    EXPECT_EQ(refused.status().code(), StatusCode::kFailedPrecondition);
    *label = kept;
  }
}

TEST(ImportDomain, Ed25519ComesWithTheDocument) {
  SenderDomain there = Domain(), richer = there;
  WantEd25519(&richer, true, kNow);
  KeyGenerated(&richer, 2, kNow);
  SlotKeys keys = Keys();
  keys.push_back(tls::DkimKey::Generate(Kind::kEd25519)->ToDer());
  keys.push_back("");
  auto import = ImportDomain(there, Parsed(DomainDocument(richer, "acme", keys)), 7, kLater);
  ASSERT_TRUE(import.ok());
  EXPECT_EQ(import->what, What::kChanged);
  EXPECT_EQ(import->domain.slots.size(), 4u);
  EXPECT_EQ(import->domain.slots[2].state, KeyState::kWaiting);
  EXPECT_EQ(import->keys, (SlotKeys{"", "", keys[2], ""}));
  EXPECT_EQ(import->domain.next_check, kLater);
  EXPECT_EQ(import->domain.dns, DnsState::kVerified);
  EXPECT_TRUE(CheckSenderDomain(import->domain).ok());
  // And goes where it is not wanted: rotation lets go of its slots.
  auto back = ImportDomain(import->domain, Parsed(DomainDocument(there, "acme", {})), 7, kLater);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->what, What::kChanged);
  EXPECT_FALSE(back->domain.ed25519_wanted);
  EXPECT_EQ(back->domain.slots.size(), 4u);
}

}  // namespace
}  // namespace ringpost::identity
