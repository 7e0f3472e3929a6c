// What is stored of a message for its DKIM signatures, and whole ways through the gateway: from a
// client to a next hop that verifies them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "gateway/mail/dkim_body_hash.h"
#include "gateway/session/signing_keys.h"
#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/dkim_check.h"
#include "tests/unit/session/inbound_rig.h"
#include "tests/unit/session/signing_domains.h"

namespace ringpost::session {
namespace {

using ::testing::StartsWith;
using tls::DkimKey;

constexpr char kDomain[] = "client.example";
constexpr std::string_view kHeader = "From: A <a@Client.Example>\r\nSubject: hello\r\n\r\n";
constexpr std::string_view kText = "Hello,\t you \r\n..one dot\r\n\r\n";
constexpr mail::DkimDigest kNone{};

// Both domains of the tests, with one key.
void Sign(InboundRig* rig) {
  static const auto& key = *new auto(DkimKey::Generate(DkimKey::Kind::kEd25519));
  SignFor(&rig->region, {kDomain, "xn--bcher-kva.example"}, {{"ed", key}});
}

mail::DkimDigest HashOf(std::string_view body) {
  mail::DkimBodyHash hash;
  hash.Update(body);
  return hash.Finish();
}

std::string Unstuffed(std::string_view text) {
  std::string plain(text);
  for (size_t at = 0; (at = plain.find("\r\n.", at)) != std::string::npos; ++at) {
    plain.erase(at + 2, 1);
  }
  return plain;
}

std::string Lines(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "A line of  a body,\twith blanks at its end. \r\n";
  return text;
}

// The envelope of a message that this client sent.
storage::StoredEnvelope Sent(InboundRig* rig, std::string_view message) {
  auto client = rig->Greeted();
  EXPECT_THAT(rig->Send(*client, message), StartsWith("250 "));
  return rig->admitted.back()->envelope;
}

std::string DomainOf(InboundRig* rig, std::string_view header) {
  storage::StoredEnvelope envelope = Sent(rig, std::string(header) + "\r\nHello\r\n");
  EXPECT_EQ(envelope.signing_domain.empty(), envelope.dkim_body_hash == kNone);
  EXPECT_EQ(envelope.header_bytes, envelope.signing_domain.empty() ? 0 : header.size() + 2);
  return envelope.signing_domain;
}

TEST(InboundSigning, WithoutKeysNothingIsHashed) {
  InboundRig rig;
  for (bool another : {false, true}) {
    if (another) SignFor(&rig.region, {"another.example"}, {});
    for (size_t bytes : {size_t{100}, size_t{3'000'000}}) {
      storage::StoredEnvelope envelope = Sent(&rig, std::string(kHeader) + Lines(bytes));
      EXPECT_EQ(envelope.signing_domain, "");
      EXPECT_EQ(envelope.header_bytes, 0u);
      EXPECT_EQ(envelope.dkim_body_hash, kNone);
    }
  }
}

TEST(InboundSigning, TheHashIsOfWhatGoesOutBehindTheHeaderSection) {
  reactor::SimIoOptions wide;
  wide.buffer_count = 4096;  // a chunk is more than a body that is kept
  InboundRig rig(1, reactor::SimFaults::None(), {}, wide);
  Sign(&rig);
  // A slab of its own; slices of receive buffers; sent ahead in chunks; many of them.
  for (size_t bytes :
       {size_t{0}, size_t{100}, size_t{20'000}, size_t{300'000}, size_t{3'000'000}}) {
    std::string text = std::string(kText) + Lines(bytes);
    storage::StoredEnvelope envelope = Sent(&rig, std::string(kHeader) + text);
    EXPECT_EQ(envelope.signing_domain, kDomain);
    EXPECT_EQ(envelope.header_bytes, kHeader.size());
    EXPECT_EQ(envelope.dkim_body_hash, HashOf(Unstuffed(text))) << bytes;
    EXPECT_EQ(rig.admitted.back()->body_in_chunks, bytes > 100'000);
    EXPECT_EQ(rig.admitted.back()->body.slices().size() > 1, bytes == 20'000);
  }
}

TEST(InboundSigning, AHeaderSectionLongerThanAChunk) {
  InboundRig rig;
  Sign(&rig);
  std::string header = "From: a@client.example\r\nTo: a@b.example";
  while (header.size() < 200'000) header += ",\r\n someone.with.a.long.name@dest.example";
  header += "\r\n\r\n";
  std::string text = Lines(400'000);
  storage::StoredEnvelope envelope = Sent(&rig, header + text);
  EXPECT_EQ(envelope.header_bytes, header.size());
  EXPECT_EQ(envelope.dkim_body_hash, HashOf(text));
  // Longer than is looked at: where the body begins nobody knows.
  header.insert(0, "X-More: " + std::string(900, 'x') + "\r\n");
  while (header.size() <= limits::kHeaderSectionBytesMax) header.insert(0, "X: " + Lines(1));
  EXPECT_EQ(Sent(&rig, header + text).signing_domain, "");
}

TEST(InboundSigning, AMailboxLineIsNotPartOfIt) {
  InboundRig rig;
  Sign(&rig);
  for (size_t bytes : {size_t{100}, size_t{300'000}}) {
    std::string text = Lines(bytes);
    std::string message = "From root Tue Nov 24 06:00:00 2026\r\n" + std::string(kHeader) + text;
    storage::StoredEnvelope envelope = Sent(&rig, message);
    EXPECT_EQ(envelope.signing_domain, kDomain);
    EXPECT_EQ(envelope.header_bytes, kHeader.size());
    EXPECT_EQ(envelope.dkim_body_hash, HashOf(text));
  }
}

TEST(InboundSigning, TheDomainIsThatOfTheFirstAddressInFrom) {
  InboundRig rig;
  Sign(&rig);
  EXPECT_EQ(DomainOf(&rig, "From: a@client.example\r\n"), kDomain);
  EXPECT_EQ(DomainOf(&rig, "From: x@other.example <a@client.example>\r\n"), "");
  EXPECT_EQ(DomainOf(&rig, "From: a@client.example, b@other.example\r\n"), kDomain);
  EXPECT_EQ(DomainOf(&rig, "From: b@other.example, a@client.example\r\n"), "");
  EXPECT_EQ(DomainOf(&rig, "From: a@sub.client.example\r\n"), "") << "that very domain";
  EXPECT_EQ(DomainOf(&rig, "From: a@example\r\n"), "");
  EXPECT_EQ(DomainOf(&rig,
                     "From: a@b\xC3\xBC"
                     "cher.example\r\n"),
            "xn--bcher-kva.example");
  EXPECT_EQ(DomainOf(&rig, "From: a@[192.0.2.9]\r\n"), "");
}

TEST(InboundSigning, WhatIsNotClearIsNotSigned) {
  InboundRig rig;
  Sign(&rig);
  EXPECT_EQ(DomainOf(&rig, "Subject: from nobody\r\n"), "");
  EXPECT_EQ(DomainOf(&rig, "From: a@client.example\r\nFrom: a@client.example\r\n"), "");
  EXPECT_EQ(DomainOf(&rig, "From: a@client.example (without an end\r\n"), "");
  // The header section ends without an empty line.
  for (std::string_view message :
       {"From: a@client.example\r\n", "From: a@client.example\r\nno field\r\n\r\nHello\r\n"}) {
    storage::StoredEnvelope envelope = Sent(&rig, message);
    EXPECT_EQ(envelope.signing_domain, "") << message;
    EXPECT_EQ(envelope.dkim_body_hash, kNone);
  }
}

// From a client to a next hop. Where RINGPOST_DKIM_FOLDER is set, what arrived is put there for
// others to verify: *.eml, and `keys`, "NAME RECORD" lines.
TEST(InboundSigning, FromClientToNextHop) {
  InboundRig rig;
  // The clock leaps while the threads work: by days, where they are slow.
  rig.policy().message_lifetime = Seconds(3650 * 86'400);
  ScriptedHop hop(&rig.world, "198.51.100.1:25");
  auto rsa = DkimKey::Generate(DkimKey::Kind::kRsa);
  auto ed25519 = DkimKey::Generate(DkimKey::Kind::kEd25519);
  SignFor(&rig.region, {kDomain}, {{"rsa", rsa}, {"ed", ed25519}});
  WorkerPool signers("test", 2, 100);  // threads, for once
  rig.region.signers = &signers;
  auto config = std::make_shared<delivery::DeliveryConfig>();
  std::vector<delivery::Route> routes(1);
  routes[0].domain = "*";
  routes[0].next_hops.push_back(*delivery::NextHop::Parse("198.51.100.1:25"));
  config->routes = *delivery::RouteTable::Make(std::move(routes));
  config->delay_warning = Seconds(0);
  delivery::SiteBudgets budgets;
  Dispatcher dispatcher(&rig.region, config, &budgets);

  auto client = rig.Greeted();
  std::vector<std::string> texts = {"",
                                    "Hi\r\n",
                                    std::string(kText),
                                    Lines(20'000),
                                    Lines(300'000) + std::string(kText),
                                    Lines(3'000'000)};
  for (const std::string& text : texts) {
    std::string before = text.size() % 2 == 0 ? "" : ">From root Tue Nov 24 06:00:00 2026\r\n";
    ASSERT_THAT(rig.Send(*client, before + std::string(kHeader) + text), StartsWith("250 "));
  }
  const char* folder = std::getenv("RINGPOST_DKIM_FOLDER");
  for (size_t i = 0; i < texts.size(); ++i) {
    dispatcher.Admit(std::move(rig.admitted[i]));
    bool arrived = false;
    for (int waits = 0; !arrived && waits < 300'000; ++waits) {
      arrived = rig.RunUntil([&] { return hop.messages.size() == i + 1; }, 1000);
      if (!arrived) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    ASSERT_TRUE(arrived);
    const std::string& content = hop.messages[i].content;
    EXPECT_TRUE(content.ends_with(std::string(kHeader) + Unstuffed(texts[i])));
    EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "rsa", *rsa), "");
    EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "ed", *ed25519), "");
    if (!folder) continue;
    std::ofstream(folder + ("/" + std::to_string(i)) + ".eml", std::ios::binary) << content;
    std::ofstream keys(std::string(folder) + "/keys");
    keys << "rsa._domainkey.client.example " << rsa->TxtRecord() << "\n"
         << "ed._domainkey.client.example " << ed25519->TxtRecord() << "\n";
  }
  dispatcher.Abort();
  EXPECT_TRUE(rig.RunUntil([&] { return dispatcher.drained(); }));
}

}  // namespace
}  // namespace ringpost::session
