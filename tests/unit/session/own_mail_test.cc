// Messages that the gateway writes itself: stored before they are said to be, then delivered as
// any.
#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/dkim_check.h"
#include "tests/unit/session/signing_domains.h"

namespace ringpost::session {
namespace {

constexpr char kHop[] = "192.0.2.1:25";
constexpr char kText[] = "Subject: x\r\n\r\nhello\r\n";

struct OwnMailTest : testing::Test {
  OwnMailTest() { rig.Route({{"one.example", {kHop}}}); }
  MessageId Originate(const std::string& to, const std::string& text = kText) {
    MessageId id = MessageId::Make(rig.world.wall_now(), 0, random);
    rig.dispatcher->Originate({id, to, text}, [this](const Status& status) { said = status; });
    return id;
  }
  Status Said() {
    EXPECT_TRUE(rig.RunUntil([this] { return said.has_value(); }));
    return said.value_or(OkStatus());
  }

  DispatcherRig rig{1};
  ScriptedHop hop{&rig.world, kHop};
  Random random{7};
  std::optional<Status> said;
};

TEST_F(OwnMailTest, IsStoredBeforeItIsSaidAndDeliveredFromNobody) {
  hop.SetUp(false);
  MessageId id = Originate("Bob@one.example");
  EXPECT_FALSE(said) << "nothing is on the disk yet";
  EXPECT_TRUE(Said().ok());
  EXPECT_TRUE(rig.spool.Has(id));
  rig.Restart(/*power_cut=*/true);
  hop.SetUp(true);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled() && !hop.messages.empty(); }));
  EXPECT_EQ(hop.messages[0].from.substr(0, 2), "<>");
  EXPECT_EQ(hop.messages[0].recipients, std::vector<std::string>{"Bob@one.example"});
  EXPECT_EQ(hop.messages[0].content, kText);
}

TEST_F(OwnMailTest, WhatComesBackOfItIsToldToNobody) {
  hop.answer = [](std::string_view command, std::string_view) -> std::string {
    return command == "RCPT" ? "550 5.1.1 nobody" : "";
  };
  Originate("bob@one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() == 1 && rig.Settled(); }));
  EXPECT_TRUE(hop.messages.empty());
}

TEST_F(OwnMailTest, WithoutARouteItIsRefusedInWords) {
  MessageId id = Originate("bob@two.example");
  Status status = Said();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MessageOf(status), "no route says where mail to two.example goes");
  EXPECT_FALSE(rig.spool.Has(id));
}

TEST_F(OwnMailTest, AStoreThatFailsIsSaidAndNothingIsDelivered) {
  rig.spool.FailNextGroup();
  MessageId id = Originate("bob@one.example");
  EXPECT_FALSE(Said().ok());
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_TRUE(hop.messages.empty());
  EXPECT_FALSE(rig.spool.Has(id));
}

TEST_F(OwnMailTest, BytesBeyondAsciiNeedSmtpUtf8) {
  hop.extensions = {"PIPELINING", "8BITMIME", "SMTPUTF8"};
  Originate("m\xc3\xbcller@one.example", "Subject: \xc3\xbc\r\n\r\nx\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return hop.messages.size() == 1; }));
  EXPECT_NE(hop.messages[0].from.find("SMTPUTF8"), std::string::npos);
}

TEST_F(OwnMailTest, IsSignedByTheDomainThatItNames) {
  auto key = tls::DkimKey::Generate(tls::DkimKey::Kind::kEd25519);
  SignFor(&rig.region, {"sender.example"}, {{"ed", key}});
  const std::string text = "From: a@sender.example\r\nSubject: x\r\n\r\nhello \r\n\r\n";
  MessageId id = MessageId::Make(rig.world.wall_now(), 0, random);
  rig.dispatcher->Originate({id, "bob@one.example", text, "sender.example"}, [](const Status&) {});
  ASSERT_TRUE(rig.RunUntil([&] { return hop.messages.size() == 1; }));
  EXPECT_EQ(hop.messages[0].from.substr(0, 2), "<>");
  EXPECT_TRUE(hop.messages[0].content.ends_with(text));
  EXPECT_EQ(WhatIsWrongWithDkim(hop.messages[0].content, "sender.example", "ed", *key), "");
}

TEST_F(OwnMailTest, ADrainWaitsForIt) {
  Originate("bob@one.example");
  rig.dispatcher->BeginDrain();
  EXPECT_FALSE(rig.dispatcher->drained());
  EXPECT_TRUE(Said().ok());
  EXPECT_TRUE(rig.RunUntil([&] { return rig.dispatcher->drained(); }));
}

}  // namespace
}  // namespace ringpost::session
