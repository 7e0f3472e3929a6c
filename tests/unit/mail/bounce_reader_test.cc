// What came back: kinds of reports, whom they are about, and what they say.
#include "gateway/mail/bounce_reader.h"

#include <gtest/gtest.h>

#include "gateway/mail/bounce_entity.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/bounce_status.h"

namespace ringpost::mail {
namespace {

std::string Crlf(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::string Report(std::string_view type, std::string_view part, std::string_view extra = "") {
  return "From: MAILER-DAEMON@mx.example.net\nSubject: a report\n" + std::string(extra) +
         "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
         "\tboundary=\"=_b (1)\"\n\npreamble\n--=_b (1)\n\nfor people\n--=_b (1)\nContent-Type: " +
         std::string(type) + "\n\n" + std::string(part) +
         "\n--=_b (1)\nContent-Type: message/rfc822\n\nReturn-Path: <token@em1.example.com>\n"
         "Message-ID: <m1@example.com>\nFrom: ann@example.com\n\nhello\n--=_b (1)--\n";
}

std::string Dsn(std::string_view part) { return Report("message/delivery-status", part); }

constexpr std::string_view kFailed =
    "Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: order-1\n\n"
    "Original-Recipient: rfc822;bob+2Btag@example.net\n"
    "Final-Recipient: rfc822; bob@elsewhere.example\nAction: failed\nStatus: 5.1.1\n"
    "Remote-MTA: dns; mx.elsewhere.example\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <bob@elsewhere.example>: no\n    such user\n";

TEST(Dsn, IsReadWithWhatItIsAbout) {
  for (const std::string& message : {Dsn(kFailed), Crlf(Dsn(kFailed))}) {
    BounceFacts facts = ReadBounce(message);
    ASSERT_EQ(facts.kind, BounceKind::kDsn);
    ASSERT_EQ(facts.recipients.size(), 1u);
    const BouncedRecipient& one = facts.recipients[0];
    EXPECT_EQ(one.original, "bob+tag@example.net");
    EXPECT_EQ(one.final, "bob@elsewhere.example");
    EXPECT_EQ(one.address(), one.original);
    EXPECT_TRUE(one.failed());
    EXPECT_EQ(one.status.ToString(), "5.1.1");
    EXPECT_EQ(one.remote_mta, "mx.elsewhere.example");
    EXPECT_TRUE(one.by_smtp);
    EXPECT_EQ(one.diagnosis,
              (smtp::Reply{550, {5, 1, 1}, "<bob@elsewhere.example>: no such user"}));
    EXPECT_EQ(facts.reporting_mta, "mx.example.net");
    EXPECT_EQ(facts.envelope_id, "order-1");
    EXPECT_EQ(facts.message_id, "<m1@example.com>");
    EXPECT_EQ(facts.return_path, "token@em1.example.com");
  }
}

TEST(Dsn, ActionsThatAreNoFailure) {
  for (auto [word, action] :
       {std::pair("delayed", DsnAction::kDelayed),
        std::pair("delivered (to a list)", DsnAction::kDelivered),
        std::pair("Relayed", DsnAction::kRelayed), std::pair("expanded", DsnAction::kExpanded)}) {
    BounceFacts facts =
        ReadBounce(Dsn("Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822;b@c.example\n"
                       "Status: 5.0.0\nAction: " +
                       std::string(word) + "\n"));
    ASSERT_EQ(facts.recipients.size(), 1u) << word;
    EXPECT_EQ(facts.recipients[0].action, action) << word;
    EXPECT_FALSE(facts.recipients[0].failed()) << word;
  }
}

TEST(Dsn, WithoutAnActionItsStatusSaysWhat) {
  for (auto [status, action] :
       {std::pair("5.1.1", DsnAction::kFailed), std::pair("4.4.7", DsnAction::kDelayed),
        std::pair("2.0.0", DsnAction::kDelivered), std::pair("", DsnAction::kFailed)}) {
    BounceFacts facts = ReadBounce(
        Dsn("Final-Recipient: rfc822;b@c.example\nStatus: " + std::string(status) + "\n"));
    ASSERT_EQ(facts.recipients.size(), 1u) << status;
    EXPECT_EQ(facts.recipients[0].action, action) << status;
  }
}

TEST(Dsn, RecipientsWithAndWithoutAnEmptyLineBetweenThem) {
  std::string one = "Final-Recipient: rfc822;b@c.example\nAction: failed\nStatus: 5.1.1\n";
  std::string two = "Final-Recipient: rfc822;d@c.example\nAction: delayed\nStatus: 4.4.1\n";
  for (const char* between : {"", "\n", "\n\n"}) {
    BounceFacts facts = ReadBounce(Dsn("Reporting-MTA: dns; a\n\n" + one + between + two));
    ASSERT_EQ(facts.recipients.size(), 2u);
    EXPECT_EQ(facts.recipients[0].final, "b@c.example");
    EXPECT_TRUE(facts.recipients[0].failed());
    EXPECT_EQ(facts.recipients[1].final, "d@c.example");
    EXPECT_EQ(facts.recipients[1].action, DsnAction::kDelayed);
  }
}

TEST(Dsn, EncodedAndNestedPartsAreRead) {
  std::string text = Dsn(kFailed);
  size_t at = text.find("message/delivery-status\n");
  std::string encoded = text;
  encoded.replace(at, 24, "message/delivery-status\nContent-Transfer-Encoding: base64\n");
  size_t begin = encoded.find("\n\n", at) + 2;
  encoded.replace(begin, kFailed.size(),
                  "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGJA\nYy5leGFtcGxlDQpBY3Rpb246IGZhaWxlZA0K");
  BounceFacts facts = ReadBounce(encoded);
  ASSERT_EQ(facts.recipients.size(), 1u);
  EXPECT_EQ(facts.recipients[0].final, "b@c.example");
  std::string nested =
      "From: list@example.com\nContent-Type: multipart/mixed; boundary=outer\n\n"
      "--outer\n" +
      text.substr(text.find("MIME-Version")) + "\n--outer--\n";
  facts = ReadBounce(nested);
  ASSERT_EQ(facts.recipients.size(), 1u);
  EXPECT_EQ(facts.recipients[0].original, "bob+tag@example.net");
}

TEST(Dsn, WithinAMessageThatCameBackIsNotRead) {
  std::string inner = Dsn(kFailed);
  std::string outer =
      "From: x@example.com\nContent-Type: multipart/mixed; boundary=o\n\n--o\n"
      "Content-Type: message/rfc822\n\n" +
      inner + "\n--o--\n";
  EXPECT_EQ(ReadBounce(outer).kind, BounceKind::kOther);
}

TEST(Dsn, WithoutWordsTheTextForPeopleIsAsked) {
  std::string text =
      Dsn("Final-Recipient: rfc822;bob@example.net\nAction: failed\nStatus: 5.0.0\n");
  text.replace(text.find("for people"), 10,
               "<bob@example.net>: host mx said:\n  552 5.2.2 mailbox is full");
  BounceFacts facts = ReadBounce(text);
  ASSERT_EQ(facts.recipients.size(), 1u);
  EXPECT_EQ(facts.recipients[0].diagnosis.code, 552);
  EXPECT_EQ(facts.recipients[0].diagnosis.enhanced.ToString(), "5.2.2");
}

TEST(Addresses, InTheirForms) {
  EXPECT_EQ(TypedBounceAddress("rfc822; a@b.example"), "a@b.example");
  EXPECT_EQ(TypedBounceAddress("RFC822;<a@b.example>"), "a@b.example");
  EXPECT_EQ(TypedBounceAddress("a@b.example"), "a@b.example");
  EXPECT_EQ(TypedBounceAddress("rfc822; a+2Bx+3Dy@b.example (Bob)"), "a+x=y@b.example");
  EXPECT_EQ(TypedBounceAddress("rfc822; a+41@b.example"), "a+41@b.example");
  EXPECT_EQ(TypedBounceAddress("rfc822; \"a;b\"@b.example"), "\"a;b\"@b.example");
  EXPECT_EQ(TypedBounceAddress("utf-8; j\\x{F6}rg@b.example"), "j\xC3\xB6rg@b.example");
  EXPECT_EQ(TypedBounceAddress("utf-8; \\x{10FFFF}\\x{20AC}@b.example"),
            "\xF4\x8F\xBF\xBF\xE2\x82\xAC@b.example");
  EXPECT_EQ(TypedBounceAddress("utf-8; j\xC3\xB6rg@b.example"), "j\xC3\xB6rg@b.example");
  EXPECT_EQ(TypedBounceAddress("utf-8; j\\x{D800}@b.example"), "");
  EXPECT_EQ(TypedBounceAddress("utf-8; j\\x{1234567}@b.example"), "");
  EXPECT_EQ(TypedBounceAddress("x400; /c=de/a=x"), "");
  EXPECT_EQ(TypedBounceAddress("rfc822; a b@c.example"), "");
  EXPECT_EQ(TypedBounceAddress(""), "");
}

TEST(Replies, AreFoundInTheirForms) {
  EXPECT_EQ(ReadBounceReply("550 5.1.1 no"), (smtp::Reply{550, {5, 1, 1}, "no"}));
  EXPECT_EQ(ReadBounceReply(" 550 #5.1.1 no\r\n"), (smtp::Reply{550, {5, 1, 1}, "no"}));
  EXPECT_EQ(ReadBounceReply("550-5.7.26 one\n550 5.7.26 two"),
            (smtp::Reply{550, {5, 7, 26}, "one two"}));
  EXPECT_EQ(ReadBounceReply("550 4.1.1 no"), (smtp::Reply{550, {}, "4.1.1 no"}));
  EXPECT_EQ(ReadBounceReply("550 see 5.1.1.5"), (smtp::Reply{550, {}, "see 5.1.1.5"}));
  EXPECT_EQ(ReadBounceReply("552 sorry, it is full (#5.2.2)"),
            (smtp::Reply{552, {5, 2, 2}, "sorry, it is full (#5.2.2)"}));
  EXPECT_EQ(ReadBounceReply("550"), (smtp::Reply{550, {}, ""}));
  EXPECT_EQ(ReadBounceReply("no\tsuch\x01user"), (smtp::Reply{0, {}, "no such?user"}));
  EXPECT_EQ(ReadBounceReply("5500 no"), (smtp::Reply{0, {}, "5500 no"}));
  EXPECT_EQ(FindBounceReply("it said: 450 later").code, 450);
  EXPECT_EQ(FindBounceReply("192.0.2.450 x").code, 0);
  EXPECT_EQ(FindBounceReply("[550] x").code, 0);
  EXPECT_EQ(FindStatus("x5.1.1 4.7.650 5.1.2").ToString(), "4.7.650");
  EXPECT_FALSE(FindStatus("5.1. 5..1 5.1111.1 3.1.1 5.1.1a").present());
}

TEST(Feedback, IsReadWithWhoComplains) {
  std::string text = Report("message/feedback-report",
                            "Feedback-Type: Abuse\nUser-Agent: Loop/1 (x)\nVersion: 1\n"
                            "Original-Mail-From: <token@em1.example.com>\n"
                            "Original-Rcpt-To: <bob@example.net>\nOriginal-Rcpt-To: c@example.net\n"
                            "Reporting-MTA: dns; fbl.example.net\n");
  BounceFacts facts = ReadBounce(text);
  ASSERT_EQ(facts.kind, BounceKind::kFeedback);
  EXPECT_EQ(facts.feedback.type, "abuse");
  EXPECT_EQ(facts.feedback.mail_from, "token@em1.example.com");
  EXPECT_EQ(facts.feedback.recipients,
            (std::vector<std::string>{"bob@example.net", "c@example.net"}));
  EXPECT_EQ(facts.feedback.user_agent, "Loop/1 (x)");
  EXPECT_EQ(facts.feedback.reporting_mta, "fbl.example.net");
  EXPECT_EQ(facts.message_id, "<m1@example.com>");
  EXPECT_EQ(facts.return_path, "token@em1.example.com");
  EXPECT_TRUE(facts.recipients.empty());
}

TEST(Feedback, WithoutItsTypeIsNone) {
  EXPECT_EQ(ReadBounce(Report("message/feedback-report", "Version: 1\n")).kind, BounceKind::kOther);
}

TEST(Disposition, IsNeverABounce) {
  std::string text = Report("message/disposition-notification",
                            "Final-Recipient: rfc822;bob@example.net\n"
                            "Disposition: automatic-action/MDN-sent-automatically; deleted\n");
  text.replace(text.find("for people"), 10,
               "550 5.1.1 it could not be delivered to\n<bob@example.net>");
  EXPECT_EQ(ReadBounce(text).kind, BounceKind::kDisposition);
}

TEST(AutoReply, IsNeverABounce) {
  for (const char* fields :
       {"Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n", "Precedence: auto_reply\n",
        "Subject: Automatic reply: hello\n", "Subject: Out of Office: hello\n"}) {
    std::string text = "From: Bob <bob@example.net>\n" + std::string(fields) +
                       "\nI am away. Mail for me could not be delivered to\nann@example.net\n";
    EXPECT_EQ(ReadBounce(text).kind, BounceKind::kAutoReply) << fields;
  }
  EXPECT_EQ(ReadBounce("From: Bob <bob@example.net>\nAuto-Submitted: no\n\nhello\n").kind,
            BounceKind::kOther);
}

TEST(Other, MailOfPeople) {
  EXPECT_EQ(ReadBounce("").kind, BounceKind::kOther);
  EXPECT_EQ(ReadBounce("\n").kind, BounceKind::kOther);
  EXPECT_EQ(ReadBounce("From: Bob <bob@example.net>\nSubject: Re: undelivered parcels\n\nThey were "
                       "not delivered to\nann@example.net:\nnobody was there\n")
                .kind,
            BounceKind::kOther);
}

TEST(Bounds, RecipientsPartsAndDepth) {
  std::string many;
  for (size_t at = 0; at < limits::kBounceRecipientsMax + 5; ++at) {
    many += "Final-Recipient: rfc822;u" + std::to_string(at) + "@c.example\nAction: failed\n\n";
  }
  BounceFacts facts = ReadBounce(Dsn(many));
  EXPECT_EQ(facts.recipients.size(), limits::kBounceRecipientsMax);
  EXPECT_TRUE(facts.cut);
  std::string deep =
      "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\n";
  for (size_t at = 0; at < limits::kBounceDepthMax + 1; ++at) {
    std::string fence = "f" + std::to_string(at);
    deep = "Content-Type: multipart/mixed; boundary=" + fence + "\n\n--" + fence + "\n" + deep +
           "\n--" + fence + "--\n";
    BounceKind kind = at < limits::kBounceDepthMax ? BounceKind::kDsn : BounceKind::kOther;
    EXPECT_EQ(ReadBounce("From: a@b.example\n" + deep).kind, kind) << at;
  }
  std::string wide = "From: a@b.example\nContent-Type: multipart/mixed; boundary=w\n\n";
  for (size_t at = 0; at < 100'000; ++at) wide += "--w\n\n";
  EXPECT_EQ(ReadBounce(wide).kind, BounceKind::kOther);
  // What is behind the bound is not looked at.
  std::string late = "From: a@b.example\nX: " + std::string(limits::kBounceBytesMax, 'x') + "\n";
  EXPECT_EQ(ReadBounce(late + "Auto-Submitted: auto-replied\n\nx\n").kind, BounceKind::kOther);
}

}  // namespace
}  // namespace ringpost::mail
