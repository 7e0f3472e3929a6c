// AUTH in a server session, beyond the transcripts of tests/golden/smtp_server/auth_*.txt: answers
// that come later, what a trace shows, what is left in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/smtp/base64.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ServerOptions AuthOptions() {
  ServerOptions options = TestOptions();
  options.auth = Auth::kAlsoInClear;
  return options;
}

std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(bytes, &out);
  return out;
}

TEST(ServerAuth, NothingIsReadWhileThePasswordIsLookedAt) {
  ServerHarness harness(AuthOptions());
  harness.answer_later = true;
  harness.session().Greet();
  harness.Feed("AUTH PLAIN AHRlc3QAMTIzNA==\r\n");
  EXPECT_TRUE(harness.question_open());
  EXPECT_EQ(harness.session().login().password(), "1234");
  harness.TakeLog();
  harness.Feed("MAIL FROM:<a@example.com>\r\n");
  EXPECT_EQ(harness.TakeLog(), "");
  EXPECT_FALSE(harness.session().authenticated());
  harness.Answer();
  EXPECT_TRUE(harness.session().authenticated());
  EXPECT_EQ(harness.TakeLog(), "S: 235 2.7.0 Authenticated\nE: mail <a@example.com>\n");
}

TEST(ServerAuth, EndsWhileThePasswordIsLookedAt) {
  ServerOptions options = AuthOptions();
  ServerSession session(&options);
  session.Greet();
  std::string_view input = "AUTH PLAIN AHRlc3QAMTIzNA==\r\n";
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kAuthPassword);
  session.End({421, {4, 4, 2}, "Time-out"});
  EXPECT_FALSE(session.question_open());
  EXPECT_EQ(session.Step(&input).kind, ServerSession::EventKind::kClose);
  EXPECT_FALSE(session.authenticated());
}

TEST(ServerAuth, OfScramOnlyTheLastLineAuthenticates) {
  ServerHarness harness(AuthOptions());
  harness.session().Greet();
  harness.Feed("AUTH SCRAM-SHA-256 " + Base64("n,,n=user,r=x") + "\r\n");
  harness.Feed(
      Base64("c=biws,r=x" + std::string(kTestNonce) + ",p=" + Base64(std::string(32, 'p'))) +
      "\r\n");
  EXPECT_THAT(harness.TakeLog(),
              HasSubstr("\nS: 334 " + Base64("v=" + Base64(kTestSignature)) + "\n"));
  EXPECT_FALSE(harness.session().authenticated());
  harness.Feed("\r\n");
  EXPECT_TRUE(harness.session().authenticated());
}

TEST(ServerAuth, UnderTlsFromTheStart) {
  ServerOptions options = TestOptions();
  options.auth = Auth::kUnderTls;
  ServerHarness harness(options);
  harness.session().Secured();
  harness.session().Greet();
  harness.Feed("AUTH PLAIN AHRlc3QAMTIzNA==\r\n");
  EXPECT_TRUE(harness.session().authenticated());
}

// Without TLS on the listener there is nothing to say of it.
TEST(ServerAuth, NotInClear) {
  ServerOptions options = TestOptions();
  options.auth = Auth::kUnderTls;
  ServerHarness harness(options);
  harness.session().Greet();
  harness.TakeLog();
  harness.Feed("AUTH PLAIN AHRlc3QAMTIzNA==\r\n");
  EXPECT_EQ(harness.TakeLog(), "S: 502 5.5.1 Command not offered here; EHLO lists what is\n");
}

TEST(ServerAuth, ATraceShowsNoSecret) {
  ServerOptions options = AuthOptions();
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
  auto say = [&session](std::string_view line) {
    session.Step(&line);
    if (session.question_open()) session.Refuse(WrongCredentials());
  };
  say("AUTH PLAIN AHRlc3QAMTIzNA==\r\n");
  say("AUTH LOGIN\r\n");
  say("dGVzdA==\r\n");
  say("MTIz");
  say("NA==\r\n");
  say("AUTH LOGIN dGVzdA==\r\n");
  say("*\r\n");
  EXPECT_EQ(traced,
            "< 220 gw.example ESMTP Ringpost\n> AUTH PLAIN ***\n"
            "< 535 5.7.8 The user name or the password is wrong\n> AUTH LOGIN\n"
            "< 334 VXNlcm5hbWU6\n> ***\n< 334 UGFzc3dvcmQ6\n> ***\n"
            "< 535 5.7.8 The user name or the password is wrong\n> AUTH LOGIN ***\n"
            "< 334 UGFzc3dvcmQ6\n> *\n< 501 5.7.0 Authentication cancelled\n");
}

// What a line in two parts leaves where it lay: its memory is freed, so another of its size, taken
// right away, is likely to be the same; it must show nothing of the password.
TEST(ServerAuth, APartOfALineIsWiped) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator keeps what is freed";
#endif
  ServerOptions options = AuthOptions();
  ServerSession session(&options);
  session.Greet();
  const std::string line =
      "AUTH PLAIN " + Base64(std::string("\0tim\0", 5) + std::string(600, 's'));
  std::string_view part = line;
  session.Step(&part);
  part = "\r\n";
  session.Step(&part);
  ASSERT_TRUE(session.question_open());
  EXPECT_EQ(session.login().password().size(), 600u);
  session.Refuse(WrongCredentials());
  for (size_t bytes : {line.size(), line.size() + 2, 2 * line.size(), size_t{601}, size_t{605}}) {
    std::string again;
    again.reserve(bytes);
    const std::string_view left(again.data(), again.capacity());
    EXPECT_EQ(left.find("ssssssss"), std::string_view::npos) << bytes;
    EXPECT_EQ(left.find("c3Nzc3Nzc3Nz"), std::string_view::npos) << bytes;
  }
}

}  // namespace
}  // namespace ringpost::smtp
