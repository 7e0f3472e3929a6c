// DKIM signatures on the way out: made by workers before each attempt, with the keys of then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/counters.h"
#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/dkim_check.h"
#include "tests/unit/session/signing_domains.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using tls::DkimKey;

constexpr char kHop[] = "192.0.2.1:25";
constexpr char kOther[] = "192.0.2.2:25";
constexpr char kDomain[] = "sender.example";
constexpr char kTrace[] = "Received: by gw.example; now\r\n";

std::shared_ptr<const DkimKey> Rsa() {
  static const auto& key = *new auto(DkimKey::Generate(DkimKey::Kind::kRsa));
  return key;
}
std::shared_ptr<const DkimKey> Ed25519() {
  static const auto& key = *new auto(DkimKey::Generate(DkimKey::Kind::kEd25519));
  return key;
}
std::shared_ptr<const DkimKey> AnotherEd25519() {
  static const auto& key = *new auto(DkimKey::Generate(DkimKey::Kind::kEd25519));
  return key;
}

void Sign(DispatcherRig* rig, Selectors selectors) {
  SignFor(&rig->region, {kDomain}, std::move(selectors));
}

Sent Letter() {
  Sent sent;
  sent.body =
      "From: A <a@sender.example>\r\nTo: b@one.example\r\nSubject: folded\r\n\t one\r\n\r\n"
      "Hello,  you. \r\n.dot\r\n\r\n\r\n";
  sent.signing_domain = kDomain;
  return sent;
}

std::string SizeOf(const HopMessage& message) {
  return " SIZE=" + std::to_string(message.content.size());
}

TEST(DispatcherSigningTest, WithBothKeysInFrontOfTheTraceFields) {
  DispatcherRig rig(1);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"rsa", Rsa()}, {"ed", Ed25519()}});
  Sent sent = Letter();
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  ASSERT_EQ(hop.messages.size(), 1u);
  const std::string& content = hop.messages[0].content;
  EXPECT_THAT(content, StartsWith("DKIM-Signature: v=1; a=rsa-sha256; "));
  EXPECT_TRUE(content.ends_with("\r\n" + (kTrace + sent.body)));
  EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "rsa", *Rsa()), "");
  EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "ed", *Ed25519()), "");
  EXPECT_EQ(DkimTags(content).size(), 2u);
  EXPECT_EQ(DkimTags(content)[0].count("x"), 0u);
  EXPECT_THAT(hop.messages[0].from, HasSubstr(SizeOf(hop.messages[0])));
}

TEST(DispatcherSigningTest, OnlyWhatHasADomainIsSigned) {
  DispatcherRig rig(2);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"ed", Ed25519()}});
  Sent sent = Letter();
  sent.signing_domain.clear();
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.at(0).content, kTrace + sent.body);
  EXPECT_TRUE(rig.log.Of("dkim_unsigned").empty());
}

// Deferred after its first attempt, it is no longer in memory; after a restart, nothing is.
TEST(DispatcherSigningTest, ALargeBodyIsReadBackAndTheKeyOfTheDayIsTaken) {
  for (bool restart : {false, true}) {
    DispatcherRig rig(4);
    ScriptedHop hop(&rig.world, kHop);
    bool later = true;
    hop.answer = [&](std::string_view command, std::string_view) -> std::string {
      return command == "MAIL" && later ? "450 4.3.0 later" : "";
    };
    rig.Route({{"*", {kHop}}});
    Sign(&rig, {{"old", Ed25519()}});
    Sent sent = Letter();
    while (sent.body.size() < 3'500'000) sent.body += std::string(75, 'y') + " \r\n";
    rig.Send(sent);
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
    WallTime first = rig.world.wall_now();
    later = false;
    Sign(&rig, {{"new", AnotherEd25519()}});
    if (restart) rig.Restart();
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }, 4'000'000));
    ASSERT_EQ(hop.messages.size(), 1u);
    const std::string& content = hop.messages[0].content;
    EXPECT_TRUE(content.ends_with("\r\n" + (kTrace + sent.body)));
    EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "new", *AnotherEd25519()), "");
    EXPECT_EQ(DkimTags(content).size(), 1u);
    EXPECT_THAT(hop.messages[0].from, HasSubstr(SizeOf(hop.messages[0])));
    EXPECT_GT(std::stoll(DkimTags(content)[0]["t"]), ToMillis(first) / 1000);
  }
}

