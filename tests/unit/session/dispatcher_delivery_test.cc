// Deliveries that work, or fail at a known place.
#include <gtest/gtest.h>

#include "gateway/identity/outcome_counts.h"
#include "tests/unit/session/dispatcher_rig.h"

namespace ringpost::session {
namespace {

constexpr char kHop[] = "192.0.2.1:25";
constexpr char kOther[] = "192.0.2.2:25";

TEST(DispatcherDeliveryTest, DeliversFromMemoryAndForgets) {
  DispatcherRig rig(1);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.body = "Subject: x\r\n\r\n.dot\r\nbody\r\n";
  MessageId id = rig.Send(sent);
  EXPECT_GT(rig.dispatcher->held_body_bytes(), 0u);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  ASSERT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(hop.messages[0].content, "Received: by gw.example; now\r\n" + sent.body);
  EXPECT_FALSE(rig.spool.Has(id));
  EXPECT_EQ(rig.dispatcher->held_body_bytes(), 0u);
  auto lines = rig.log.Of("delivered");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(RecordingLog::Field(lines[0], "to"), "a@one.example");
  EXPECT_EQ(RecordingLog::Field(lines[0], "relay"), kHop);
  EXPECT_EQ(RecordingLog::Field(lines[0], "attempts"), "1");
}

TEST(DispatcherDeliveryTest, OneTransactionPerSiteWithAllItsRecipients) {
  DispatcherRig rig(2);
  ScriptedHop hop(&rig.world, kHop);
  ScriptedHop other(&rig.world, kOther);
  rig.Route({{"*", {kHop}}, {"three.example", {kOther}}});
  Sent sent;
  sent.to = {"a@one.example", "b@two.example", "c@three.example", "d@one.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  ASSERT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(hop.messages[0].recipients,
            (std::vector<std::string>{"a@one.example", "b@two.example", "d@one.example"}));
  ASSERT_EQ(other.messages.size(), 1u);
  EXPECT_EQ(other.messages[0].recipients, std::vector<std::string>{"c@three.example"});
}

// Failures for good that say something of the address: for the brake.
TEST(DispatcherDeliveryTest, HardBouncesAreCountedForTheirCredential) {
  identity::OutcomeCounts outcomes(64);
  DispatcherRig rig(9);
  rig.region.outcomes = &outcomes;
  ScriptedHop hop(&rig.world, kHop);
  hop.answer = [](std::string_view command, std::string_view line) -> std::string {
    if (command != "RCPT") return "";
    if (line.find("gone") != std::string_view::npos) return "550 5.1.1 nobody";
    if (line.find("big") != std::string_view::npos) return "552 5.3.4 too large";
    if (line.find("full") != std::string_view::npos) return "452 4.2.2 full";
    return "";
  };
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.credential = 7;
  sent.to = {"a@one.example", "gone@one.example", "big@one.example", "full@one.example",
             "gone2@one.example"};
  rig.Send(sent);
  sent.credential = 0;
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() >= 6; }));
  EXPECT_EQ(outcomes.Of(7, rig.world.wall_now()).hard_bounces, 2u);
  EXPECT_EQ(outcomes.changes(), 2u);
}

TEST(DispatcherDeliveryTest, ConnectionsAreReusedAndBounded) {
  DispatcherRig rig(3);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  for (int i = 0; i < 100; ++i) rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 100u);
  EXPECT_LE(hop.connections, 4);
  // Idle connections go after a while, and with them their leases.
  rig.RunFor(Seconds(60));
  EXPECT_EQ(rig.budgets.Find(kHop, 4, 1)->in_use(), 0u);
}

TEST(DispatcherDeliveryTest, ObeysLimits) {
  DispatcherRig rig(4);
  ScriptedHop hop(&rig.world, kHop);
  hop.extensions.push_back("LIMITS RCPTMAX=3 MAILMAX=2");
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.to.clear();
  for (int i = 0; i < 20; ++i) sent.to.push_back("r" + std::to_string(i) + "@one.example");
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  std::map<int, int> per_connection;
  for (const HopMessage& message : hop.messages) {
    EXPECT_LE(message.recipients.size(), 3u);
    EXPECT_LE(++per_connection[message.connection], 2);
  }
  for (const std::string& to : sent.to) EXPECT_EQ(hop.Count(to), 1) << to;
}

TEST(DispatcherDeliveryTest, TooManyRecipientsAtOnceAreSentInTheNextTransaction) {
  DispatcherRig rig(5);
  ScriptedHop hop(&rig.world, kHop);
  int accepted = 0;
  hop.answer = [&](std::string_view command, std::string_view) -> std::string {
    if (command == "MAIL") accepted = 0;
    return command == "RCPT" && ++accepted > 2 ? "452 4.5.3 too many" : "";
  };
  rig.config.connections_per_site = 1;
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.to = {"a@one.example", "b@one.example", "c@one.example", "d@one.example", "e@one.example"};
  rig.Send(sent);
  WallTime began = rig.world.wall_now();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 3u);
  EXPECT_LT(rig.world.wall_now() - began, Seconds(50));
}

