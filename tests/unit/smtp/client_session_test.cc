// What the golden transcripts of tests/golden/smtp_client do not show: bounds, time-outs, bytes
// nobody asked for, and the end of a connection in each state.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/base/limits.h"
#include "tests/unit/smtp/client_harness.h"

namespace ringpost::smtp {
namespace {

using namespace std::string_literals;

size_t CountLines(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(ClientSession, BytesNobodyAskedFor) {
  Client greeting;
  EXPECT_EQ(greeting.Feed("220 hi\r\n250 ahead of its time\r\n"), "failed ");

  Client after_ehlo;
  after_ehlo.Feed("220 hi\r\n");
  EXPECT_EQ(after_ehlo.Feed("250-mx\r\n250 CHUNKING\r\n250 more\r\n"), "failed ");
  EXPECT_EQ(after_ehlo.session.failure().code, 0);

  Client after_helo;
  after_helo.Feed("220 hi\r\n");
  after_helo.Feed("500 what\r\n");
  EXPECT_EQ(after_helo.Feed("250 mx\r\n250 more\r\n"), "failed ");

  Client closing;
  closing.Feed("220 hi\r\n");
  EXPECT_EQ(closing.Feed("250 mx\r\n421 4.3.2 bye\r\n"), "failed ");
  EXPECT_EQ(closing.session.failure().code, 421);

  // After a BDAT that failed there is an RSET, and its reply is no place for another one either.
  Client after_reset;
  after_reset.Greet({"CHUNKING", "PIPELINING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  mail.mail.size = limits::kBdatBytesMin;
  after_reset.session.Begin(mail.mail);
  EXPECT_EQ(after_reset.Feed("250 ok\r\n250 ok\r\n"), "send-body ");
  after_reset.Body({std::string(limits::kBdatBytesMin - 2, 'x'), "\r\n"});
  EXPECT_EQ(after_reset.Feed("452 4.3.1 full\r\n"), "done ");
  EXPECT_EQ(after_reset.Feed("250 reset\r\n250 more\r\n"), "failed ");

  Client idle;
  EXPECT_EQ(idle.Greet({}), "ready ");
  EXPECT_EQ(idle.Feed("421 4.4.2 idle too long\r\n"), "failed ");
  EXPECT_EQ(idle.session.failure().code, 421);
  EXPECT_EQ(idle.Feed("250 anything\r\n"), "failed ");
}

// With one command out at a time a second reply is one too many, whatever the splits.
TEST(ClientSession, RepliesAheadOfCommands) {
  Client client;
  client.Greet({});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.Feed("250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"), "failed ");
  EXPECT_EQ(client.Result(0).code, 0);
}

// The body may be handed over at once: what came with the 354 must not be taken for its reply.
TEST(ClientSession, RepliesThatComeWithThe354) {
  for (std::string_view extra : {"250 taken\r\n", "554 5.7.1 no\r\n"}) {
    Client client;
    client.Greet({"PIPELINING"});
    Outgoing mail("a@example.org");
    mail.To("b@example.net");
    client.session.Begin(mail.mail);
    EXPECT_EQ(client.Feed("250 ok\r\n250 ok\r\n354 go\r\n" + std::string(extra)), "failed ");
    EXPECT_EQ(client.Result(0).code, extra[0] == '5' ? 554 : 0);
  }
}

TEST(ClientSession, A421AfterTheFinalReplyLeavesTheOutcome) {
  Client client;
  client.Greet({"PIPELINING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.Feed("250 ok\r\n250 ok\r\n354 go\r\n"), "send-body ");
  client.Body({"x\r\n"});
  EXPECT_EQ(client.Feed("250 taken\r\n421 closing\r\n"), "done failed ");
  EXPECT_EQ(client.Result(0).code, 250);
  EXPECT_FALSE(client.session.outcome().in_doubt);
  EXPECT_EQ(client.session.failure().code, 421);
}

TEST(ClientSession, ManyRecipientsGoInABoundedWindow) {
  Client client;
  client.Greet({"PIPELINING"});
  Outgoing mail("a@example.org");
  constexpr size_t kCount = 1000;
  for (size_t i = 0; i < kCount; ++i) mail.To("user" + std::to_string(i) + "@example.net");
  client.session.Begin(mail.mail);
  std::string said = client.TakeOutput();
  size_t sent = CountLines(said);
  EXPECT_EQ(sent, limits::kPipelineCommandsMax);
  std::string all = said;
  std::string events;
  for (size_t answered = 0; answered < kCount + 1; ++answered) {
    events += client.Feed(answered % 7 == 3 ? "550 no\r\n" : "250 ok\r\n");
    said = client.TakeOutput();
    EXPECT_LE(said.size(), limits::kPipelineBytesMax + limits::kCommandLineBytesMax);
    sent += CountLines(said);
    all += said;
    EXPECT_LE(sent - answered - 1, limits::kPipelineCommandsMax);
    if (answered < kCount) {
      EXPECT_GT(sent, answered + 1);
    }
  }
  EXPECT_EQ(sent, kCount + 2);
  EXPECT_TRUE(all.ends_with("RCPT TO:<user999@example.net>\r\nDATA\r\n"));
  EXPECT_EQ(events, "");
  EXPECT_EQ(client.Feed("354 go\r\n"), "send-body ");
  client.Body({"x\r\n"});
  EXPECT_EQ(client.Feed("250 taken\r\n"), "done ready ");
  for (size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(client.Result(i).code, (i + 1) % 7 == 3 ? 550 : 250);
}

TEST(ClientSession, ARefusedMailSendsNoMoreRecipients) {
  Client client;
  client.Greet({"PIPELINING"});
  Outgoing mail("a@example.org");
  for (size_t i = 0; i < 1000; ++i) mail.To("user" + std::to_string(i) + "@example.net");
  client.session.Begin(mail.mail);
  size_t sent = CountLines(client.TakeOutput());
  std::string events = client.Feed("550 5.7.1 not you\r\n");
  for (size_t i = 1; i < sent; ++i) events += client.Feed("503 5.5.1 no MAIL\r\n");
  EXPECT_EQ(events, "done ready ");
  EXPECT_EQ(client.TakeOutput(), "");
  EXPECT_EQ(client.Result(999), (Reply{550, {5, 7, 1}, "not you"}));
}

TEST(ClientSession, RcptAcceptedAfterMailRefusedEndsTheConnection) {
  Client client;
  client.Greet({"PIPELINING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.Feed("550 no\r\n250 yes\r\n354 go\r\n"), "failed ");
  EXPECT_EQ(client.Result(0).code, 550);
  EXPECT_EQ(client.TakeOutput().find("\r\n.\r\n"), std::string::npos);
}

TEST(ClientSession, RepliesThatMakeNoSense) {
  for (const char* replies : {"354 go\r\n", "250 ok\r\n354 go\r\n",
                              "250 ok\r\n250 ok\r\n250 ok\r\n", "250 ok\r\n250 ok\r\n355 go\r\n"}) {
    Client client;
    client.Greet({"PIPELINING"});
    Outgoing mail("a@example.org");
    mail.To("b@example.net");
    client.session.Begin(mail.mail);
    EXPECT_EQ(client.Feed(replies), "failed ") << replies;
    EXPECT_EQ(client.Result(0).code, 0) << replies;
    EXPECT_FALSE(client.session.outcome().in_doubt);
  }
}

TEST(ClientSession, AReplyDuringTheBody) {
  for (bool refusal : {true, false}) {
    Client client;
    client.Greet({"PIPELINING"});
    Outgoing mail("a@example.org");
    mail.To("b@example.net");
    client.session.Begin(mail.mail);
    client.Feed("250 ok\r\n250 ok\r\n354 go\r\n");
    SliceChain wire;
    client.session.BodyPiece(Slice::Copy("part\r\n"), &wire);
    EXPECT_EQ(client.Feed(refusal ? "552 5.3.4 too big\r\n" : "250 2.0.0 thanks\r\n"), "failed ");
    EXPECT_EQ(client.Result(0).code, refusal ? 552 : 0);
    EXPECT_FALSE(client.session.outcome().in_doubt);
    SliceChain rest;
    client.session.BodyPiece(Slice::Copy("rest\r\n"), &rest);
    client.session.BodyEnd(&rest);
    EXPECT_TRUE(rest.empty()) << "the message must not be finished";
  }
}

TEST(ClientSession, TheEndOfTheConnectionInEachState) {
  const char* script[] = {"220 hi\r\n", "250-mx\r\n250 PIPELINING\r\n", "250 ok\r\n", "250 ok\r\n",
                          "354 go\r\n"};
  const char* waits[] = {"greeting", "EHLO", "MAIL", "RCPT", "DATA", "end of data"};
  for (size_t stop = 0; stop <= std::size(script); ++stop) {
    Client client;
    Outgoing mail("a@example.org");
    mail.To("b@example.net");
    for (size_t i = 0; i < stop; ++i) {
      std::string events = client.Feed(script[i]);
      if (events == "ready ") client.session.Begin(mail.mail);
      if (events == "send-body ") client.Body({"x\r\n"});
    }
    EXPECT_EQ(client.session.waiting_for(), waits[stop]);
    client.session.End("connection reset");
    EXPECT_EQ(client.Feed(""), "failed ");
    EXPECT_EQ(client.session.failure().text, "connection reset");
    EXPECT_EQ(client.session.outcome().in_doubt, stop == std::size(script));
    if (stop >= 2) {
      EXPECT_EQ(client.Result(0).code, 0);
    }
    client.session.End("again");
    EXPECT_EQ(client.session.failure().text, "connection reset");
  }
}

TEST(ClientSession, TimeoutsFollowRfc5321) {
  Client client;
  EXPECT_EQ(client.session.timeout_seconds(), limits::kClientGreetingSeconds);
  client.Greet({"PIPELINING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.session.timeout_seconds(), limits::kClientCommandSeconds);
  client.Feed("250 ok\r\n250 ok\r\n");
  EXPECT_EQ(client.session.timeout_seconds(), limits::kClientDataInitSeconds);
  client.Feed("354 go\r\n");
  EXPECT_EQ(client.session.timeout_seconds(), limits::kClientDataBlockSeconds);
  client.Body({"x\r\n"});
  EXPECT_EQ(client.session.timeout_seconds(), limits::kClientFinalReplySeconds);
}

TEST(ClientSession, SecondTransactionStartsClean) {
  Client client;
  client.Greet({"PIPELINING"});
  for (int round = 0; round < 3; ++round) {
    Outgoing mail("a@example.org");
    mail.To("b@example.net");
    if (round == 1) mail.To("c@example.net");
    client.session.Begin(mail.mail);
    client.Feed(round == 1 ? "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"
                           : "250 ok\r\n250 ok\r\n354 go\r\n");
    EXPECT_EQ(client.Body({".x\r\n"}), "..x\r\n.\r\n");
    EXPECT_EQ(client.Feed("250 2.0.0 taken\r\n"), "done ready ");
    EXPECT_EQ(client.session.outcome().recipients.size(), round == 1 ? 2u : 1u);
    EXPECT_EQ(client.Result(0).code, round == 1 ? 550 : 250);
    EXPECT_EQ(client.session.transactions(), static_cast<uint32_t>(round + 1));
    EXPECT_EQ(client.TakeOutput().find("RSET"), std::string::npos);
  }
}

TEST(ClientSession, NoDsnParametersWithoutDsn) {
  Client client;
  client.Greet({"PIPELINING", "SIZE"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  mail.recipients[0].orcpt = "rfc822;b@example.net";
  mail.recipients[0].notify = kNotifyNever;
  mail.mail.envid = "X";
  mail.mail.ret = DsnReturn::kFull;
  mail.mail.smtputf8 = true;
  mail.mail.body = BodyType::k8BitMime;
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.TakeOutput(),
            "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
}

// Whatever is in an ORCPT or ENVID, a command stays one line of printable ASCII.
TEST(ClientSession, HostileDsnParametersStayInTheirLine) {
  std::string hostile = "\r\nDATA\r\n.\0 <>=+\x7f"s;
  Client client;
  client.Greet({"PIPELINING", "DSN"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net").To("c@example.net").To("d@example.net");
  mail.recipients[0].orcpt = "rfc822;" + hostile;
  mail.recipients[1].orcpt = hostile + ";x";
  mail.recipients[2].orcpt = "rfc822;\xff\xfe";
  mail.mail.envid = hostile;
  client.session.Begin(mail.mail);
  std::string said = client.TakeOutput();
  EXPECT_EQ(said,
            "MAIL FROM:<a@example.org> ENVID=+0D+0ADATA+0D+0A.+00+20<>+3D+2B+7F\r\n"
            "RCPT TO:<b@example.net> ORCPT=rfc822;+0D+0ADATA+0D+0A.+00+20<>+3D+2B+7F\r\n"
            "RCPT TO:<c@example.net>\r\nRCPT TO:<d@example.net>\r\nDATA\r\n");
}

TEST(ClientSession, HostilePathsAreNeverSaid) {
  for (std::string path :
       {std::string("b@example.net\r\nDATA"), std::string("b\n@example.net"), "b\0@x"s,
        std::string("b@example.net> NOTIFY=NEVER"), std::string("b c@example.net"),
        std::string("\"b@example.net"), std::string("\"b\\"), std::string("b\x7f@x.example"),
        std::string("b\\@x.example"), std::string("<b@x.example"), std::string(),
        std::string(300, 'x') + "@x.example", std::string("\xff@x.example")}) {
    Client client;
    client.Greet({"PIPELINING", "SMTPUTF8"});
    Outgoing mail("a@example.org");
    mail.To(path);
    mail.mail.smtputf8 = true;
    client.session.Begin(mail.mail);
    EXPECT_EQ(client.TakeOutput(), "") << path;
    EXPECT_EQ(client.Feed(""), "done ready ");
    EXPECT_EQ(client.Result(0).code, 553);
  }
}

TEST(ClientSession, BdatIsWholeOnlyAfterBodyEnd) {
  Client client;
  client.Greet({"CHUNKING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  mail.mail.size = 9;
  client.session.Begin(mail.mail);
  EXPECT_EQ(client.Feed("250 ok\r\n"), "");
  EXPECT_EQ(client.Feed("250 ok\r\n"), "send-body ");
  SliceChain wire;
  client.session.BodyPiece(Slice::Copy("12345\r\n"), &wire);
  client.session.BodyPiece(Slice::Copy("67"), &wire);
  EXPECT_EQ(Flat(wire), "BDAT 9 LAST\r\n12345\r\n6");
  client.session.BodyEnd(&wire);
  EXPECT_EQ(Flat(wire), "BDAT 9 LAST\r\n12345\r\n67");
  EXPECT_FALSE(client.session.body_error());
  EXPECT_EQ(client.session.waiting_for(), "end of data");
}

TEST(ClientSession, BdatOfAnEmptyMessage) {
  Client client;
  client.Greet({"CHUNKING"});
  Outgoing mail("a@example.org");
  mail.To("b@example.net");
  client.session.Begin(mail.mail);
  client.Feed("250 ok\r\n");
  client.Feed("250 ok\r\n");
  EXPECT_EQ(client.Body({}), "BDAT 0 LAST\r\n");
}

TEST(ClientSession, BodyErrorsNeverFinishTheMessage) {
  for (std::vector<std::string> pieces :
       {std::vector<std::string>{"x\n"}, {"x\r"}, {"x\r", "y\r\n"}, {"x\r\n", "\n"}, {"\r\n.\n"}}) {
    for (bool chunking : {false, true}) {
      Client client;
      client.Greet({chunking ? "CHUNKING" : "PIPELINING"});
      Outgoing mail("a@example.org");
      mail.To("b@example.net");
      for (const std::string& piece : pieces) mail.mail.size += piece.size();
      client.session.Begin(mail.mail);
      for (const char* reply : {"250 ok\r\n", "250 ok\r\n"}) client.Feed(reply);
      if (!chunking) client.Feed("354 go\r\n");
      std::string wire = client.Body(pieces);
      EXPECT_TRUE(client.session.body_error());
      EXPECT_EQ(wire.find("\r\n.\r\n"), std::string::npos);
      if (chunking) {
        EXPECT_LT(wire.substr(wire.find('\n') + 1).size(), mail.mail.size);
      }
      EXPECT_EQ(client.Feed(""), "failed ");
      EXPECT_EQ(client.Result(0).enhanced, (EnhancedCode{5, 6, 0}));
    }
  }
}

TEST(ClientSession, TracesBothSides) {
  Client client;
  std::string seen;
  client.session.SetTrace(
      [](void* context, bool from_client, std::string_view line) {
        static_cast<std::string*>(context)
            ->append(from_client ? "> " : "< ")
            .append(line)
            .push_back('|');
      },
      &seen);
  client.Greet({"PIPELINING"});
  client.session.Quit();
  EXPECT_EQ(seen,
            "< 220 mx.example.net ESMTP|> EHLO gw.example.org|< 250-mx.example.net|< 250 "
            "PIPELINING|> QUIT|");
}

// CVE-2021-38371: replies that were put behind that of STARTTLS by somebody in between.
TEST(ClientStartTls, RepliesThatComeWithThe220EndTheSession) {
  for (bool with_ehlo : {false, true}) {
    Client client;
    client.session.UseStartTls(ClientSession::StartTls::kWhereOffered);
    client.Feed("220 mx.example.net\r\n");
    std::string go = "220 go\r\n250-evil\r\n250 SIZE\r\n";
    std::string ehlo = "250-mx.example.net\r\n250 STARTTLS\r\n";
    std::string events = client.Feed(with_ehlo ? ehlo + go : ehlo);
    if (!with_ehlo) events += client.Feed(go);
    EXPECT_EQ(events, "failed ");
    EXPECT_NE(client.session.failure().text.find("said more"), std::string::npos);
    EXPECT_EQ(client.session.injected(), !with_ehlo) << "a handshake that failed, or never began";
  }
}

TEST(ClientStartTls, ImplicitTlsDoesNotAskForItAgain) {
  Client client;
  client.session.UseStartTls(ClientSession::StartTls::kRequired);
  client.session.Secured(false);
  EXPECT_EQ(client.Greet({"STARTTLS", "PIPELINING"}), "ready ");
  EXPECT_EQ(client.TakeOutput().find("STARTTLS"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::smtp
