#include "bench/load/sink_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringpost::bench {
namespace {

struct Taken {
  std::string from;
  std::vector<std::string> to;
  std::string id;
  std::string subject;
  uint64_t bytes;
};

// A session whose messages are kept by the test; input can be given in pieces of any size.
class SinkSessionTest : public testing::Test {
 protected:
  SinkSessionTest() {
    events_.on_message = [this](const ReceivedMessage& message) -> std::string_view {
      taken_.push_back({std::string(message.reverse_path), message.recipients, message.header.id(),
                        message.header.subject(), message.bytes});
      return {};
    };
    events_.on_refusal = [this](Phase phase, int code) { refusals_.emplace_back(phase, code); };
  }

  // All that the session says to `input`, arriving `piece` bytes at a time.
  std::string Talk(std::string_view input, size_t piece) {
    SinkSession session(&options_, &events_, &random_);
    session.Start(1);
    std::string pending;
    for (size_t at = 0; at < input.size(); at += piece) {
      pending += input.substr(at, piece);
      pending.erase(0, session.Consume(pending, 1));
    }
    left_ = pending.size();
    delayed_ = session.delayed();
    return session.out();
  }

  SinkOptions options_;
  SinkEvents events_;
  std::minstd_rand random_{1};
  std::vector<Taken> taken_;
  std::vector<std::pair<Phase, int>> refusals_;
  size_t left_ = 0;
  bool delayed_ = false;
};

constexpr std::string_view kTwoMessages =
    "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"
    "Received: by x\r\n with dots . in it\r\nx-ringpost-bench-id: run-1\r\nSubject: one\r\n\r\n"
    "text.\r\n..stuffed\r\n.x\r\nX-Ringpost-Bench-Id: not this\r\n\r\n.\r\n"
    "MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nQUIT\r\n";

TEST_F(SinkSessionTest, TheSameWhereverTheStreamIsCut) {
  for (size_t piece = 1; piece <= kTwoMessages.size(); ++piece) {
    taken_.clear();
    const std::string out = Talk(kTwoMessages, piece);
    ASSERT_EQ(taken_.size(), 2u) << piece;
    EXPECT_EQ(taken_[0].from, "a@b");
    EXPECT_EQ(taken_[0].to, (std::vector<std::string>{"c@d", "e@f"}));
    EXPECT_EQ(taken_[0].id, "run-1");
    EXPECT_EQ(taken_[0].subject, "one");
    EXPECT_EQ(taken_[1].from, "");
    EXPECT_EQ(taken_[1].id, "");
    EXPECT_EQ(taken_[1].bytes, 3u);
    EXPECT_EQ(left_, 0u);
    EXPECT_TRUE(out.ends_with("221 2.0.0 bye\r\n")) << out;
  }
}

TEST_F(SinkSessionTest, OnlyCrLfDotCrLfEndsText) {
  Talk("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\n.\n\r.\r\n.\r\n", 1000);
  // "\r.\r\n" ends no line before the dot; the CRLF behind it and the next dot do.
  ASSERT_EQ(taken_.size(), 1u);
  EXPECT_EQ(taken_[0].bytes, 10u);
}

TEST_F(SinkSessionTest, ChunksMakeOneMessageWhereverTheStreamIsCut) {
  constexpr std::string_view kInput =
      "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 30\r\nX-Ringpost-Bench-Id: run-2\r\n\r\n"
      "BDAT 7\r\n\r\n.\r\nabBDAT 0 LAST\r\nQUIT\r\n";
  for (size_t piece = 1; piece <= kInput.size(); ++piece) {
    taken_.clear();
    const std::string out = Talk(kInput, piece);
    ASSERT_EQ(taken_.size(), 1u) << piece << out;
    EXPECT_EQ(taken_[0].id, "run-2");
    EXPECT_EQ(taken_[0].bytes, 37u);
    EXPECT_TRUE(out.ends_with("221 2.0.0 bye\r\n")) << out;
  }
}

TEST_F(SinkSessionTest, RefusesAsTold) {
  options_.rules[static_cast<size_t>(Phase::kRcpt)].tempfail = 1;
  const std::string out = Talk("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 1000);
  EXPECT_NE(out.find("451 4.3.0"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("503 5.5.1 RCPT first\r\n")) << out;
  EXPECT_EQ(refusals_, (std::vector<std::pair<Phase, int>>{{Phase::kRcpt, 451}}));
}

TEST_F(SinkSessionTest, ADelayedReplyHoldsWhatFollows) {
  options_.rules[static_cast<size_t>(Phase::kMail)].delay_nanos = 1000;
  SinkSession session(&options_, &events_, &random_);
  session.Start(1);
  session.out().clear();
  const std::string input = "MAIL FROM:<a@b>\r\nNOOP\r\n";
  const size_t taken = session.Consume(input, 5);
  EXPECT_EQ(taken, 17u);
  EXPECT_TRUE(session.delayed());
  EXPECT_EQ(session.wake_nanos(), 1005u);
  EXPECT_EQ(session.out(), "");
  EXPECT_EQ(session.Consume(std::string_view(input).substr(taken), 6), 0u);
  session.Wake();
  EXPECT_EQ(session.out(), "250 2.1.0 ok\r\n");
  session.Consume(std::string_view(input).substr(taken), 2000);
  EXPECT_EQ(session.out(), "250 2.1.0 ok\r\n250 2.0.0 ok\r\n");
}

TEST_F(SinkSessionTest, ADropAfterAcceptanceCountsAndSaysNothing) {
  options_.rules[static_cast<size_t>(Phase::kAccepted)].drop = 1;
  SinkSession session(&options_, &events_, &random_);
  session.Start(1);
  session.Consume("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n", 1);
  EXPECT_EQ(taken_.size(), 1u);
  EXPECT_TRUE(session.aborted());
}

TEST_F(SinkSessionTest, AnEndlessLineEndsTheSession) {
  const std::string out = Talk(std::string(20'000, 'x'), 1000);
  EXPECT_NE(out.find("500 5.5.2"), std::string::npos);
}

TEST_F(SinkSessionTest, StartTlsOnlyWhereItIsOffered) {
  EXPECT_EQ(Talk("EHLO a\r\n", 100).find("STARTTLS"), std::string::npos);
  EXPECT_NE(Talk("STARTTLS\r\n", 100).find("503 "), std::string::npos);
  options_.tls = TlsMode::kStartTls;
  EXPECT_NE(Talk("EHLO a\r\n", 100).find("250-STARTTLS\r\n"), std::string::npos);
}

// What was said in clear is forgotten, what came behind STARTTLS is left, and it is offered once.
TEST_F(SinkSessionTest, UnderTlsItBeginsAnew) {
  options_.tls = TlsMode::kStartTls;
  SinkSession session(&options_, &events_, &random_);
  session.Start(1);
  const std::string_view said = "EHLO a\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\nNOOP\r\n";
  EXPECT_EQ(session.Consume(said, 1), said.size() - 6);
  EXPECT_TRUE(session.upgrading());
  EXPECT_TRUE(session.out().ends_with("220 2.0.0 go ahead\r\n"));
  session.out().clear();
  session.Secured();
  EXPECT_FALSE(session.upgrading());
  session.Consume("RCPT TO:<c@d>\r\nEHLO a\r\nSTARTTLS\r\n", 1);
  EXPECT_TRUE(session.out().starts_with("503 5.5.1 MAIL first\r\n"));
  EXPECT_EQ(session.out().find("250-STARTTLS"), std::string::npos);
  EXPECT_TRUE(session.out().ends_with("503 5.5.1 no STARTTLS here and now\r\n"));
}

}  // namespace
}  // namespace ringpost::bench
