// Which refusals suppress an address, what a client is told, and times as exports write them.
#include "gateway/identity/suppression_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::identity {
namespace {

smtp::Reply Said(uint16_t code, smtp::EnhancedCode enhanced, std::string text) {
  return {code, enhanced, std::move(text)};
}

TEST(SaysNoMailbox, ByTheEnhancedCode) {
  for (uint16_t detail : {1, 2, 3, 6, 10}) {
    EXPECT_TRUE(SaysNoMailbox(Said(550, {5, 1, detail}, "words"))) << detail;
  }
  EXPECT_TRUE(SaysNoMailbox(Said(550, {5, 2, 1}, "The account is disabled")));
  EXPECT_TRUE(SaysNoMailbox(Said(550, {5, 1, 1}, "blocked by policy: no such user here")));
}

TEST(SaysNoMailbox, NotWhereItIsTemporaryOrAnotherThing) {
  EXPECT_FALSE(SaysNoMailbox(Said(450, {4, 1, 1}, "user unknown")));
  EXPECT_FALSE(SaysNoMailbox(Said(250, {2, 1, 5}, "user unknown")));
  EXPECT_FALSE(SaysNoMailbox(Said(0, {5, 1, 1}, "user unknown")));
  EXPECT_FALSE(SaysNoMailbox(Said(552, {5, 2, 2}, "Mailbox full")));
  EXPECT_FALSE(SaysNoMailbox(Said(550, {5, 7, 1}, "user unknown")));
  EXPECT_FALSE(SaysNoMailbox(Said(554, {5, 6, 0}, "no such user")));
  EXPECT_FALSE(SaysNoMailbox(Said(550, {5, 1, 7}, "Bad sender address")));
  EXPECT_FALSE(SaysNoMailbox(Said(550, {5, 1, 8}, "no such user: sender's domain")));
  EXPECT_FALSE(SaysNoMailbox(
      Said(550, {5, 2, 1}, "The user you are trying to contact is receiving mail at a rate that")));
}

TEST(SaysNoMailbox, ByWordsWhereTheCodeSaysNothing) {
  EXPECT_TRUE(SaysNoMailbox(Said(550, {}, "No such user here")));
  EXPECT_TRUE(
      SaysNoMailbox(Said(550, {}, "<a@example.com>: Recipient address rejected: User unknown")));
  EXPECT_TRUE(SaysNoMailbox(Said(554, {5, 0, 0}, "mailbox not found")));
  EXPECT_TRUE(SaysNoMailbox(Said(550, {5, 5, 0}, "unknown user account")));
  EXPECT_FALSE(SaysNoMailbox(Said(550, {}, "Requested action not taken: mailbox unavailable")));
  EXPECT_FALSE(
      SaysNoMailbox(Said(550, {}, "Blocked: no such user may write to us. Sender refused")));
  EXPECT_FALSE(SaysNoMailbox(Said(550, {5, 1, 0}, "Address rejected")));
}

TEST(SuppressedReply, SaysWhyAndWhatToDo) {
  SuppressionTable::Found found{SuppressionReason::kComplaint, WallTime(std::chrono::days(20'000)),
                                false};
  smtp::Reply reply = SuppressedReply("bob@example.com", found);
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.enhanced, (smtp::EnhancedCode{5, 7, 1}));
  EXPECT_EQ(reply.text,
            "<bob@example.com> is on this account's suppression list (it has complained of spam, "
            "2024-10-04): nothing is sent to it. Drop it from your recipients; if it is good after "
            "all, ask the operator of this gateway to take it off the list");
  found.whole_domain = true;
  EXPECT_NE(SuppressedReply("bob@example.com", found).text.find("list by its domain (it has"),
            std::string::npos);
}

TEST(ParseSuppressionTime, ReadsWhatItSays) {
  EXPECT_EQ(ParseSuppressionTime("1970-01-02"), WallTime(std::chrono::days(1)));
  EXPECT_EQ(ParseSuppressionTime("1970-01-01T00:01:02Z"), WallTime(Seconds(62)));
  EXPECT_EQ(ParseSuppressionTime("1970-01-01T00:01:02.003Z"), WallTime(Millis(62'003)));
  WallTime now(Millis(1'795'881'391'510));
  EXPECT_EQ(ParseSuppressionTime(FormatRfc3339(now)), now);
  for (const char* bad : {"", "2026", "2026-13-01", "2026-02-30", "2026-01-01T24:00:00Z",
                          "2026-01-01T00:60:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.1Z",
                          "2026-01-01 00:00:00Z", "-026-01-01", "2026-01-01x"}) {
    EXPECT_FALSE(ParseSuppressionTime(bad)) << bad;
  }
}

}  // namespace
}  // namespace ringpost::identity
