// Who gets a session at all: limits, early talkers, PROXY, XCLIENT, drain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/inbound_rig.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::shared_ptr<const identity::NetworkList> ListOf(std::string_view network) {
  auto list = std::make_shared<identity::NetworkList>();
  list->Add(*IpNetwork::Parse(network));
  return list;
}

TEST(InboundAdmission, ConnectionsInAll) {
  InboundRig rig;
  rig.shared.connections_max = 2;
  auto one = rig.Greeted(), two = rig.Greeted();
  auto three = rig.Connect();
  EXPECT_THAT(rig.Reply(*three),
              StartsWith("421 4.7.0 gw.example.net has too many connections in"));
  ASSERT_TRUE(rig.RunUntil([&] { return three->ended(); }));
  two->Close();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->connections() == 1; }));
  auto four = rig.Greeted();
}

TEST(InboundAdmission, ConnectionsOfAListener) {
  InboundRig rig;
  rig.policy().connections_max = 1;
  auto one = rig.Greeted();
  auto two = rig.Connect();
  EXPECT_THAT(rig.Reply(*two), HasSubstr("on this port"));
}

TEST(InboundAdmission, ConnectionsOfAnAddress) {
  InboundRig rig;
  rig.policy().connections_per_address_max = 2;
  auto one = rig.Greeted("192.0.2.9"), two = rig.Greeted("192.0.2.9");
  auto three = rig.Connect("192.0.2.9");
  EXPECT_THAT(rig.Reply(*three), HasSubstr("from your address"));
  auto other = rig.Greeted("192.0.2.10");
  one->Close();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->connections() <= 3; }));
  three.reset();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->connections() == 2; }));
  auto four = rig.Greeted("192.0.2.9");
}

TEST(InboundAdmission, EarlyTalker) {
  InboundRig rig;
  rig.policy().greet_delay_ms = 500;
  auto early = rig.Connect();
  early->Write("EHLO hasty.example\r\n");
  EXPECT_THAT(rig.Reply(*early), StartsWith("554 5.5.1 "));
  ASSERT_TRUE(rig.RunUntil([&] { return early->ended(); }));
  MonoTime before = rig.world.now();
  auto patient = rig.Greeted();
  EXPECT_GE(rig.world.now() - before, Millis(500));
}

TEST(InboundAdmission, ProxyHeader) {
  InboundRig rig;
  rig.policy().proxy_peers = ListOf("192.0.2.5");
  auto client = rig.Connect("192.0.2.5");
  client->Write("PROXY TCP4 198.51.100.7 192.0.2.1 4000 25\r\n");
  EXPECT_THAT(rig.Reply(*client), StartsWith("220 "));
  rig.Say(*client, "EHLO c.example");
  EXPECT_THAT(rig.Say(*client, "MAIL FROM:<a@b.example>"),
              StartsWith("550 5.7.1 198.51.100.7 may not"));
  auto direct = rig.Greeted("192.0.2.9");  // not on the list: no header wanted
}

