// Mail in under TLS: a real handshake over the simulated network, whole, cut, injected into and
// given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/base/counters.h"
#include "tests/unit/session/inbound_tls_client.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kBody = "From: a@client.example\r\nSubject: hello\r\n\r\nHello\r\n";

TEST(InboundTls, ImplicitFromTheFirstByte) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient client(&rig);
  ASSERT_TRUE(client.Secure());
  EXPECT_THAT(client.Reply(), StartsWith("220 gw.example.net"));
  EXPECT_THAT(client.Say("EHLO client.example"), Not(HasSubstr("STARTTLS")));
  ASSERT_THAT(client.SendMail(kBody), StartsWith("250 2.0.0 queued as "));
  ASSERT_TRUE(rig.RunUntil([&] { return rig.admitted.size() == 1; }));
  std::string text = InboundRig::TextOf(*rig.admitted[0]);
  EXPECT_THAT(text, HasSubstr("with ESMTPS (TLSv1.3) id"));
  EXPECT_THAT(text, HasSubstr("tls TLS_"));
  EXPECT_TRUE(text.ends_with(kBody));
  ASSERT_EQ(rig.log.Count("accepted"), 1u);
  EXPECT_THAT(rig.log.lines.back(), HasSubstr("\"tls\":\"TLSv1.3\",\"cipher\":\"TLS_"));
  EXPECT_THAT(client.Say("QUIT"), StartsWith("221 "));
  EXPECT_TRUE(rig.RunUntil([&] {
    client.Pump();
    return client.side().ended;
  })) << "no close_notify";
  EXPECT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
}

TEST(InboundTls, StartTlsForgetsWhatWasSaid) {
  InboundRig rig;
  OfferStartTls(&rig);
  TlsClient client(&rig);
  client.ClearReply();
  EXPECT_THAT(client.Clear("EHLO client.example"), HasSubstr("250-STARTTLS\r\n"));
  EXPECT_THAT(client.Clear("MAIL FROM:<a@client.example>"), StartsWith("250 "));
  EXPECT_THAT(client.Clear("STARTTLS"), StartsWith("220 2.0.0 "));
  ASSERT_TRUE(client.Secure());
  EXPECT_THAT(client.Say("RCPT TO:<b@dest.example>"), StartsWith("503 5.5.1 Say MAIL"));
  EXPECT_THAT(client.Say("EHLO client.example"), Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(client.SendMail(kBody), StartsWith("250 2.0.0 queued as "));
  EXPECT_EQ(rig.admitted.size(), 1u);
}

TEST(InboundTls, AChunkedMessageThatWasBegunIsDroppedByStartTls) {
  InboundRig rig;
  OfferStartTls(&rig);
  TlsClient client(&rig);
  client.ClearReply();
  client.Clear("EHLO client.example");
  client.Clear("MAIL FROM:<a@client.example>");
  client.Clear("RCPT TO:<b@dest.example>");
  EXPECT_THAT(client.Clear("BDAT 7\r\nhello"), StartsWith("250 "));
  EXPECT_THAT(client.Clear("STARTTLS"), StartsWith("220 2.0.0 "));
  ASSERT_TRUE(client.Secure());
  EXPECT_THAT(client.Say("BDAT 0 LAST"), StartsWith("503 5.5.1 "));
  EXPECT_TRUE(rig.admitted.empty());
}

TEST(InboundTls, RequiredMeansRequired) {
  InboundRig rig;
  OfferStartTls(&rig, smtp::StartTls::kRequired);
  TlsClient client(&rig);
  client.ClearReply();
  client.Clear("EHLO client.example");
  EXPECT_THAT(client.Clear("MAIL FROM:<a@client.example>"), StartsWith("530 5.7.0 "));
  client.Clear("STARTTLS");
  ASSERT_TRUE(client.Secure());
  client.Say("EHLO client.example");
  EXPECT_THAT(client.SendMail(kBody), StartsWith("250 "));
}

// CVE-2011-0411, however the bytes are cut: nothing that came in clear behind STARTTLS is obeyed.
TEST(InboundTls, WhatIsInjectedBehindStartTlsIsNotObeyed) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    InboundRig rig(seed, seed % 2 == 0 ? reactor::SimFaults::None() : reactor::SimFaults::Rough());
    OfferStartTls(&rig);
    TlsClient client(&rig);
    client.ClearReply();
    client.Clear("EHLO client.example");
    std::string injected =
        "STARTTLS\r\nMAIL FROM:<mallory@client.example>\r\nRCPT TO:<b@dest.example>\r\n"
        "BDAT 7 LAST\r\nhello\r\n";
    size_t cut = seed < 20 ? 10 : injected.size();
    client.peer().Write(injected.substr(0, cut));
    if (seed % 4 == 0) rig.RunFor(Millis(1));
    client.peer().Write(injected.substr(cut));
    ASSERT_TRUE(rig.RunUntil([&] { return client.peer().ended(); })) << seed;
    std::string said = client.peer().TakeReceived();
    EXPECT_EQ(said.find("250 2.1.0"), std::string::npos) << seed << said;
    EXPECT_TRUE(rig.admitted.empty());
    EXPECT_EQ(rig.log.Count("accepted"), 0u);
  }
}