// It goes to two next hops: each has a signature of its own, however many recipients it has there.
TEST(DispatcherSigningTest, OneSignatureForAllRecipientsOfATransaction) {
  Counters counters;
  CountersScope scope(&counters);
  DispatcherRig rig(5);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop other(&rig.world, kOther);
  rig.Route({{"*", {kHop}}, {"three.example", {kOther}}});
  Sign(&rig, {{"ed", Ed25519()}});
  Sent sent = Letter();
  sent.to = {"a@one.example", "b@two.example", "c@three.example", "d@one.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  for (const ScriptedHop* one : {&hop, &other}) {
    ASSERT_EQ(one->messages.size(), 1u);
    EXPECT_EQ(WhatIsWrongWithDkim(one->messages[0].content, kDomain, "ed", *Ed25519()), "");
  }
  EXPECT_EQ(counters.Get(Counter::kDkimSigned), 2u);
}

TEST(DispatcherSigningTest, WithoutAKeyItGoesUnsignedAndTheLogSaysSoOnce) {
  Counters counters;
  CountersScope scope(&counters);
  DispatcherRig rig(6);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop other(&rig.world, kOther);
  rig.Route({{"*", {kHop}}, {"three.example", {kOther}}});
  Sent sent = Letter();
  sent.to = {"a@one.example", "c@three.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.at(0).content, kTrace + sent.body);
  EXPECT_EQ(other.messages.at(0).content, kTrace + sent.body);
  ASSERT_EQ(rig.log.Of("dkim_unsigned").size(), 1u);
  EXPECT_EQ(RecordingLog::Field(rig.log.Of("dkim_unsigned")[0], "domain"), kDomain);
  EXPECT_EQ(counters.Get(Counter::kDkimUnsigned), 1u);
  EXPECT_EQ(counters.Get(Counter::kDkimSigned), 0u);
}

// Its fields are too many to be covered.
TEST(DispatcherSigningTest, WhatCannotBeSignedGoesUnsigned) {
  DispatcherRig rig(7);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"ed", Ed25519()}});
  Sent sent = Letter();
  for (int i = 0; i < 200; ++i) sent.body.insert(0, "Cc: c@one.example\r\n");
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.at(0).content, kTrace + sent.body);
  EXPECT_EQ(RecordingLog::Field(rig.log.Of("dkim_unsigned").at(0), "reason"),
            "too many fields to cover");
}

TEST(DispatcherSigningTest, AReencodedBodyIsSignedAsItGoesOut) {
  for (bool from_spool : {false, true}) {
    DispatcherRig rig(8);
    ScriptedHop hop(&rig.world, kHop);
    hop.extensions = {"PIPELINING", "SIZE 10000000"};
    bool later = from_spool;
    hop.answer = [&](std::string_view command, std::string_view) -> std::string {
      return command == "RCPT" && later ? "450 4.3.0 later" : "";
    };
    rig.Route({{"*", {kHop}}});
    Sign(&rig, {{"ed", Ed25519()}});
    Sent sent = Letter();
    sent.body.insert(0,
                     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: 8bit\r\n");
    sent.body += "Gr\xC3\xBC\xC3\x9F\r\n";
    sent.body_8bit = true;
    sent.declared = smtp::BodyType::k8BitMime;
    rig.Send(sent);
    if (from_spool) {
      ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
      later = false;
      rig.Restart();
    }
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    ASSERT_EQ(hop.messages.size(), 1u);
    const std::string& content = hop.messages[0].content;
    EXPECT_THAT(content, HasSubstr("Gr=C3=BC=C3=9F"));
    EXPECT_THAT(content, StartsWith("DKIM-Signature: "));
    EXPECT_EQ(WhatIsWrongWithDkim(content, kDomain, "ed", *Ed25519()), "");
    EXPECT_THAT(hop.messages[0].from, HasSubstr(SizeOf(hop.messages[0])));
  }
}

// It was to be re-encoded, which its structure does not allow: unchanged, from the beginning.
TEST(DispatcherSigningTest, WhatCouldNotBeReencodedIsSignedAsItIs) {
  for (bool from_spool : {false, true}) {
    DispatcherRig rig(9);
    ScriptedHop hop(&rig.world, kHop);
    hop.extensions = {"PIPELINING"};
    bool later = from_spool;
    hop.answer = [&](std::string_view command, std::string_view) -> std::string {
      return command == "RCPT" && later ? "450 4.3.0 later" : "";
    };
    rig.Route({{"*", {kHop}}});
    Sign(&rig, {{"ed", Ed25519()}});
    Sent sent = Letter();
    sent.body += "Gr\xC3\xBC\xC3\x9F\r\n";
    sent.body_8bit = true;
    rig.Send(sent);
    if (from_spool) {
      ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
      later = false;
      rig.Restart();
    }
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    ASSERT_EQ(hop.messages.size(), 1u);
    EXPECT_TRUE(hop.messages[0].content.ends_with("\r\n" + (kTrace + sent.body)));
    EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[0].content, kDomain, "ed", *Ed25519()), "");
  }
}

