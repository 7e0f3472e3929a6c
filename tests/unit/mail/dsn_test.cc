#include "gateway/mail/dsn.h"

#include <gtest/gtest.h>

#include "gateway/base/limits.h"
#include "tests/unit/mail/python.h"

namespace ringpost::mail {
namespace {

using namespace std::string_literals;

DsnRecipient Failed(std::string address) {
  DsnRecipient failed;
  failed.recipient.address = std::move(address);
  failed.reply = {550, {5, 1, 1}, "<bob@example.net>: no such user\nsee https://example.net/help"};
  failed.remote_mta = "mx.example.net";
  failed.last_attempt = WallFromMillis(1764000060000);
  return failed;
}

DsnInput Input() {
  DsnInput input;
  input.hostname = "gw.example.org";
  input.original_id = *MessageId::Parse("01HXF3J8ZP0000K7M2Q9RSTVWX");
  input.report_id = *MessageId::Parse("01HXF3J8ZP0000AAAAAAAAAAAA");
  input.reverse_path = "ann@example.org";
  input.arrival = WallFromMillis(1764000000000);
  input.now = WallFromMillis(1764000061000);
  input.original = "From: ann@example.org\r\nSubject: hello\r\n\r\n";
  return input;
}

std::string Show(const DsnInput& input) {
  static PythonScript script("show_report.py");
  ScratchFolder folder;
  folder.Write("report", BuildDsn(input));
  return script.Ask(folder);
}

void ExpectHas(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << "missing: " << part << "\nin:\n" << text;
}

TEST(Dsn, AFailureAsPythonReadsIt) {
  DsnInput input = Input();
  input.envid = "QQ314";
  input.recipients.push_back(Failed("bob@example.net"));
  input.recipients[0].recipient.orcpt = "rfc822;Bob@Example.NET";
  std::string shown = Show(input);
  EXPECT_EQ(shown, R"(ascii: True
defects: []
From: Mail delivery <MAILER-DAEMON@gw.example.org>
To: ann@example.org
Subject: Undelivered mail: your message could not be delivered
Message-ID: <01HXF3J8ZP0000AAAAAAAAAAAA@gw.example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Date: Mon, 24 Nov 2025 16:01:01 +0000
type: multipart/report delivery-status
explanation: text/plain us-ascii
This is the mail gateway gw.example.org. It reports on a message of
yours, which it took on Mon, 24 Nov 2025 16:00:00 +0000 and knows as
01HXF3J8ZP0000K7M2Q9RSTVWX.

Your message could not be delivered to these recipients. It will not be
tried again; what their mail server said is below each address.

  <bob@example.net>
    mx.example.net said: 550 5.1.1 <bob@example.net>: no such user see
    https://example.net/help

status: message/delivery-status
group
  Reporting-MTA: dns; gw.example.org
  Original-Envelope-Id: QQ314
  Arrival-Date: Mon, 24 Nov 2025 16:00:00 +0000
group
  Original-Recipient: rfc822; Bob@Example.NET
  Final-Recipient: rfc822; bob@example.net
  Action: failed
  Status: 5.1.1
  Remote-MTA: dns; mx.example.net
  Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: no such user see https://example.net/help
  Last-Attempt-Date: Mon, 24 Nov 2025 16:01:00 +0000
original: text/rfc822-headers 7bit
  text: b'From: ann@example.org\r\nSubject: hello\r\n'
)");
}

TEST(Dsn, EachActionIsSaidForItsRecipients) {
  DsnInput input = Input();
  DsnRecipient delayed = Failed("carol@example.net");
  delayed.action = DsnAction::kDelayed;
  delayed.reply = {451, {}, "later"};
  delayed.will_retry_until = WallFromMillis(1764400000000);
  DsnRecipient relayed = Failed("dave@example.net");
  relayed.action = DsnAction::kRelayed;
  relayed.reply = {250, {}, "ok"};
  DsnRecipient ours;
  ours.recipient.address = "erin@example.net";
  ours.action = DsnAction::kDelayed;
  ours.reply.text = "No mail server of example.net could be reached";
  input.recipients = {delayed, relayed, ours};
  std::string shown = Show(input);
  ExpectHas(shown, "Subject: Delayed mail: your message is not delivered yet");
  ExpectHas(
      shown,
      "Status: 4.0.0\n  Remote-MTA: dns; mx.example.net\n  Diagnostic-Code: smtp; 451 later\n");
  ExpectHas(shown, "Will-Retry-Until: Sat, 29 Nov 2025 07:06:40 +0000");
  ExpectHas(shown, "Action: relayed\n  Status: 2.0.0\n");
  ExpectHas(shown, "Diagnostic-Code: x-ringpost; No mail server of example.net could be reached");
  ExpectHas(shown, "  <erin@example.net>\n    No mail server of example.net could be reached\n");
  EXPECT_EQ(shown.find("could not be delivered"), std::string::npos);

  input.recipients = {relayed};
  ExpectHas(Show(input), "Subject: Delivery report: your message was delivered");
  input.recipients = {relayed, Failed("x@y.example"), delayed};
  ExpectHas(Show(input), "Subject: Undelivered mail");
}

TEST(Dsn, ReturnsAllOfTheOriginalWhereAsked) {
  DsnInput input = Input();
  input.recipients.push_back(Failed("bob@example.net"));
  input.return_full = true;
  input.original = "Subject: hello\r\nMIME-Version: 1.0\r\n\r\nline one\r\n";
  ExpectHas(Show(input),
            "original: message/rfc822 7bit\n  subject: hello\n  body: b'line one\\r\\n'\n");
  input.original = "Subject: hello\r\n\r\nno line end";
  ExpectHas(Show(input), "body: b'no line end\\r\\n'\n");
}

TEST(Dsn, An8BitOriginalIsReencodedOrItsHeaderReturned) {
  DsnInput input = Input();
  input.recipients.push_back(Failed("bob@example.net"));
  input.return_full = true;
  input.original =
      "Subject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n";
  std::string shown = Show(input);
  ExpectHas(shown, "ascii: True");
  ExpectHas(
      shown,
      "original: message/rfc822 7bit\n  subject: hello\n  body: b'gr\\xc3\\xbc\\xc3\\x9f\\r\\n'\n");
  // No MIME-Version: it cannot be re-encoded.
  input.original = "Subject: hello\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n";
  ExpectHas(Show(input), "original: text/rfc822-headers 7bit\n  text: b'Subject: hello\\r\\n'\n");
  // Raw 8-bit in the header itself, and a line without end.
  std::string original = "Subject: gr\xc3\xbc\xc3\x9f\r\nX: " + std::string(3000, 'x') + "\r\n\r\n";
  input.original = original;
  shown = Show(input);
  ExpectHas(shown, "ascii: True");
  ExpectHas(shown,
            "original: text/rfc822-headers quoted-printable\n  text: b'Subject: "
            "gr\\xc3\\xbc\\xc3\\x9f\\r\\nX: xxx");
}

TEST(Dsn, ALargeOriginalIsCut) {
  DsnInput input = Input();
  input.recipients.push_back(Failed("bob@example.net"));
  input.return_full = true;
  std::string original = "Subject: hello\r\n\r\n";
  while (original.size() <= limits::kReportReturnBytesMax) original += "more and more of it\r\n";
  input.original = original;
  std::string report = BuildDsn(input);
  EXPECT_LT(report.size(), 4096u);
  input.return_full = false;
  original = "A: b\r\n";
  while (original.size() < 3 * limits::kReportHeaderBytesMax) original += "Received: from here\r\n";
  input.original = original;
  report = BuildDsn(input);
  EXPECT_LT(report.size(), limits::kReportHeaderBytesMax + 4096);
  ExpectHas(report, "Received: from here\r\n\r\n--ringpost-");
}

TEST(Dsn, AnOriginalOfAnUnfinishedEmptyLineIsReturned) {
  for (std::string original : {"\r", "\r\r\r\r", "A: b\r\n\r"}) {
    DsnInput input = Input();
    input.recipients.push_back(Failed("bob@example.net"));
    input.original = original;
    ExpectHas(BuildDsn(input),
              original[0] == 'A' ? "A: b\r\n\r\n--ringpost-" : "text/rfc822-headers");
  }
}

TEST(Dsn, GlobalFormKeepsUtf8) {
  DsnInput input = Input();
  input.smtputf8 = true;
  input.reverse_path = "j\xc3\xb6rg@example.org";
  input.original = "Subject: gr\xc3\xbc\xc3\x9f\r\n\r\n";
  input.recipients.push_back(Failed("\xe7\x94\xa8\xe6\x88\xb7@example.net"));
  input.recipients[0].reply.text = "kein Empf\xc3\xa4nger";
  std::string shown = Show(input);
  ExpectHas(shown, "ascii: False\ndefects: []\n");
  ExpectHas(shown,
            "type: multipart/report global-delivery-status\nexplanation: text/plain utf-8\n");
  ExpectHas(shown, "To: j\xc3\xb6rg@example.org");
  ExpectHas(shown, "status: message/global-delivery-status\n");
  ExpectHas(shown, "Final-Recipient: utf-8; \xe7\x94\xa8\xe6\x88\xb7@example.net");
  ExpectHas(shown, "Diagnostic-Code: smtp; 550 5.1.1 kein Empf\xc3\xa4nger");
  ExpectHas(BuildDsn(input),
            "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n");
}

TEST(Dsn, AsciiFormSpellsUtf8Out) {
  DsnInput input = Input();
  input.recipients.push_back(Failed("j\xc3\xb6rg@example.net"));
  input.recipients[0].recipient.orcpt = "utf-8;j\\x{F6}rg+a@example.net";
  input.recipients[0].reply.text = "kein Empf\xc3\xa4nger";
  std::string shown = Show(input);
  ExpectHas(shown, "ascii: True");
  ExpectHas(shown, "Original-Recipient: utf-8; j\\x{F6}rg+a@example.net\n");
  ExpectHas(shown, "Final-Recipient: utf-8; j\\x{F6}rg@example.net\n");
  ExpectHas(shown, "kein Empf??nger");
}

// Whatever strings come from outside, the report keeps its structure.
TEST(Dsn, HostileStrings) {
  std::string evil =
      "\r\n\r\n--ringpost-01HXF3J8ZP0000AAAAAAAAAAAA--\r\nBcc: eve@example.org\r\n\0\x1b[2J"s;
  DsnInput input = Input();
  input.envid = evil;
  input.reverse_path = evil;
  input.original = evil;
  input.return_full = true;
  input.recipients.push_back(Failed(evil));
  input.recipients[0].recipient.orcpt = evil + ";" + evil;
  input.recipients[0].remote_mta = evil;
  input.recipients[0].reply.text = evil;
  std::string shown = Show(input);
  ExpectHas(shown, "ascii: True\ndefects: []\n");
  ExpectHas(shown, "type: multipart/report delivery-status\n");
  EXPECT_EQ(shown.find("\nBcc"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("\n  Bcc"), std::string::npos) << shown;
  size_t groups = 0;
  for (size_t at = 0; (at = shown.find("\ngroup\n", at)) != std::string::npos; ++at) ++groups;
  EXPECT_EQ(groups, 2u) << shown;
}

TEST(Dsn, LongWordsAreBroken) {
  DsnInput input = Input();
  input.recipients.push_back(Failed(std::string(3000, 'a') + "@example.net"));
  input.recipients[0].reply.text = std::string(3000, 'b');
  input.recipients[0].recipient.orcpt = "rfc822;" + std::string(5000, 'c');
  ExpectHas(Show(input), "ascii: True\ndefects: []\n");
}

TEST(Dsn, TheBoundaryIsInNoPart) {
  DsnInput input = Input();
  input.recipients.push_back(Failed("bob@example.net"));
  std::string original = "X: --ringpost-01HXF3J8ZP0000AAAAAAAAAAAA\r\n\r\n";
  input.original = original;
  ExpectHas(BuildDsn(input), "boundary=\"ringpost-01HXF3J8ZP0000AAAAAAAAAAAA-0\"\r\n");
}

}  // namespace
}  // namespace ringpost::mail
