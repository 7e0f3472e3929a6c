// Mail in, as a client sees it: what is accepted, what is refused and in which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/session/inbound_rig.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kBody = "From: a@client.example\r\nSubject: hello\r\n\r\nHello\r\n";

TEST(InboundSession, OneMessage) {
  InboundRig rig;
  auto client = rig.Greeted();
  std::string reply = rig.Send(*client, kBody);
  ASSERT_THAT(reply, StartsWith("250 2.0.0 queued as "));
  ASSERT_TRUE(rig.RunUntil([&] { return rig.admitted.size() == 1; }));
  const storage::NewMessage& message = *rig.admitted[0];
  EXPECT_THAT(reply, HasSubstr(message.id.ToString()));
  EXPECT_EQ(message.envelope.reverse_path, "a@client.example");
  ASSERT_EQ(message.envelope.recipients.size(), 1u);
  EXPECT_EQ(message.envelope.recipients[0].address, "b@dest.example");
  EXPECT_EQ(message.envelope.deadline - message.envelope.received, Seconds(1000));
  EXPECT_EQ(message.envelope.body_bytes, kBody.size());
  EXPECT_EQ(message.envelope.client, "192.0.2.9");
  std::string text = InboundRig::TextOf(message);
  EXPECT_THAT(text, StartsWith("Received: from client.example"));
  EXPECT_THAT(text, HasSubstr("\r\nDate: "));
  EXPECT_THAT(text, HasSubstr("\r\nMessage-ID: <"));
  EXPECT_TRUE(text.ends_with(kBody));
  EXPECT_EQ(message.body.slices().size(), 1u) << "a small body is one slab of its own";
  EXPECT_EQ(rig.io.pool_bytes_held(), 0u);
  EXPECT_EQ(rig.log.Count("accepted"), 1u);
  EXPECT_THAT(rig.Say(*client, "QUIT"), StartsWith("221 "));
  EXPECT_TRUE(rig.RunUntil([&] { return client->ended(); }));
}

TEST(InboundSession, DateAndMessageIdStayAsTheyAre) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Send(*client,
           "Date: Tue, 24 Nov 2026 07:16:24 +0000\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n");
  ASSERT_EQ(rig.admitted.size(), 1u);
  EXPECT_THAT(rig.admitted[0]->envelope.trace, ::testing::Not(HasSubstr("Message-ID")));
  EXPECT_THAT(rig.log.lines.back(), HasSubstr("\"message_id\":\"<1@x.example>\""));
}

TEST(InboundSession, ManyMessagesInOnePipelinedWrite) {
  InboundRig rig;
  auto client = rig.Connect();
  EXPECT_THAT(rig.Reply(*client), StartsWith("220 "));
  rig.Say(*client, "EHLO c.example");
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 6 LAST\r\n";
    all += "hello" + std::string(1, static_cast<char>('a' + i));
  }
  client->Write(all + "QUIT\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return client->ended(); }));
  std::string replies = client->TakeReceived();
  size_t queued = 0;
  for (size_t at = 0; (at = replies.find("queued as", at)) != std::string::npos; ++at) ++queued;
  EXPECT_EQ(queued, 20u) << replies;
  ASSERT_EQ(rig.admitted.size(), 20u);
  EXPECT_TRUE(InboundRig::TextOf(*rig.admitted[19]).ends_with("hellot"));
}

TEST(InboundSession, UntrustedClientIsToldWhatToDo) {
  InboundRig rig;
  auto client = rig.Greeted("198.51.100.1");
  std::string reply = rig.Say(*client, "MAIL FROM:<a@b.example>");
  EXPECT_THAT(reply, StartsWith("550 5.7.1 198.51.100.1 may not send"));
  EXPECT_THAT(reply, HasSubstr("ask the operator"));
  EXPECT_THAT(rig.Say(*client, "NOOP"), StartsWith("250")) << "the connection is kept";
  EXPECT_EQ(rig.log.Count("refused"), 1u);
}

TEST(InboundSession, NoRoute) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<a@b.example>");
  EXPECT_THAT(rig.Say(*client, "RCPT TO:<x@Nowhere.example>"),
              StartsWith("550 5.1.2 No route for mail to nowhere.example"));
  EXPECT_THAT(rig.Say(*client, "RCPT TO:<x@somewhere.example>"), StartsWith("250"));
}

