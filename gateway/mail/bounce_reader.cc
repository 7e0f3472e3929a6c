#include "gateway/mail/bounce_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/bounce_entity.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/bounce_status.h"
#include "gateway/mail/bounce_text.h"

namespace ringpost::mail {
namespace {

using std::string_view;

// From who no person writes: "MAILER-DAEMON@...", "postmaster@...", or nobody at all.
bool IsMailer(string_view from) {
  constexpr auto kNames = std::to_array<string_view>(
      {"mailer-daemon", "mail-daemon", "maildaemon", "mailerdaemon", "postmaster", "mdaemon",
       "mail delivery", "mail delivery subsystem", "mail delivery system"});
  if (TrimSpace(from).empty()) return true;
  std::string lower = ToLower(from);
  size_t open = lower.rfind('<');
  std::string address = open == std::string::npos
                            ? std::string(TrimSpace(WithoutComments(lower)))
                            : lower.substr(open + 1, lower.find('>', open) - open - 1);
  if (address.empty()) return true;
  string_view local = string_view(address).substr(0, address.rfind('@'));
  return std::any_of(kNames.begin(), kNames.end(), [&](string_view name) { return local == name; });
}

bool IsAutoReply(const BounceFields& fields) {
  const std::string submitted = ToLower(WithoutComments(fields.Get("Auto-Submitted")));
  if (!submitted.empty() && submitted != "no") return true;
  for (string_view name : {"X-Autoreply", "X-Autorespond", "X-Auto-Reply-From"}) {
    if (fields.Has(name)) return true;
  }
  if (EqualsIgnoreCase(fields.Get("Precedence"), "auto_reply")) return true;
  const std::string subject = ToLower(fields.Get("Subject"));
  constexpr auto kBegins = std::to_array<string_view>(
      {"automatic reply:", "auto:", "autoreply:", "auto-reply:", "out of office",
       "out of the office"});
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [&](string_view begin) { return subject.starts_with(begin); });
}

bool IsOriginal(string_view type) {
  return type == "message/rfc822" || type == "text/rfc822-headers" || type == "text/rfc822" ||
         type == "message/rfc822-headers" || type == "message/global" ||
         type == "message/global-headers";
}

void ReadOriginal(string_view header, BounceFacts* facts) {
  if (!facts->message_id.empty() || !facts->return_path.empty()) return;
  const BounceFields fields = BounceFields::Take(&header, true);
  facts->message_id = Printable(fields.Get("Message-ID"), limits::kBounceFieldBytesMax);
  facts->return_path = PlainBounceAddress(fields.Get("Return-Path"));
}

// The fields of a message, wherever they begin within `text`.
void FindOriginal(string_view text, BounceFacts* facts) {
  string_view rest = text, line;
  for (size_t lines = 0; lines < 8; ++lines) {
    string_view from_here = rest;
    if (!TakeLine(&rest, &line)) return;
    if (BounceFields::Take(&line, true).all().empty()) continue;
    ReadOriginal(from_here, facts);
    return;
  }
}

// The readable text of a message: its first text/plain, or what its first HTML shows.
class ReadableText {
 public:
  ~ReadableText() { WipeString(&text_); }
  void Offer(const BouncePart& part) {
    bool plain = part.type.type == "text/plain" || part.type.type == "text" ||
                 part.type.type.empty() || part.type.type.starts_with("multipart/");
    bool html = part.type.type == "text/html";
    if (plain_ || (!plain && (!html || !text_.empty()))) return;
    WipeString(&text_);
    text_ = DecodedBody(part);
    if (html) {
      std::string shown = TextOfHtml(text_);
      WipeString(&text_);
      text_ = std::move(shown);
    }
    plain_ = plain;
  }
  string_view text() const { return text_; }

