// What transcripts can't show: late answers, memory, tracing, and what the driver may ask when.
#include "gateway/smtp/server_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

const std::string kEnvelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";

TEST(ServerSession, WaitsForLateAnswers) {
  ServerHarness harness(TestOptions());
  harness.answer_later = true;
  harness.session().Greet();
  harness.TakeLog();
  harness.Feed(kEnvelope + "DATA\r\n");
  EXPECT_EQ(harness.TakeLog(), "E: mail <a@example.com>\n");
  EXPECT_FALSE(harness.session().in_transaction());
  harness.Answer();
  EXPECT_TRUE(harness.session().in_transaction());
  EXPECT_EQ(harness.TakeLog(), "S: 250 2.1.0 Sender accepted\nE: recipient <b@example.net>\n");
  harness.Answer();
  EXPECT_EQ(harness.TakeLog(), "S: 250 2.1.5 Recipient accepted\nE: data\n");
  EXPECT_FALSE(harness.session().receiving_body());
  harness.Answer();
  EXPECT_TRUE(harness.session().receiving_body());
  harness.TakeLog();
  harness.Feed("x\r\n.\r\nNOOP\r\n");
  EXPECT_EQ(harness.TakeLog(), "E: message SMTP to 1 \"x\\r\\n\"\n");
  EXPECT_FALSE(harness.session().receiving_body());
  harness.Feed("RSET\r\n");
  EXPECT_EQ(harness.TakeLog(), "");  // behind the open question
  harness.Answer();
  EXPECT_EQ(
      harness.TakeLog(),
      "S: 250 2.0.0 queued as TEST\nS: 250 2.0.0 Still here\nS: 250 2.0.0 Transaction forgotten\n");
  EXPECT_FALSE(harness.session().in_transaction());
}

TEST(ServerSession, EndClosesAnOpenQuestion) {
  ServerOptions options = TestOptions();
  ServerSession session(&options);
  session.Greet();
  std::string_view input = "MAIL FROM:<a@example.com>\r\nNOOP\r\n";
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kMail);
  session.End({421, {4, 3, 2}, "Shutting down"});
  EXPECT_FALSE(session.question_open());
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kClose);
  EXPECT_TRUE(input.empty());
  EXPECT_TRUE(session.output().ends_with("421 4.3.2 Shutting down\r\n"));
  session.End({421, {4, 3, 2}, "again"});  // says nothing more
  EXPECT_TRUE(session.output().ends_with("421 4.3.2 Shutting down\r\n"));
}

TEST(ServerSession, XclientLetsTheDriverRefuse) {
  ServerOptions options = TestOptions();
  options.xclient = true;
  ServerSession session(&options);
  session.Greet();
  session.output().clear();
  std::string_view input = "XCLIENT ADDR=192.0.2.66\r\nMAIL FROM:<a@example.com>\r\n";
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kXclient);
  EXPECT_EQ(session.xclient().address, "192.0.2.66");
  session.GreetWithRefusal({554, {5, 7, 1}, "Not you"});
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kClose);
  EXPECT_EQ(session.output(), "554 5.7.1 Not you\r\n");
}

TEST(ServerSession, NamesTheProtocol) {
  ServerHarness harness(TestOptions());
  ServerSession& session = harness.session();
  session.Greet();
  EXPECT_EQ(session.protocol(), "SMTP");
  harness.Feed("HELO a\r\n");
  EXPECT_EQ(session.protocol(), "SMTP");
  harness.Feed("EHLO client.example\r\n");
  EXPECT_EQ(session.protocol(), "ESMTP");
  EXPECT_EQ(session.helo(), "client.example");
  harness.Feed("MAIL FROM:<a@example.com> SMTPUTF8\r\n");
  EXPECT_EQ(session.protocol(), "UTF8SMTP");
  harness.Feed("RSET\r\n");
  EXPECT_EQ(session.protocol(), "ESMTP");
}

void AppendLine(void* context, bool, std::string_view line) {
  static_cast<std::string*>(context)->append(line).append("\n");
}

TEST(ServerSession, ATraceShowsNoPassword) {
  ServerOptions options = TestOptions();
  ServerSession session(&options);
  std::string traced;
  session.SetTrace(AppendLine, &traced);
  session.Greet();
  std::string_view input = "auth\tPLAIN  AGEAYgBj\r\nAUTH LOGIN\r\nAUTH\r\n";
  session.Step(&input);
  EXPECT_NE(traced.find("\nAUTH PLAIN ***\n502 "), std::string::npos) << traced;
  EXPECT_NE(traced.find("\nAUTH LOGIN\n502 "), std::string::npos) << traced;
  EXPECT_EQ(traced.find("AGEAYgBj"), std::string::npos) << traced;
}

