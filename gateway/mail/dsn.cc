#include "gateway/mail/dsn.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/dsn_original.h"
#include "gateway/mail/dsn_text.h"

namespace ringpost::mail {
namespace {

// The report as a whole is about the worst that happened.
DsnAction Gravest(const DsnInput& input) {
  DsnAction gravest = DsnAction::kExpanded;
  for (const DsnRecipient& recipient : input.recipients) {
    gravest = std::min(gravest, recipient.action);
  }
  return gravest;
}

std::string_view ActionWord(DsnAction action) {
  switch (action) {
    case DsnAction::kFailed:
      return "failed";
    case DsnAction::kDelayed:
      return "delayed";
    case DsnAction::kDelivered:
      return "delivered";
    case DsnAction::kRelayed:
      return "relayed";
    case DsnAction::kExpanded:
      return "expanded";
  }
  return "failed";
}

std::string_view Subject(DsnAction gravest) {
  switch (gravest) {
    case DsnAction::kFailed:
      return "Undelivered mail: your message could not be delivered";
    case DsnAction::kDelayed:
      return "Delayed mail: your message is not delivered yet";
    default:
      return "Delivery report: your message was delivered";
  }
}

std::string_view Heading(DsnAction action) {
  switch (action) {
    case DsnAction::kFailed:
      return "Your message could not be delivered to these recipients. It will not be tried again; "
             "what "
             "their mail server said is below each address.";
    case DsnAction::kDelayed:
      return "Your message has not been delivered to these recipients yet. You need not send it "
             "again: "
             "the gateway goes on trying, and tells you should it give up.";
    case DsnAction::kDelivered:
      return "Your message was delivered to these recipients.";
    case DsnAction::kRelayed:
      return "Your message was handed on for these recipients to a mail server that does not send "
             "delivery "
             "reports; you may hear no more of it.";
    case DsnAction::kExpanded:
      return "Your message was handed to a list for these recipients.";
  }
  return {};
}

// "550 5.1.1 No such user", as the server said it.
std::string ReplyText(const smtp::Reply& reply, bool utf8) {
  std::string said = std::to_string(reply.code);
  if (reply.enhanced.present()) said.append(" ").append(reply.enhanced.ToString());
  std::string text = SafeText(reply.text, utf8, limits::kReplyTextKeptBytesMax);
  if (!text.empty()) said.append(" ").append(text);
  return said;
}

void ExplainRecipient(const DsnInput& input, const DsnRecipient& recipient, std::string* out) {
  bool utf8 = input.smtputf8;
  out->append("\r\n");
  AppendParagraph("<" + SafeText(recipient.recipient.address, utf8, limits::kPathBytesMax) + ">", 2,
                  out);
  if (recipient.reply.code != 0) {
    std::string who = recipient.remote_mta.empty()
                          ? std::string("The gateway")
                          : SafeText(recipient.remote_mta, utf8, limits::kDomainBytesMax);
    AppendParagraph(who + " said: " + ReplyText(recipient.reply, utf8), 4, out);
  } else if (!recipient.reply.text.empty()) {
    AppendParagraph(SafeText(recipient.reply.text, utf8, limits::kReplyTextKeptBytesMax), 4, out);
  }
  if (recipient.action == DsnAction::kDelayed && ToMillis(recipient.will_retry_until) > 0) {
    AppendParagraph("It will be tried until " + FormatRfc5322Date(recipient.will_retry_until) + ".",
                    4, out);
  }
}

// The words for people: what happened to whom, who said so, what comes next.
std::string Explanation(const DsnInput& input) {
  std::string out;
  AppendParagraph(
      "This is the mail gateway " + SafeText(input.hostname, false, limits::kDomainBytesMax) +
          ". It reports on a message of yours, which it took on " +
          FormatRfc5322Date(input.arrival) + " and knows as " + input.original_id.ToString() + ".",
      0, &out);
  for (DsnAction action : {DsnAction::kFailed, DsnAction::kDelayed, DsnAction::kDelivered,
                           DsnAction::kRelayed, DsnAction::kExpanded}) {
    bool headed = false;
    for (const DsnRecipient& recipient : input.recipients) {
      if (recipient.action != action) continue;
      if (!headed) {
        out.append("\r\n");
        AppendParagraph(Heading(action), 0, &out);
      }
      headed = true;
      ExplainRecipient(input, recipient, &out);
    }
  }
  return out;
}

void AppendRecipientStatus(const DsnInput& input, const DsnRecipient& recipient, std::string* out) {
  bool utf8 = input.smtputf8;
  out->append("\r\n");
  if (!recipient.recipient.orcpt.empty()) {
    AppendField("Original-Recipient", TypedOrcpt(recipient.recipient.orcpt, utf8), out);
  }
  AppendField("Final-Recipient", TypedAddress(recipient.recipient.address, utf8), out);
  AppendField("Action", ActionWord(recipient.action), out);
  AppendField("Status", StatusCode(recipient), out);
  if (!recipient.remote_mta.empty()) {
    AppendField("Remote-MTA",
                "dns; " + SafeText(recipient.remote_mta, utf8, limits::kDomainBytesMax), out);
  }
  if (recipient.reply.code != 0) {
    AppendField("Diagnostic-Code", "smtp; " + ReplyText(recipient.reply, utf8), out);
  } else if (!recipient.reply.text.empty()) {
    AppendField(
        "Diagnostic-Code",
        "x-ringpost; " + SafeText(recipient.reply.text, utf8, limits::kReplyTextKeptBytesMax), out);
  }
  if (ToMillis(recipient.last_attempt) > 0) {
    AppendField("Last-Attempt-Date", FormatRfc5322Date(recipient.last_attempt), out);
  }
  if (recipient.action == DsnAction::kDelayed && ToMillis(recipient.will_retry_until) > 0) {
    AppendField("Will-Retry-Until", FormatRfc5322Date(recipient.will_retry_until), out);
  }
}

// The body of message/delivery-status (RFC 3464 section 2).
std::string Status(const DsnInput& input) {
  std::string out;
  AppendField("Reporting-MTA", "dns; " + SafeText(input.hostname, false, limits::kDomainBytesMax),
              &out);
  if (!input.envid.empty()) {
    AppendField("Original-Envelope-Id", SafeText(input.envid, false, limits::kPathBytesMax), &out);
  }
  AppendField("Arrival-Date", FormatRfc5322Date(input.arrival), &out);
  for (const DsnRecipient& recipient : input.recipients)
    AppendRecipientStatus(input, recipient, &out);
  return out;
}

// A line that none of the parts holds. The report's id has 64 random bits, so the first try is good
// unless somebody saw this very report before it was made; then a part of n bytes can hold n / 40
// others at most.
std::string Boundary(const DsnInput& input, std::string_view explanation, std::string_view status,
                     std::string_view original) {
  std::string id = "ringpost-" + input.report_id.ToString();
  std::string boundary = id;
  auto held = [&](std::string_view text) { return text.find(boundary) != std::string_view::npos; };
  for (uint32_t n = 0; held(explanation) || held(status) || held(original); ++n) {
    boundary = id + "-" + std::to_string(n);
  }
  return boundary;
}

void AppendHeader(const DsnInput& input, const std::string& boundary, std::string* out) {
  std::string hostname = SafeText(input.hostname, false, limits::kDomainBytesMax);
  AppendField("Date", FormatRfc5322Date(input.now), out);
  AppendField("From", "Mail delivery <MAILER-DAEMON@" + hostname + ">", out);
  AppendField("To", "<" + SafeText(input.reverse_path, input.smtputf8, limits::kPathBytesMax) + ">",
              out);
  AppendField("Subject", Subject(Gravest(input)), out);
  AppendField("Message-ID", "<" + input.report_id.ToString() + "@" + hostname + ">", out);
  AppendField("Auto-Submitted", "auto-replied", out);
  AppendField("MIME-Version", "1.0", out);
  std::string kind = input.smtputf8 ? "global-delivery-status" : "delivery-status";
  AppendField("Content-Type",
              "multipart/report; report-type=" + kind + "; boundary=\"" + boundary + "\"", out);
  if (input.smtputf8) AppendField("Content-Transfer-Encoding", "8bit", out);
}

// Header fields and delimiters of the last part, less its boundary.
constexpr size_t kPartFieldsBytesMax = 256;

void AppendPart(const std::string& boundary, std::string_view type, std::string_view encoding,
                std::string_view description, std::string_view content, std::string* out) {
  out->append("\r\n--").append(boundary).append("\r\n");
  AppendField("Content-Type", type, out);
  AppendField("Content-Transfer-Encoding", encoding, out);
  AppendField("Content-Description", description, out);
  out->append("\r\n").append(content);
}

}  // namespace

std::string BuildDsn(const DsnInput& input) {
  RP_CHECK(!input.recipients.empty());
  std::string_view encoding = input.smtputf8 ? "8bit" : "7bit";
  std::string explanation = Explanation(input);
  std::string status = Status(input);
  ReturnedOriginal original = MakeReturnedOriginal(input);
  WipedAtEnd wiped(&original.content);
  std::string boundary = Boundary(input, explanation, status, original.content);

  std::string report;
  report.reserve(explanation.size() + status.size() + original.content.size() + 1536);
  AppendHeader(input, boundary, &report);
  AppendPart(boundary,
             input.smtputf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
             encoding, "Explanation", explanation, &report);
  AppendPart(boundary,
             input.smtputf8 ? "message/global-delivery-status" : "message/delivery-status",
             encoding, "Delivery report", status, &report);
  ReserveWiped(&report,
               report.size() + original.content.size() + 2 * boundary.size() + kPartFieldsBytesMax);
  AppendPart(boundary, original.type, original.encoding,
             original.whole ? "Original message" : "Header of the original message",
             original.content, &report);
  report.append("\r\n--").append(boundary).append("--\r\n");
  return report;
}

}  // namespace ringpost::mail