TEST(DispatcherDeliveryTest, EachRecipientHasItsOwnResult) {
  DispatcherRig rig(6);
  ScriptedHop hop(&rig.world, kHop);
  bool later = true;
  hop.answer = [&](std::string_view command, std::string_view what) -> std::string {
    if (command != "RCPT") return "";
    if (what == "bad@one.example") return "550 5.1.1 nobody";
    if (what == "later@one.example" && later) return "450 4.2.0 later";
    return "";
  };
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.to = {"good@one.example", "bad@one.example", "later@one.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return hop.messages.size() == 2; }));
  EXPECT_EQ(hop.messages[0].recipients, std::vector<std::string>{"good@one.example"});
  // The report on the one that was refused, from nobody to the sender.
  EXPECT_TRUE(hop.messages[1].from.starts_with("<>")) << hop.messages[1].from;
  EXPECT_EQ(hop.messages[1].recipients, std::vector<std::string>{"sender@example.com"});
  EXPECT_NE(hop.messages[1].content.find("Action: failed"), std::string::npos);
  EXPECT_NE(hop.messages[1].content.find("bad@one.example"), std::string::npos);
  EXPECT_NE(hop.messages[1].content.find("Remote-MTA: dns; [192.0.2.1]\r\n"), std::string::npos);
  EXPECT_EQ(hop.messages[1].content.find("later@one.example"), std::string::npos);
  later = false;
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.Count("later@one.example"), 1);
  EXPECT_EQ(hop.Count("good@one.example"), 1);
  EXPECT_EQ(rig.spool.size(), 0u);
}

TEST(DispatcherDeliveryTest, NobodyIsToldOfMailFromNobody) {
  DispatcherRig rig(7);
  ScriptedHop hop(&rig.world, kHop);
  hop.answer = [](std::string_view command, std::string_view) -> std::string {
    return command == "RCPT" ? "550 5.1.1 nobody" : "";
  };
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.from = "";
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(rig.log.Of("bounced").size(), 1u);
  EXPECT_EQ(rig.spool.size(), 0u);
  // A report that is refused is not reported on either.
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(rig.log.Of("bounced").size(), 3u);
}

TEST(DispatcherDeliveryTest, NotifyIsHonoured) {
  DispatcherRig rig(8);
  ScriptedHop hop(&rig.world, kHop);
  hop.answer = [](std::string_view command, std::string_view what) -> std::string {
    return command == "RCPT" && what.starts_with("bad") ? "550 5.1.1 nobody" : "";
  };
  rig.Route({{"*", {kHop}}});
  Sent never;
  never.to = {"bad@one.example"};
  never.notify = smtp::kNotifyNever;
  rig.Send(never);
  Sent success;
  success.notify = smtp::kNotifySuccess;
  rig.Send(success);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  ASSERT_EQ(hop.messages.size(), 2u);
  EXPECT_NE(hop.messages[1].content.find("Action: relayed"), std::string::npos);
}

TEST(DispatcherDeliveryTest, FailsOverToTheNextPreference) {
  DispatcherRig rig(9);
  ScriptedHop second(&rig.world, kOther);
  rig.Route({{"*", {kHop, kOther}}});
  WallTime began = rig.world.wall_now();
  rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(second.messages.size(), 1u);
  EXPECT_LT(rig.world.wall_now() - began, Seconds(50));
  EXPECT_TRUE(rig.log.Of("deferred").empty());
}

TEST(DispatcherDeliveryTest, AMessageThatIsTooLargeForTheHopComesBack) {
  DispatcherRig rig(10);
  ScriptedHop hop(&rig.world, kHop);
  hop.extensions = {"SIZE 2000"};
  rig.Route({{"*", {kHop}}, {"example.com", {kOther}}});
  ScriptedHop home(&rig.world, kOther);
  Sent sent;
  sent.body = "Subject: x\r\n\r\n" + std::string(70, 'x') + "\r\n";
  for (int i = 0; i < 40; ++i) sent.body += std::string(70, 'x') + "\r\n";
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_TRUE(hop.messages.empty());
  ASSERT_EQ(home.messages.size(), 1u);
  EXPECT_NE(home.messages[0].content.find("5.3.4"), std::string::npos);
}