TEST(ServerSession, Traces) {
  ServerOptions options = TestOptions();
  ServerSession session(&options);
  std::string traced;
  session.SetTrace(
      [](void* context, bool from_client, std::string_view line) {
        static_cast<std::string*>(context)
            ->append(from_client ? "> " : "< ")
            .append(line)
            .append("\n");
      },
      &traced);
  session.Greet();
  std::string_view input = "EHLO client.example\r\n";
  session.Step(&input);
  session.output().clear();
  input = "QUIT\r\n";
  session.Step(&input);
  EXPECT_TRUE(
      traced.starts_with("< 220 gw.example ESMTP Ringpost\n> EHLO client.example\n"
                         "< 250-gw.example\n< 250-PIPELINING\n"))
      << traced;
  EXPECT_TRUE(traced.ends_with("< 250 LIMITS RCPTMAX=1000\n> QUIT\n< 221 2.0.0 Goodbye\n"))
      << traced;
}

TEST(ServerSession, IsMovable) {
  ServerOptions options = TestOptions();
  std::vector<ServerSession> sessions;
  for (int i = 0; i < 10; ++i) sessions.emplace_back(&options).Greet();
  std::string_view input = "NOOP\r\n";
  sessions[3].Step(&input);
  EXPECT_TRUE(sessions[3].output().ends_with("250 2.0.0 Still here\r\n"));
}

TEST(ServerSession, KeepsTheBodyInOnePiecePerBuffer) {
  ServerHarness harness(TestOptions());
  harness.session().Greet();
  harness.Feed(kEnvelope + "DATA\r\n");
  std::string body;
  for (int i = 0; i < 50; ++i) body += std::string(76, 'x') + "\r\n";
  harness.Feed(body + ".\r\n");
  ASSERT_EQ(harness.messages.size(), 1u);
  EXPECT_EQ(harness.messages[0].body, body);
  EXPECT_EQ(harness.pieces_max, 1u);
}

TEST(ServerSession, TellsAtOnceThatABodyIsDoomed) {
  ServerOptions options = TestOptions();
  options.message_bytes_max = 100;
  ServerHarness harness(options);
  harness.session().Greet();
  harness.Feed(kEnvelope + "DATA\r\n");
  harness.TakeLog();
  harness.Feed(std::string(101, 'x'));
  EXPECT_EQ(harness.TakeLog(), "E: reset\n");
  EXPECT_TRUE(harness.session().receiving_body());
  harness.Feed(std::string(1000, 'x') + "\r\n");
  EXPECT_EQ(harness.TakeLog(), "");
  harness.Feed(".\r\n");
  EXPECT_TRUE(harness.TakeLog().starts_with("S: 552 5.3.4 "));
  EXPECT_FALSE(harness.session().in_transaction());
}

// RFC 5321 section 4.5.3.1.10 asks for at least 100 recipients; a thousand here, and dead ones are
// no errors.
TEST(ServerSession, TakesManyRecipients) {
  ServerHarness harness(TestOptions());
  harness.session().Greet();
  harness.Feed("MAIL FROM:<a@example.com>\r\n");
  for (int i = 0; i < 1000; ++i) {
    if (i % 2 == 0) harness.answers["recipient"] = Reply{550, {5, 1, 1}, "No such user"};
    if (i % 2 == 1) harness.answers["recipient"] = std::nullopt;
    harness.Feed("RCPT TO:<user" + std::to_string(i) + "@example.net>\r\n");
  }
  harness.TakeLog();
  harness.Feed("RCPT TO:<more@example.net>\r\n");
  EXPECT_TRUE(harness.TakeLog().starts_with("S: 452 4.5.3 "));
  harness.Feed("DATA\r\n");
  harness.Feed(".\r\n");
  ASSERT_EQ(harness.messages.size(), 1u);
  EXPECT_EQ(harness.messages[0].envelope.recipients.size(), 500u);
}

TEST(ServerSession, EndsEndlessRefusals) {
  ServerHarness harness(TestOptions());
  harness.session().Greet();
  harness.answers["mail"] = Reply{550, {5, 7, 1}, "No"};
  for (int i = 0; i < 21; ++i) harness.Feed("MAIL FROM:<a@example.com>\r\n");
  EXPECT_TRUE(harness.closed());
  EXPECT_TRUE(harness.TakeLog().ends_with(
      "S: 421 4.7.0 Too many errors; closing the connection\nE: close\n"));
}

TEST(ServerSession, LineWithoutEndCostsNoMoreThanALine) {
  ServerHarness harness(TestOptions());
  harness.session().Greet();
  harness.TakeLog();
  for (int i = 0; i < 1000; ++i) harness.Feed(std::string(1000, 'x'));
  EXPECT_EQ(harness.TakeLog(), "S: 500 5.5.2 Line too long; the whole of it was dropped\n");
  harness.Feed("\r\nNOOP\r\n");
  EXPECT_EQ(harness.TakeLog(), "S: 250 2.0.0 Still here\n");
}

}  // namespace
}  // namespace ringpost::smtp