// The same while the commit of a message before it keeps the session from reading: what waits then
// is clear text, and must not be taken for what came under TLS.
TEST(InboundTls, WhatWaitedBehindStartTlsIsNotObeyedAfterIt) {
  InboundRig rig;
  OfferStartTls(&rig);
  TlsClient client(&rig);
  client.ClearReply();
  client.Clear("EHLO client.example");
  client.Clear("MAIL FROM:<a@client.example>");
  client.Clear("RCPT TO:<b@dest.example>");
  client.Clear("DATA");
  client.peer().Write(std::string(kBody) + ".\r\nSTARTTLS\r\n");
  rig.world.RunFor(Millis(1));  // the store, which only the rig moves, has not answered
  client.peer().Write("MAIL FROM:<mallory@client.example>\r\n");
  rig.world.RunFor(Millis(1));
  ASSERT_TRUE(rig.admitted.empty()) << "the test is too late";
  ASSERT_TRUE(rig.RunUntil([&] {
    return rig.admitted.size() == 1 &&
           (client.peer().ended() ||
            client.peer().received().find("220 2.0.0") != std::string::npos);
  }));
  client.peer().TakeReceived();
  client.Secure();
  EXPECT_FALSE(client.side().secured);
  EXPECT_TRUE(client.peer().ended());
  EXPECT_EQ(client.side().heard, "");
  EXPECT_EQ(rig.log.Count("tls_failed"), 1u);
}

TEST(InboundTls, ClearTextToAnImplicitListenerIsTheEnd) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient client(&rig);
  client.peer().Write("EHLO client.example\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
  EXPECT_EQ(rig.log.Count("tls_failed"), 1u);
  EXPECT_EQ(client.peer().received().find("220"), std::string::npos);
}

TEST(InboundTls, AHandshakeThatStallsIsGivenUp) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient silent(&rig), half(&rig);
  half.side().connection = nullptr;
  std::string hello = [] {
    tls::Side side;
    side.connection = tls::Connection::Connect(tls::MakeClient(), "gw.example.net", "gw");
    side.Feed({});
    return side.Take();
  }();
  half.peer().Write(hello.substr(0, hello.size() / 2));
  rig.RunFor(Seconds(limits::kTlsHandshakeSeconds) - Millis(500));
  EXPECT_FALSE(silent.peer().ended());
  rig.RunFor(Seconds(2));
  EXPECT_TRUE(silent.peer().ended() && half.peer().ended());
  EXPECT_EQ(rig.log.Count("tls_failed"), 2u);
}