TEST(DispatcherSigningTest, AConnectionThatBreaksWhileItsSignatureIsMade) {
  for (bool from_spool : {false, true}) {
    DispatcherRig rig(10);
    ScriptedHop hop(&rig.world, kHop);
    rig.signers_busy = true;
    rig.Route({{"*", {kHop}}});
    Sign(&rig, {{"ed", Ed25519()}});
    if (from_spool) hop.SetUp(false);
    Sent sent = Letter();
    while (from_spool && sent.body.size() < 3'500'000) sent.body += std::string(76, 'y') + "\r\n";
    rig.Send(sent);
    if (from_spool) {
      ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
      hop.SetUp(true);
    }
    ASSERT_TRUE(rig.RunUntil([&] { return hop.connections == 1; }, 4'000'000));
    rig.RunFor(Seconds(5));
    EXPECT_EQ(hop.transactions_begun, 0) << "nothing is said before it is signed";
    // The first job is out; its message goes on over another connection, with another job.
    hop.SetUp(false);
    hop.SetUp(true);
    ASSERT_TRUE(rig.RunUntil([&] { return hop.connections == 2; }, 4'000'000));
    rig.RunFor(Seconds(1));
    ASSERT_TRUE(rig.signers.RunOne()) << "the one whose connection is gone";
    rig.RunFor(Seconds(1));
    EXPECT_EQ(hop.transactions_begun, 0);
    rig.signers_busy = false;
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }, 4'000'000));
    ASSERT_EQ(hop.messages.size(), 1u);
    EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[0].content, kDomain, "ed", *Ed25519()), "");
    EXPECT_FALSE(rig.signers.RunOne());
    // Nothing had been tried of it.
    EXPECT_EQ(rig.log.Of("deferred").size(), from_spool ? 1u : 0u);
    EXPECT_EQ(RecordingLog::Field(rig.log.Of("delivered").at(0), "attempts"),
              from_spool ? "2" : "1");
  }
}

TEST(DispatcherSigningTest, AnEndWaitsForWhatTheWorkersHave) {
  DispatcherRig rig(11);
  ScriptedHop hop(&rig.world, kHop);
  rig.signers_busy = true;
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"ed", Ed25519()}});
  MessageId id = rig.Send(Letter());
  ASSERT_TRUE(rig.RunUntil([&] { return hop.connections == 1; }));
  rig.RunFor(Seconds(1));
  rig.dispatcher->Abort();
  rig.RunFor(Seconds(1));
  EXPECT_FALSE(rig.dispatcher->drained());
  ASSERT_TRUE(rig.signers.RunOne());
  EXPECT_TRUE(rig.RunUntil([&] { return rig.dispatcher->drained(); }));
  EXPECT_TRUE(rig.spool.Has(id));
  EXPECT_EQ(hop.transactions_begun, 0);
}

TEST(DispatcherSigningTest, ADrainDeliversWhatIsBeingSigned) {
  DispatcherRig rig(12);
  ScriptedHop hop(&rig.world, kHop);
  rig.signers_busy = true;
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"ed", Ed25519()}});
  rig.Send(Letter());
  ASSERT_TRUE(rig.RunUntil([&] { return hop.connections == 1; }));
  rig.RunFor(Seconds(1));
  rig.dispatcher->BeginDrain();
  // The keys are others now; the ones it was begun with are good until it is done.
  Sign(&rig, {{"new", AnotherEd25519()}});
  rig.signers_busy = false;
  EXPECT_TRUE(rig.RunUntil([&] { return rig.dispatcher->drained(); }));
  ASSERT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[0].content, kDomain, "ed", *Ed25519()), "");
}

