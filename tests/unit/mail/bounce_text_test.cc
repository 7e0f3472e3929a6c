// Bounces that are no DSN, as the mailers that write them lay them out.
#include "gateway/mail/bounce_text.h"

#include <gtest/gtest.h>

namespace ringpost::mail {
namespace {

struct Case {
  const char* name;
  std::string fields;
  std::string text;
  std::vector<std::string> recipients;
  uint16_t code;
  const char* status;
  const char* words;  // within the diagnosis of each
};

constexpr const char* kOriginal =
    "Return-Path: <token@em1.example.com>\nMessage-ID: <m1@example.com>\nSubject: hello\n\nhello\n";

class Texts : public ::testing::TestWithParam<Case> {};

TEST_P(Texts, SayWhoFailedAndWhy) {
  const Case& one = GetParam();
  BounceFacts facts = ReadBounce(one.fields + "\n" + one.text);
  ASSERT_EQ(facts.kind, BounceKind::kPlainBounce);
  std::vector<std::string> found;
  for (const BouncedRecipient& recipient : facts.recipients) {
    found.push_back(recipient.final);
    EXPECT_TRUE(recipient.failed());
    EXPECT_EQ(recipient.diagnosis.code, one.code);
    EXPECT_EQ(recipient.status.ToString(), one.status);
    EXPECT_NE(recipient.diagnosis.text.find(one.words), std::string::npos)
        << recipient.diagnosis.text;
    EXPECT_EQ(recipient.diagnosis.text.find("hello"), std::string::npos);
  }
  EXPECT_EQ(found, one.recipients);
  EXPECT_EQ(facts.message_id, "<m1@example.com>");
  EXPECT_EQ(facts.return_path, "token@em1.example.com");
}

INSTANTIATE_TEST_SUITE_P(
    Mailers, Texts,
    ::testing::Values(
        Case{"Qmail",
             "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n",
             "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to "
             "deliver your message to the following addresses.\nThis is a permanent error; I've "
             "given up. Sorry it didn't work out.\n\n<bob@example.net>:\n192.0.2.1 does not like "
             "recipient.\nRemote host said: 550 no such user\nGiving up on 192.0.2.1.\n\n--- Below "
             "this line is a copy of the message.\n\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             550,
             "",
             "does not like"},
        Case{"QmailOfItsOwn",
             "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n",
             "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to "
             "deliver your message to the following addresses.\n\n<bob@example.net>:\nSorry, no "
             "mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the "
             "message.\n\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             0,
             "5.1.1",
             "no mailbox here"},
        Case{"Exim",
             "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: "
             "bob@example.net, carol@example.net\n",
             "This message was created automatically by mail delivery software.\n\nA message that "
             "you sent could not be delivered to one or more of its\nrecipients. This is a "
             "permanent error. The following address(es) failed:\n\n  bob@example.net\n    SMTP "
             "error from remote mail server after RCPT TO:<bob@example.net>:\n    host "
             "mx.example.net [192.0.2.1]: 550 5.1.1 no such user\n  carol@example.net\n    host "
             "mx.example.net [192.0.2.1]: 550 5.1.1 no such user\n\n------ This is a copy of the "
             "message, including all the headers. ------\n\n" +
                 std::string(kOriginal),
             {"bob@example.net", "carol@example.net"},
             550,
             "5.1.1",
             "no such user"},
        Case{"OldSendmail",
             "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Returned "
             "mail: User unknown\n",
             "The original message was received at Mon, 4 May 1998\nfrom localhost\n\n   ----- The "
             "following addresses had permanent fatal errors -----\n<bob@example.net>\n\n   ----- "
             "Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> RCPT "
             "To:<bob@example.net>\n<<< 550 5.1.1 no such user\n550 <bob@example.net>... User "
             "unknown\n\n   ----- Original message follows -----\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             550,
             "5.1.1",
             "no such user"},
        Case{"Courier",
             "From: \"Courier mail server\" <@>\nSubject: NOTICE: mail delivery failed\n",
             "The original message was received on Mon, 4 May 2009\n\n----------------------------"
             "---------------------\n\n             UNDELIVERABLE MAIL\n\nYour message to the "
             "following recipients cannot be delivered:\n\n<bob@example.net>:\n     "
             "mx.example.net [192.0.2.1]:\n >>> RCPT TO:<bob@example.net>\n <<< 550 5.1.1 no such "
             "user\n\n----------------------------\n\nThe copy of the message follows:\n\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             550,
             "5.1.1",
             "no such user"},
        Case{"Exchange",
             "From: System Administrator <postmaster@example.net>\nSubject: Undeliverable: hi\n",
             "Your message\n\n  To:      bob@example.net; dave@example.net\n  Subject: hi\n\ndid "
             "not reach the following recipient(s):\n\nbob@example.net on Mon, 4 May 1998\n    The "
             "e-mail account does not exist at the organization this\nmessage was sent to.\n    "
             "<mx.example.net #5.1.1>\n\n-----Original message-----\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             0,
             "5.1.1",
             "does not exist"},
        Case{"Named",
             "From: Postmaster <postmaster@example.net>\nSubject: Undeliverable mail\n",
             "Delivery has failed to these recipients or groups:\n\nBob Smith "
             "(bob@example.net)\nThe e-mail address you entered couldn't be found.\n#550 5.1.1 "
             "not found ##\n\nOriginal message headers:\n\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             550,
             "5.1.1",
             "couldn't be found"},
        Case{"Labelled",
             "From: <>\nSubject: your mail\n",
             "Failed recipient: <bob@example.net>\nReason: mailbox is full (552 5.2.2 over "
             "quota)\n\n" +
                 std::string(kOriginal),
             {"bob@example.net"},
             552,
             "5.2.2",
             "mailbox is full"},
        Case{"TwoWithOneReason",
             "From: MAILER-DAEMON@mx.example.net\nSubject: Undelivered mail\n",
             "Not delivered to:\n\n  bob@example.net\n  carol@example.net\n\n  554 5.7.1 "
             "refused\n\n----- original message -----\n\n" +
                 std::string(kOriginal),
             {"bob@example.net", "carol@example.net"},
             554,
             "5.7.1",
             "refused"},
        Case{"Html",
             "From: postmaster@example.net\nSubject: Undeliverable\nContent-Type: text/html\n",
             "<html><style>p { x: y }</style><p>Delivery to the following recipient "
             "failed:</p><p>&lt;bob@example.net&gt;</p><div>550 5.1.1 no such "
             "user</div><br>----- original message -----<br>Return-Path: "
             "&lt;token@em1.example.com&gt;<br>Message-ID: &lt;m1@example.com&gt;<br></html>",
             {"bob@example.net"},
             550,
             "5.1.1",
             "no such user"}),
    [](const auto& one) { return one.param.name; });

TEST(Delays, AreNoFailures) {
  BounceFacts facts = ReadBounce(
      "From: Mailer-Daemon@mx.example.net\nSubject: Warning: message delayed 24 hours\n\nThis "
      "message has not been delivered to all of its recipients after\nmore than 24 hours.\n\n"
      "  bob@example.net\n    Delay reason: 450 4.2.0 try again\n\nNo action is required on your "
      "part.\n");
  ASSERT_EQ(facts.kind, BounceKind::kPlainBounce);
  ASSERT_EQ(facts.recipients.size(), 1u);
  EXPECT_EQ(facts.recipients[0].action, DsnAction::kDelayed);
  EXPECT_EQ(facts.recipients[0].diagnosis.code, 450);
}

TEST(NoRecipient, WhatIsSaidIsOfAll) {
  BounceFacts facts = ReadBounce(
      "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nYour message was not "
      "delivered.\nThe server said: 552 5.2.2 mailbox is full\n");
  ASSERT_EQ(facts.kind, BounceKind::kPlainBounce);
  EXPECT_TRUE(facts.recipients.empty());
  ASSERT_TRUE(facts.all.has_value());
  EXPECT_EQ(facts.all->diagnosis, (smtp::Reply{552, {5, 2, 2}, "mailbox is full"}));
  EXPECT_TRUE(facts.all->by_smtp && facts.all->failed());
}

TEST(Html, ShowsWhatAReaderSees) {
  EXPECT_EQ(TextOfHtml("a<br>b &lt;c&#64;d&gt; &x <i class=\"p\">e</i>\nf<"), "a\nb <c@d> &x e f");
  EXPECT_EQ(TextOfHtml("<style>a > b</style>c"), "c");
}

}  // namespace
}  // namespace ringpost::mail