// Each byte comes well within any time-out for one; the handshake as a whole does not.
TEST(InboundTls, AHandshakeThatComesAByteASecondIsGivenUp) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient slow(&rig);
  tls::Side side;
  side.connection = tls::Connection::Connect(tls::MakeClient(), "gw.example.net", "gw");
  side.Feed({});
  std::string hello = side.Take();
  ASSERT_GT(hello.size(), limits::kTlsHandshakeSeconds);
  uint32_t seconds = 0;
  for (; !slow.peer().ended() && seconds < hello.size(); ++seconds) {
    slow.peer().Write(hello.substr(seconds, 1));
    rig.RunFor(Seconds(1));
  }
  EXPECT_GE(seconds, limits::kTlsHandshakeSeconds);
  EXPECT_LE(seconds, limits::kTlsHandshakeSeconds + 1);
  ASSERT_EQ(rig.log.Count("tls_failed"), 1u);
  EXPECT_THAT(rig.log.lines.back(), HasSubstr("did not end in time"));
}

// No close_notify, and no whole record either: what came is not taken for a message.
// A handshake is all that it takes to get this far.
TEST(InboundTls, StrangersPinNoReceiveBuffers) {
  InboundRig rig;
  Implicit(&rig);
  std::vector<std::unique_ptr<TlsClient>> strangers;
  for (int i = 0; i < 50; ++i) {
    strangers.push_back(std::make_unique<TlsClient>(&rig, "203.0.113." + std::to_string(i + 1)));
    ASSERT_TRUE(strangers.back()->Secure());
    strangers.back()->peer().Write(std::string("\x17\x03\x03\x40\x00x", 6));
  }
  rig.RunFor(Millis(100));
  EXPECT_EQ(rig.io.pool_bytes_held(), 0u);
  TlsClient client(&rig);
  ASSERT_TRUE(client.Secure());
  client.Reply();
  client.Say("EHLO client.example");
  EXPECT_THAT(client.SendMail(kBody), StartsWith("250 2.0.0 queued as "));
}

TEST(InboundTls, ABodyIsNotCopiedOnItsWay) {
  Counters counters;
  InboundRig rig;
  Implicit(&rig);
  TlsClient client(&rig);
  ASSERT_TRUE(client.Secure());
  client.Reply();
  client.Say("EHLO client.example");
  for (auto line : {"MAIL FROM:<a@client.example>", "RCPT TO:<b@dest.example>", "DATA"}) {
    client.Say(line);
  }
  std::string body(kBody);
  while (body.size() < 300'000)
    body += "A line of text as mail has it, of some seventy letters.\r\n";
  client.Write(body);  // sealed here, by copies of its own
  std::string reply;
  {
    CountersScope scope(&counters);
    rig.RunFor(Millis(100));
  }
  EXPECT_THAT(client.Say("."), StartsWith("250 2.0.0 queued as "));
  EXPECT_LT(counters.Get(Counter::kBodyBytesCopied), body.size() / 10);
}

TEST(InboundTls, AnEndOfTcpWithinAMessageEndsIt) {
  for (bool bdat : {false, true}) {
    for (bool within_record : {false, true}) {
      InboundRig rig;
      Implicit(&rig);
      TlsClient client(&rig);
      ASSERT_TRUE(client.Secure());
      client.Reply();
      client.Say("EHLO client.example");
      client.Say("MAIL FROM:<a@client.example>");
      client.Say("RCPT TO:<b@dest.example>");
      if (!bdat) client.Say("DATA");
      client.Write(bdat ? "BDAT 24 LAST\r\nSubject: half of it\r\n" : "Subject: half of it\r\n");
      client.side().Say(".\r\n");
      std::string record = client.side().Take();
      if (within_record) client.peer().Write(record.substr(0, record.size() - 1));
      client.peer().HalfClose();
      ASSERT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
      rig.RunFor(Seconds(1));
      EXPECT_TRUE(rig.admitted.empty()) << bdat << within_record;
      EXPECT_EQ(rig.log.Count("accepted"), 0u);
    }
  }
}

// CVE-2026-45185: close_notify in the middle of a chunk, then bytes in clear.
TEST(InboundTls, ACloseWithinAMessageEndsItWhateverFollows) {
  for (bool bdat : {false, true}) {
    InboundRig rig;
    Implicit(&rig);
    TlsClient client(&rig);
    ASSERT_TRUE(client.Secure());
    client.Reply();
    client.Say("EHLO client.example");
    client.Say("MAIL FROM:<a@client.example>");
    client.Say("RCPT TO:<b@dest.example>");
    if (bdat) {
      client.Write("BDAT 100 LAST\r\nSubject: half of it\r\n");
    } else {
      client.Say("DATA");
      client.Write("Subject: half of it\r\n");
    }
    client.side().connection->WriteEnd();
    client.Send();
    client.peer().Write("the other half in clear text, up to the very end....\r\n.\r\n");
    ASSERT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
    EXPECT_TRUE(rig.admitted.empty());
    EXPECT_EQ(rig.log.Count("accepted"), 0u);
  }
}

TEST(InboundTls, ABrokenRecordWithinAMessageEndsIt) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient client(&rig);
  ASSERT_TRUE(client.Secure());
  client.Reply();
  client.Say("EHLO client.example");
  client.Say("MAIL FROM:<a@client.example>");
  client.Say("RCPT TO:<b@dest.example>");
  client.Say("DATA");
  client.side().Say("Subject: forged\r\n\r\n.\r\n");
  std::string record = client.side().Take();
  record.back() = static_cast<char>(record.back() ^ 1);
  client.peer().Write(record);
  ASSERT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
  EXPECT_TRUE(rig.admitted.empty());
  ASSERT_EQ(rig.log.Count("session_ended"), 1u);
  EXPECT_THAT(rig.log.lines.back(), HasSubstr("broken TLS: "));
}