// More than may wait: tried again shortly, and no attempt was made. What needs no signature goes.
TEST(DispatcherSigningTest, WorkersThatHaveTooMuchPutItOff) {
  DispatcherRig rig(13);
  ScriptedHop hop(&rig.world, kHop);
  WorkerPool narrow("test", 0, 1);
  rig.Route({{"*", {kHop}}});
  rig.region.signers = &narrow;
  Sign(&rig, {{"ed", Ed25519()}});
  struct Other : WorkerPool::Job {
  } other;
  Inbox nobody;
  other.work = [](WorkerPool::Job*) {};
  other.run = [](Posted*) {};
  other.reply_to = &nobody;
  ASSERT_TRUE(narrow.TrySubmit(&other));
  WallTime began = rig.world.wall_now();
  rig.Send(Letter());
  Sent free = Letter();
  free.signing_domain.clear();
  free.to = {"free@one.example"};
  rig.Send(free);
  ASSERT_TRUE(rig.RunUntil([&] { return hop.Count("free@one.example") == 1; }));
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("dkim_put_off").size() == 3; }));
  EXPECT_TRUE(rig.log.Of("deferred").empty());
  EXPECT_LT(rig.world.wall_now() - began, Seconds(10));
  narrow.RunOne();
  ASSERT_TRUE(rig.RunUntil([&] {
    narrow.RunOne();
    return rig.Settled();
  }));
  ASSERT_EQ(hop.messages.size(), 2u);
  EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[1].content, kDomain, "ed", *Ed25519()), "");
  EXPECT_EQ(RecordingLog::Field(rig.log.Of("delivered").at(1), "attempts"), "1");
  EXPECT_LT(rig.world.wall_now() - began, Seconds(20));
}

// It does not leave unsigned because our disk failed; where the record itself is bad, no later try
// helps.
TEST(DispatcherSigningTest, KeysThatCannotBeReadPutItOff) {
  for (StatusCode code : {StatusCode::kUnavailable, StatusCode::kDataLoss}) {
    DispatcherRig rig(15);
    ScriptedHop hop(&rig.world, kHop);
    rig.Route({{"*", {kHop}}});
    Sign(&rig, {{"ed", Ed25519()}});
    auto keys = rig.region.signing_keys;
    bool fails = true;
    rig.region.signing_keys = std::make_shared<SigningKeys>([&](const std::string& domain) {
      auto read = keys->Get(domain, 1);
      return fails ? MakeStatus(code, "the keys are not to be had") : read;
    });
    rig.Send(Letter());
    bool later = code == StatusCode::kUnavailable;
    if (later) {
      ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("dkim_put_off").size() == 2; }));
      EXPECT_TRUE(hop.messages.empty());
      fails = false;
    }
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    ASSERT_EQ(hop.messages.size(), 1u);
    EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[0].content, kDomain, "ed", *Ed25519()).empty(),
              later);
    EXPECT_EQ(RecordingLog::Field(rig.log.Of("delivered").at(0), "attempts"), "1");
  }
}

// Nothing has been said to the old next hop yet.
TEST(DispatcherSigningTest, AReloadWhileItIsSignedSendsItTheNewWay) {
  DispatcherRig rig(14);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop other(&rig.world, kOther);
  rig.signers_busy = true;
  rig.Route({{"*", {kHop}}});
  Sign(&rig, {{"ed", Ed25519()}});
  rig.Send(Letter());
  ASSERT_TRUE(rig.RunUntil([&] { return hop.connections == 1; }));
  rig.RunFor(Seconds(1));
  rig.Route({{"*", {kOther}}});
  rig.RunFor(Seconds(1));
  rig.signers_busy = false;
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_TRUE(hop.messages.empty());
  ASSERT_EQ(other.messages.size(), 1u);
  EXPECT_EQ(WhatIsWrongWithDkim(other.messages[0].content, kDomain, "ed", *Ed25519()), "");
}

}  // namespace
}  // namespace ringpost::session