TEST(InboundSession, BarePostmasterIsOurs) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<>");
  EXPECT_THAT(rig.Say(*client, "RCPT TO:<Postmaster>"), StartsWith("250"));
  rig.Say(*client, "DATA");
  EXPECT_THAT(rig.Say(*client, "Subject: x\r\n\r\nhelp\r\n."), StartsWith("250"));
  ASSERT_EQ(rig.admitted.size(), 1u);
  EXPECT_EQ(rig.admitted[0]->envelope.recipients[0].address, "Postmaster@gw.example.net");
  EXPECT_EQ(rig.admitted[0]->envelope.reverse_path, "");
}

TEST(InboundSession, Loop) {
  InboundRig rig;
  auto client = rig.Greeted();
  std::string body;
  for (uint32_t i = 0; i <= limits::kReceivedFieldsMax; ++i) body += "Received: from a by b\r\n";
  EXPECT_THAT(rig.Send(*client, body + "\r\nx\r\n"), StartsWith("554 5.4.6 "));
  EXPECT_TRUE(rig.admitted.empty());
  EXPECT_THAT(rig.Send(*client, kBody), StartsWith("250 ")) << "the connection is kept";
}

TEST(InboundSession, StoreThatTakesNothing) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<a@b.example>");
  rig.Say(*client, "RCPT TO:<c@d.example>");
  rig.Say(*client, "DATA");
  rig.spool.FailNextGroup();
  EXPECT_THAT(rig.Say(*client, "x\r\n."), StartsWith("451 4.3.0 "));
  EXPECT_THAT(rig.Say(*client, "MAIL FROM:<a@b.example>"), StartsWith("452 4.3.1 "));
  for (int i = 0; i < 100 && !rig.spool.accepting(); ++i) rig.spool.Tick();
  EXPECT_THAT(rig.Send(*client, kBody), StartsWith("250 ")) << "it recovers by itself";
  EXPECT_EQ(rig.log.Count("accept_failed"), 1u);
}

TEST(InboundSession, MemoryShort) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.shared.pressure = Pressure::kRefuseMail;
  EXPECT_THAT(rig.Say(*client, "MAIL FROM:<a@b.example>"), StartsWith("452 4.3.1 Short of memory"));
  rig.shared.pressure = Pressure::kCloseIdle;
  rig.service->CloseIdle();
  EXPECT_THAT(rig.Reply(*client), StartsWith("421 4.3.2 "));
  rig.shared.pressure = Pressure::kRefuseConnections;
  auto late = rig.Connect();
  EXPECT_THAT(rig.Reply(*late), StartsWith("421 4.3.2 "));
}

TEST(InboundSession, Eicar8BitAndUtf8AreNoted) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8");
  rig.Say(*client, "RCPT TO:<c@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d.example");
  rig.Say(*client, "DATA");
  EXPECT_THAT(rig.Say(*client, "Subject: \xC3\xA9\r\n\r\n\xC3\xA9\r\n."), StartsWith("250"));
  ASSERT_EQ(rig.admitted.size(), 1u);
  const storage::StoredEnvelope& envelope = rig.admitted[0]->envelope;
  EXPECT_TRUE(envelope.smtputf8);
  EXPECT_TRUE(envelope.body_8bit);
  EXPECT_TRUE(envelope.header_8bit);
  EXPECT_EQ(envelope.body_type, static_cast<uint8_t>(smtp::BodyType::k8BitMime));
  EXPECT_EQ(envelope.recipients[0].notify, smtp::kNotifySuccess | smtp::kNotifyDelay);
  EXPECT_EQ(envelope.recipients[0].orcpt, "rfc822;c@d.example");
}

TEST(InboundSession, Trace) {
  InboundRig rig;
  std::vector<std::string> lines;
  auto client = rig.Greeted();
  rig.service->Trace(*IpNetwork::Parse("192.0.2.9"),
                     [&](std::string_view line) { lines.emplace_back(line); });
  rig.Say(*client, "NOOP");
  auto other = rig.Greeted("192.0.2.10");
  auto same = rig.Greeted();
  rig.service->Untrace();
  rig.Say(*client, "NOOP");
  EXPECT_THAT(lines, ::testing::Contains("192.0.2.9 C: NOOP"));
  EXPECT_THAT(lines, ::testing::Contains("192.0.2.9 C: EHLO client.example"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "192.0.2.9 C: NOOP"), 1);
  EXPECT_THAT(lines, ::testing::Each(StartsWith("192.0.2.9 ")));
}