// No MIME-Version: its structure does not tell how to label another encoding.
TEST(DispatcherDeliveryTest, Undeclared8BitThatCannotBeConvertedGoesOnUnchanged) {
  for (bool from_spool : {false, true}) {
    DispatcherRig rig(12);
    ScriptedHop hop(&rig.world, kHop);
    hop.extensions = {"PIPELINING"};
    bool later = from_spool;
    hop.answer = [&](std::string_view command, std::string_view) -> std::string {
      return command == "RCPT" && later ? "450 4.3.0 later" : "";
    };
    rig.Route({{"*", {kHop}}});
    Sent sent;
    sent.body =
        "Subject: x\r\n\r\nGr\xC3\xBC\xC3\x9F"
        "e\r\n";
    sent.body_8bit = true;
    rig.Send(sent);
    if (from_spool) {
      ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
      later = false;
      rig.Restart();
    }
    ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
    ASSERT_EQ(hop.messages.size(), 1u);
    EXPECT_EQ(hop.messages[0].content, "Received: by gw.example; now\r\n" + sent.body);
    EXPECT_EQ(hop.messages[0].from, "<sender@example.com>") << "nothing is announced";
  }
}

TEST(DispatcherDeliveryTest, Declared8BitThatCannotBeConvertedComesBack) {
  DispatcherRig rig(13);
  ScriptedHop hop(&rig.world, kHop);
  hop.extensions = {"PIPELINING"};
  ScriptedHop home(&rig.world, kOther);
  rig.Route({{"*", {kHop}}, {"example.com", {kOther}}});
  Sent sent;
  sent.body =
      "Subject: x\r\n\r\nGr\xC3\xBC\xC3\x9F"
      "e\r\n";
  sent.body_8bit = true;
  sent.declared = smtp::BodyType::k8BitMime;
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_TRUE(hop.messages.empty());
  ASSERT_EQ(home.messages.size(), 1u);
  EXPECT_NE(home.messages[0].content.find("5.6.3"), std::string::npos);
}

TEST(DispatcherDeliveryTest, OneAddressThatIsNotAsciiIsItsOwnTroubleAlone) {
  DispatcherRig rig(14);
  ScriptedHop hop(&rig.world, kHop);
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.to = {"a@one.example",
             "gr\xC3\xBC\xC3\x9F"
             "e@one.example"};
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.Count("a@one.example"), 1);
  ASSERT_EQ(rig.log.Of("bounced").size(), 1u);
  EXPECT_EQ(RecordingLog::Field(rig.log.Of("bounced")[0], "dsn"), "5.6.7");
}

// A server that has had enough of a connection says 421 to the next MAIL: nothing was tried.
TEST(DispatcherDeliveryTest, A421OnAConnectionThatWasServedIsNoAttempt) {
  DispatcherRig rig(15);
  ScriptedHop hop(&rig.world, kHop);
  int mails = 0;
  hop.answer = [&](std::string_view command, std::string_view) -> std::string {
    if (command == "greeting") mails = 0;
    return command == "MAIL" && ++mails > 2 ? "421 4.7.0 too many messages" : "";
  };
  rig.config.connections_per_site = 1;
  rig.Route({{"*", {kHop}}});
  for (int i = 0; i < 7; ++i) rig.Send({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 7u);
  EXPECT_TRUE(rig.log.Of("deferred").empty());
}

// One byte before each time-out is no answer.
TEST(DispatcherDeliveryTest, AHopThatDripsItsAnswerTimesOut) {
  DispatcherRig rig(16);
  std::vector<std::unique_ptr<reactor::SimPeer>> peers;
  rig.world.Serve(*Endpoint::Parse(kHop), [&](std::unique_ptr<reactor::SimPeer> peer) {
    peers.push_back(std::move(peer));
  });
  rig.Route({{"*", {kHop}}});
  WallTime began = rig.world.wall_now();
  rig.Send({});
  for (int i = 0; i < 20 && rig.log.Of("unreachable").empty(); ++i) {
    for (auto& peer : peers) peer->Write("2");
    rig.RunFor(Seconds(60));
  }
  EXPECT_FALSE(rig.log.Of("unreachable").empty());
  EXPECT_LE(rig.world.wall_now() - began, Seconds(limits::kClientGreetingSeconds + 61));
}

TEST(DispatcherDeliveryTest, ALargeBodyIsReadBackInPieces) {
  DispatcherRig rig(11);
  ScriptedHop hop(&rig.world, kHop);
  hop.extensions = {"PIPELINING"};
  bool later = true;
  hop.answer = [&](std::string_view command, std::string_view) -> std::string {
    return command == "MAIL" && later ? "450 4.3.0 later" : "";
  };
  rig.Route({{"*", {kHop}}});
  Sent sent;
  sent.body = "Subject: large\r\n\r\n";
  while (sent.body.size() < 3'500'000) sent.body += std::string(76, 'y') + "\r\n";
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  later = false;
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }, 4'000'000));
  ASSERT_EQ(hop.messages.size(), 1u);
  EXPECT_EQ(hop.messages[0].content, "Received: by gw.example; now\r\n" + sent.body);
}

}  // namespace
}  // namespace ringpost::session