TEST(InboundAdmission, ProxyHeaderInPieces) {
  InboundRig rig;
  rig.policy().proxy_peers = ListOf("192.0.2.5");
  auto client = rig.Connect("192.0.2.5");
  for (std::string_view piece : {"PRO", "XY TCP4 192.0.2.77 192.0", ".2.1 4000 25", "\r"}) {
    client->Write(piece);
    rig.RunFor(Millis(50));
  }
  EXPECT_EQ(client->received(), "");
  client->Write("\nEHLO c.example\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return client->received().find("250 ") != std::string::npos; }));
  client->TakeReceived();
  EXPECT_THAT(rig.Send(*client, "x\r\n"), StartsWith("250 "));
  EXPECT_EQ(rig.admitted.at(0)->envelope.client, "192.0.2.77");
}

TEST(InboundAdmission, ProxyHeaderThatIsNoneOrDoesNotCome) {
  InboundRig rig;
  rig.policy().proxy_peers = ListOf("192.0.2.5");
  auto wrong = rig.Connect("192.0.2.5");
  wrong->Write("EHLO c.example\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return wrong->ended(); }));
  EXPECT_EQ(wrong->received(), "");
  auto silent = rig.Connect("192.0.2.5");
  rig.RunFor(Seconds(limits::kProxyHeaderSeconds + 1));
  EXPECT_TRUE(silent->ended());
  EXPECT_EQ(rig.log.Count("connection_refused"), 2u);
}

TEST(InboundAdmission, Xclient) {
  InboundRig rig;
  rig.policy().smtp_xclient = rig.policy().smtp;
  rig.policy().smtp_xclient.xclient = true;
  rig.policy().xclient_peers = ListOf("192.0.2.5");
  auto listed = rig.Greeted("192.0.2.5");
  EXPECT_THAT(rig.Say(*listed, "XCLIENT ADDR=198.51.100.8 NAME=x.example"), StartsWith("220 "));
  rig.Say(*listed, "EHLO c.example");
  EXPECT_THAT(rig.Say(*listed, "MAIL FROM:<a@b.example>"),
              StartsWith("550 5.7.1 198.51.100.8 may not"));
  auto other = rig.Greeted("192.0.2.9");
  EXPECT_THAT(rig.Say(*other, "XCLIENT ADDR=192.0.2.9"), StartsWith("5"));
}

// Who may use XCLIENT is said of the client, not of the balancer that passes it on.
TEST(InboundAdmission, XclientBehindProxy) {
  InboundRig rig;
  rig.policy().smtp_xclient = rig.policy().smtp;
  rig.policy().smtp_xclient.xclient = true;
  rig.policy().proxy_peers = ListOf("192.0.2.5");
  rig.policy().xclient_peers = ListOf("192.0.2.0/24");
  auto stranger = rig.Connect("192.0.2.5");
  stranger->Write("PROXY TCP4 198.51.100.7 192.0.2.1 4000 25\r\n");
  EXPECT_THAT(rig.Reply(*stranger), StartsWith("220 "));
  EXPECT_THAT(rig.Say(*stranger, "EHLO c.example"), ::testing::Not(HasSubstr("XCLIENT")));
  EXPECT_THAT(rig.Say(*stranger, "XCLIENT ADDR=192.0.2.9"), StartsWith("550 5.7.0 "));
  auto listed = rig.Connect("192.0.2.5");
  listed->Write("PROXY TCP4 192.0.2.66 192.0.2.1 4000 25\r\n");
  EXPECT_THAT(rig.Reply(*listed), StartsWith("220 "));
  EXPECT_THAT(rig.Say(*listed, "EHLO c.example"), HasSubstr("XCLIENT"));
}

// A client whose address the proxy does not know has none of the proxy's rights.
TEST(InboundAdmission, XclientWithoutAnAddress) {
  InboundRig rig;
  rig.policy().smtp_xclient = rig.policy().smtp;
  rig.policy().smtp_xclient.xclient = true;
  rig.policy().xclient_peers = ListOf("192.0.2.5");
  auto client = rig.Greeted("192.0.2.5");
  EXPECT_THAT(rig.Say(*client, "XCLIENT ADDR=[UNAVAILABLE]"), StartsWith("220 "));
  rig.Say(*client, "EHLO c.example");
  EXPECT_THAT(rig.Say(*client, "MAIL FROM:<a@b.example>"), StartsWith("550 5.7.1 "));
}

TEST(InboundAdmission, XclientCountsTheClientNotTheProxy) {
  InboundRig rig;
  rig.policy().smtp_xclient = rig.policy().smtp;
  rig.policy().smtp_xclient.xclient = true;
  rig.policy().xclient_peers = ListOf("192.0.2.5");
  rig.policy().connections_per_address_max = 1;
  std::vector<std::unique_ptr<reactor::SimPeer>> clients;
  for (auto address : {"192.0.2.71", "192.0.2.72", "192.0.2.73"}) {
    clients.push_back(rig.Greeted("192.0.2.5"));
    EXPECT_THAT(rig.Say(*clients.back(), std::string("XCLIENT ADDR=") + address),
                StartsWith("220 "));
  }
  auto again = rig.Greeted("192.0.2.5");
  EXPECT_THAT(rig.Say(*again, "XCLIENT ADDR=192.0.2.72"), StartsWith("421 4.7.0 "));
}

TEST(InboundAdmission, DrainEndsAtTheNextBoundary) {
  InboundRig rig;
  auto idle = rig.Greeted(), busy = rig.Greeted();
  rig.Say(*busy, "MAIL FROM:<a@b.example>");
  rig.Say(*busy, "RCPT TO:<c@d.example>");
  rig.service->BeginDrain();
  EXPECT_THAT(rig.Reply(*idle), StartsWith("421 4.3.2 "));
  EXPECT_THAT(rig.Say(*busy, "NOOP"), StartsWith("250"));
  // The transaction in hand is finished, and the session ends behind it.
  EXPECT_THAT(rig.Say(*busy, "DATA"), StartsWith("354 "));
  busy->Write("hello\r\n.\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return busy->ended(); }));
  EXPECT_THAT(busy->received(), StartsWith("250 2.0.0 queued as"));
  EXPECT_THAT(busy->received(), HasSubstr("\r\n421 4.3.2 "));
  auto late = rig.Connect();
  EXPECT_THAT(rig.Reply(*late), StartsWith("421 4.3.2 "));
  EXPECT_TRUE(rig.RunUntil([&] { return rig.service->idle(); }));
}

TEST(InboundAdmission, DrainFinishesTheMessageInHand) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  rig.service->BeginDrain();
  client->Write("hello\r\n.\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->idle(); }));
  std::string replies = client->TakeReceived();
  EXPECT_THAT(replies, StartsWith("250 2.0.0 queued as"));
  EXPECT_THAT(replies, HasSubstr("\r\n421 4.3.2 "));
  EXPECT_EQ(rig.admitted.size(), 1u);
}

TEST(InboundAdmission, DrainWhileClientsWaitForTheGreeting) {
  InboundRig rig;
  rig.policy().greet_delay_ms = 5000;
  auto waiting = rig.Connect();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->connections() == 1; }));
  rig.service->BeginDrain();
  EXPECT_THAT(rig.Reply(*waiting), StartsWith("421 4.3.2 "));
  EXPECT_TRUE(rig.RunUntil([&] { return rig.service->idle(); }));
}

}  // namespace
}  // namespace ringpost::session