 private:
  std::string text_;
  bool plain_ = false;
};

// Exim's own: the addresses that failed.
void AddFailedRecipients(string_view value, BounceText* text) {
  std::vector<BouncedRecipient> named;
  while (!value.empty() && named.size() < limits::kBounceRecipientsMax) {
    size_t comma = std::min(value.find(','), value.size());
    std::string address = PlainBounceAddress(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (address.empty()) continue;
    BouncedRecipient recipient;
    recipient.final = address;
    recipient.diagnosis = text->said;
    recipient.status = text->said.enhanced;
    recipient.by_smtp = text->said.code != 0;
    for (const BouncedRecipient& one : text->recipients) {
      if (EqualsIgnoreCase(one.final, address)) recipient = one;
    }
    named.push_back(std::move(recipient));
  }
  if (!named.empty()) text->recipients = std::move(named);
}

// A bounce that is no DSN: `facts` is filled in where the message is one.
bool ReadPlain(const BounceFields& fields, string_view readable, BounceFacts* facts) {
  string_view failed = fields.Get("X-Failed-Recipients");
  bool mailer = IsMailer(fields.Get("From"));
  bool subject = ReadBounceText(fields.Get("Subject"), {}).words;
  if (failed.empty() && !mailer && !subject) return false;
  BounceText text = ReadBounceText(fields.Get("Subject"), readable);
  if (!failed.empty()) AddFailedRecipients(failed, &text);
  bool coded = std::any_of(text.recipients.begin(), text.recipients.end(), [](const auto& one) {
    return one.diagnosis.code != 0 || one.diagnosis.enhanced.present();
  });
  bool bounce =
      !failed.empty() || (mailer && (text.words || coded)) || (subject && text.words && coded);
  if (!bounce) return false;
  facts->kind = BounceKind::kPlainBounce;
  facts->recipients = std::move(text.recipients);
  facts->cut = text.cut;
  if (facts->recipients.empty()) {
    BouncedRecipient all;
    all.action = text.delayed ? DsnAction::kDelayed : DsnAction::kFailed;
    all.status = text.said.enhanced;
    all.by_smtp = text.said.code != 0;
    all.diagnosis = std::move(text.said);
    facts->all = std::move(all);
  }
  if (!text.original.empty()) FindOriginal(text.original, facts);
  return true;
}

// A status without words: they are in the text for people.
void AddDiagnoses(string_view subject, string_view readable, BounceFacts* facts) {
  bool lacking = std::any_of(facts->recipients.begin(), facts->recipients.end(),
                             [](const auto& one) { return one.diagnosis.text.empty(); });
  if (!lacking) return;
  BounceText text = ReadBounceText(subject, readable);
  for (BouncedRecipient& recipient : facts->recipients) {
    if (!recipient.diagnosis.text.empty()) continue;
    for (BouncedRecipient& one : text.recipients) {
      bool same = EqualsIgnoreCase(one.final, recipient.final) ||
                  EqualsIgnoreCase(one.final, recipient.original);
      if (!same) continue;
      recipient.diagnosis = one.diagnosis;
      recipient.by_smtp = one.by_smtp;
    }
    if (recipient.diagnosis.text.empty() && facts->recipients.size() == 1) {
      recipient.diagnosis = text.said;
      recipient.by_smtp = text.said.code != 0;
    }
  }
}

}  // namespace

string_view BounceKindName(BounceKind kind) {
  switch (kind) {
    case BounceKind::kDsn:
      return "dsn";
    case BounceKind::kPlainBounce:
      return "plain bounce";
    case BounceKind::kFeedback:
      return "feedback";
    case BounceKind::kDisposition:
      return "disposition";
    case BounceKind::kAutoReply:
      return "auto-reply";
    case BounceKind::kOther:
      break;
  }
  return "other";
}

BounceFacts ReadBounce(string_view message) {
  BounceFacts facts;
  string_view rest = message.substr(0, limits::kBounceBytesMax);
  const BounceFields fields = BounceFields::Take(&rest, false);
  bool disposition =
      ReadBounceType(fields.Get("Content-Type")).report_type == "disposition-notification";
  bool feedback = false;
  ReadableText readable;
  for (const BouncePart& part : BounceParts(fields, rest)) {
    const std::string& type = part.type.type;
    if (type == "message/delivery-status" || type == "message/global-delivery-status") {
      ReadDeliveryStatus(DecodedBody(part), &facts);
    } else if (type == "message/feedback-report") {
      feedback = feedback || ReadFeedback(DecodedBody(part), &facts.feedback);
    } else if (type == "message/disposition-notification" ||
               type == "message/global-disposition-notification") {
      disposition = true;
    } else if (IsOriginal(type)) {
      std::string header = DecodedBody(part);
      WipedAtEnd wiped(&header);
      ReadOriginal(header, &facts);
    } else {
      readable.Offer(part);
    }
  }
  if (feedback) {
    facts.kind = BounceKind::kFeedback;
    facts.recipients.clear();
  } else if (!facts.recipients.empty()) {
    facts.kind = BounceKind::kDsn;
    AddDiagnoses(fields.Get("Subject"), readable.text(), &facts);
  } else if (disposition) {
    facts.kind = BounceKind::kDisposition;
  } else if (!ReadPlain(fields, readable.text(), &facts) && IsAutoReply(fields)) {
    facts.kind = BounceKind::kAutoReply;
  }
  return facts;
}

}  // namespace ringpost::mail