TEST(InboundSession, ALineOfAMailboxFileIsDropped) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (std::string_view line : {"From root Tue Nov 24 06:00:00 2026\r\n", ">From x\r\n"}) {
    EXPECT_THAT(rig.Send(*client, std::string(line).append(kBody)), StartsWith("250 "));
    const storage::NewMessage& message = *rig.admitted.back();
    EXPECT_THAT(InboundRig::TextOf(message), ::testing::Not(HasSubstr(line)));
    EXPECT_TRUE(InboundRig::TextOf(message).ends_with(kBody));
    EXPECT_EQ(message.envelope.body_bytes, kBody.size());
  }
  EXPECT_THAT(rig.Send(*client, std::string("Subject: x\r\n\r\nFrom here on\r\n")),
              StartsWith("250 "));
  EXPECT_TRUE(InboundRig::TextOf(*rig.admitted.back()).ends_with("\r\n\r\nFrom here on\r\n"));
  // No header section behind it: ours is closed by an empty line.
  EXPECT_THAT(rig.Send(*client, "From root Tue Nov 24 06:00:00 2026\r\nHello\r\n"),
              StartsWith("250 "));
  EXPECT_TRUE(InboundRig::TextOf(*rig.admitted.back()).ends_with(">\r\n\r\nHello\r\n"));
  EXPECT_THAT(rig.Send(*client, "From root Tue Nov 24 06:00:00 2026\r\n"), StartsWith("250 "));
}

TEST(InboundSession, AMessageThatTheProtocolRefusesIsLogged) {
  InboundRig rig;
  auto client = rig.Greeted();
  EXPECT_THAT(rig.Send(*client, "Subject: x\r\n\r\na\nb\r\n"), StartsWith("550 5.6.0 "));
  ASSERT_EQ(rig.log.Count("refused"), 1u);
  const std::string& line = rig.log.lines.back();
  EXPECT_THAT(line, HasSubstr(R"("stage":"body")"));
  EXPECT_THAT(line, HasSubstr(R"("code":550,"reason":"5.6.0 The message has a CR or LF)"));
  EXPECT_THAT(line, ::testing::Not(HasSubstr("\\r")));
  // A CR that the end of the chunk leaves alone is found with the transaction over already.
  EXPECT_THAT(rig.Say(*client, "MAIL FROM:<a@b.example>"), StartsWith("250"));
  EXPECT_THAT(rig.Say(*client, "RCPT TO:<c@d.example>"), StartsWith("250"));
  client->Write("BDAT 2 LAST\r\nx\r");
  EXPECT_THAT(rig.Reply(*client), StartsWith("550 5.6.0 "));
  EXPECT_EQ(rig.log.Count("refused"), 2u);
}

// What is added depends on the whole header section, which may be longer than a chunk.
TEST(InboundSession, HeaderSectionLongerThanAChunk) {
  InboundRig rig;
  auto client = rig.Greeted();
  std::string to = "To: a@b.example";
  while (to.size() < 200'000) to += ",\r\n someone.with.a.long.name@dest.example";
  std::string known = "Date: Tue, 24 Nov 2026 06:00:00 +0000\r\nMessage-ID: <1@b.example>\r\n";
  std::string body = "\r\n";
  while (body.size() < 400'000) body += "A line of a body that is sent ahead in chunks.\r\n";
  EXPECT_THAT(rig.Send(*client, to + "\r\n" + known + body), StartsWith("250 "));
  EXPECT_THAT(rig.admitted.back()->envelope.trace, ::testing::Not(HasSubstr("Date:")));
  EXPECT_THAT(rig.admitted.back()->envelope.trace, ::testing::Not(HasSubstr("Message-ID:")));
  // Longer than is scanned: nobody knows what it has.
  while (to.size() < limits::kHeaderSectionBytesMax) to += ",\r\n someone@dest.example";
  EXPECT_THAT(rig.Send(*client, to + "\r\n" + known + body), StartsWith("250 "));
  EXPECT_THAT(rig.admitted.back()->envelope.trace, ::testing::Not(HasSubstr("Date:")));
  EXPECT_THAT(rig.admitted.back()->envelope.trace, HasSubstr("Received:"));
}

TEST(InboundSession, HalfClosedClientGetsItsReplies) {
  InboundRig rig;
  auto client = rig.Greeted();
  client->Write("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 1 LAST\r\nxQUIT\r\n");
  client->HalfClose();
  ASSERT_TRUE(rig.RunUntil([&] { return client->ended(); }));
  std::string replies = client->TakeReceived();
  EXPECT_THAT(replies, HasSubstr("queued as"));
  EXPECT_THAT(replies, HasSubstr("221 "));
}

}  // namespace
}  // namespace ringpost::session
