// What a message that came back to a return path says: of which recipients, what, and by whom.
//
//   delivery status notifications  RFC 3464, RFC 6522, with RFC 6533 for addresses beyond ASCII
//   other bounces                  texts of qmail, Exim, Courier, sendmail, Exchange and their kin:
//                                  known by what they are made of (a mailer's own address, words
//                                  of failure, an address that stands at the start of its line,
//                                  the original behind a line that announces it), not by samples
//   feedback reports               RFC 5965 (ARF): a recipient complains
//   disposition notifications      RFC 8098: never a bounce, whatever they say
//   automatic replies              RFC 3834 and older customs: never a bounce
//
// Total: any bytes are read, to kOther at worst. Bounded (bounce_limits.h) and without recursion:
// what is reported on is looked at for its header section alone, so a bounce within a bounce is
// that of the outer one. All strings are hostile; addresses have passed smtp::ParseMailbox.
//
// It says what the report says, not whether it is true: who may bring one is for the return path
// (return_path.h) to prove. What it means is bounce_classes.h's.
//
// Threads: functions; any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/dsn.h"
#include "gateway/smtp/reply.h"

namespace ringpost::mail {

enum class BounceKind : uint8_t {
  kOther,
  kDsn,
  kPlainBounce,  // a bounce that is no DSN
  kFeedback,
  kDisposition,
  kAutoReply,
};
// "dsn", "plain bounce", "feedback", "disposition", "auto-reply", "other".
std::string_view BounceKindName(BounceKind kind);

struct BouncedRecipient {
  std::string original;  // as the sender wrote it (Original-Recipient); empty: not said
  std::string final;     // as it was at last; empty: not said
  DsnAction action = DsnAction::kFailed;
  smtp::EnhancedCode status;  // as reported; often made up from no more than a class
  // What the remote server said, or the reporting one of itself: code 0 then; its enhanced code is
  // present() only where those very words have one.
  smtp::Reply diagnosis;
  bool by_smtp = false;    // the diagnosis is a server's reply (Diagnostic-Code: smtp)
  std::string remote_mta;  // who said it; empty: not said

  const std::string& address() const { return original.empty() ? final : original; }
  bool failed() const { return action == DsnAction::kFailed; }
};

struct FeedbackFacts {
  std::string type;                     // "abuse", "fraud", ...; lower case
  std::vector<std::string> recipients;  // Original-Rcpt-To; often redacted by who sends it
  std::string mail_from;                // Original-Mail-From
  std::string user_agent, reporting_mta;
};

struct BounceFacts {
  BounceKind kind = BounceKind::kOther;
  std::vector<BouncedRecipient> recipients;  // of kDsn and kPlainBounce, where there are any
  FeedbackFacts feedback;                    // of kFeedback
  std::string reporting_mta;
  std::string envelope_id;  // Original-Envelope-Id
  // Of the message that is reported on, where its header section is there.
  std::string message_id;   // "<...>"
  std::string return_path;  // without its angle brackets
  // Of kPlainBounce without recipients: what can be said of all of them.
  std::optional<BouncedRecipient> all;
  bool cut = false;  // there were more recipients
};

// `message`: its start; no more than limits::kBounceBytesMax is looked at.
BounceFacts ReadBounce(std::string_view message);

// A reply of a server as it stands in a text: "550-5.1.1 no\n550 5.1.1 such user", "550 #5.1.1 no".
// Code 0: it begins with none, and all of it is the text. On one line, printable, cut.
smtp::Reply ReadBounceReply(std::string_view text);

}  // namespace ringpost::mail