TEST(InboundTls, BehindAProxyHeader) {
  InboundRig rig;
  Implicit(&rig);
  auto proxies = std::make_shared<identity::NetworkList>();
  proxies->Add(*IpNetwork::Parse("192.0.2.9/32"));
  rig.policy().proxy_peers = proxies;
  for (bool together : {false, true}) {
    TlsClient client(&rig);
    client.peer().Write("PROXY TCP4 192.0.2.77 192.0.2.1 4711 465\r\n");
    if (!together) rig.RunFor(Millis(5));
    ASSERT_TRUE(client.Secure());
    EXPECT_THAT(client.Reply(), StartsWith("220 "));
    client.Say("EHLO client.example");
    EXPECT_THAT(client.SendMail(kBody), StartsWith("250 "));
    EXPECT_EQ(rig.admitted.back()->envelope.client, "192.0.2.77");
  }
}

// A large body, small writes, a network that cuts and delays: what comes out is what went in.
TEST(InboundTls, BodiesComeOutWholeOnARoughNetwork) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    InboundRig rig(seed, reactor::SimFaults::Rough());
    Implicit(&rig);
    TlsClient client(&rig);
    ASSERT_TRUE(client.Secure()) << seed;
    client.Reply();
    client.Say("EHLO client.example");
    std::string body = "Subject: large\r\n\r\n";
    while (body.size() < 200'000) {
      body += "line " + std::to_string(body.size() * (seed + 7)) + "\r\n";
    }
    client.Say("MAIL FROM:<a@client.example>");
    client.Say("RCPT TO:<b@dest.example>");
    client.Say("DATA");
    for (size_t at = 0; at < body.size(); at += 777 + seed)
      client.Write(body.substr(at, 777 + seed));
    ASSERT_THAT(client.Say("."), StartsWith("250 2.0.0 queued as ")) << seed;
    ASSERT_EQ(rig.admitted.size(), 1u);
    EXPECT_EQ(rig.StoredBody(*rig.admitted[0]), body) << seed;
  }
}

TEST(InboundTls, AShutdownEndsHandshakesAndSaysGoodbyeToSessions) {
  InboundRig rig;
  Implicit(&rig);
  TlsClient idle(&rig), half(&rig);
  ASSERT_TRUE(idle.Secure());
  idle.Reply();
  idle.Say("EHLO client.example");
  rig.service->BeginDrain();
  EXPECT_THAT(idle.Reply(), StartsWith("421 4.3.2 "));
  ASSERT_TRUE(rig.RunUntil([&] { return half.peer().ended(); }));
  rig.RunFor(Seconds(5));
  EXPECT_TRUE(idle.peer().ended());
}

}  // namespace
}  // namespace ringpost::session
