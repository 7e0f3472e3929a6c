// The commands of a server session: what each needs, what it does to the state, what it asks the
// driver.
#include <algorithm>
#include <string>
#include <utility>

#include "gateway/base/counters.h"
#include "gateway/base/text.h"
#include "gateway/smtp/parameters.h"
#include "gateway/smtp/server_replies.h"
#include "gateway/smtp/server_state.h"
#include "gateway/smtp/xclient.h"

namespace ringpost::smtp {
namespace {

bool Has8bit(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// RFC 4954 section 6. BDAT is refused where its payload is read (HandleBdat).
bool NeedsAuth(Verb verb) {
  return verb == Verb::kMail || verb == Verb::kRcpt || verb == Verb::kData || verb == Verb::kVrfy;
}
// RFC 3207 section 4.
bool NeedsTls(Verb verb) { return NeedsAuth(verb) || verb == Verb::kXclient; }

bool IsLocalPart(std::string_view text, const AddressRules& rules) {
  std::string qualified(text);
  qualified += "@example.com";
  return text.size() <= limits::kLocalPartBytesMax && text.find('@') == std::string_view::npos &&
         ParseMailbox(qualified, rules).has_value();
}

}  // namespace

// What may prove who somebody is does not get into a trace.
void ServerSession::State::TraceInput(std::string_view line) const {
  const Command command = ParseCommand(line);
  const size_t word = command.argument.find_first_of(" \t");
  if (command.verb != Verb::kAuth || word == std::string_view::npos) {
    trace(trace_context, true, line);
    return;
  }
  const std::string shown = "AUTH " + std::string(command.argument.substr(0, word)) + " ***";
  trace(trace_context, true, shown);
}

ServerSession::EventKind ServerSession::State::HandleLine(std::string_view line, bool more) {
  Count(Counter::kCommands);
  if (trace) TraceInput(line);
  bool has_8bit = false;
  const LineFault fault = CheckLine(line, options->strict, &has_8bit);
  if (fault != LineFault::kNone) {
    Error(fault == LineFault::kBareCr ? replies::kBareCr : replies::kControl);
    return kNothing;
  }
  const Command command = ParseCommand(line);
  const bool may_8bit =
      command.verb == Verb::kMail || command.verb == Verb::kRcpt || command.verb == Verb::kVrfy;
  if (has_8bit && !may_8bit) {
    Error(replies::kHighCommand);
    return kNothing;
  }
  if (TlsMissing() && NeedsTls(command.verb)) {
    Error(replies::kStartTlsFirst);
    return kNothing;
  }
  if (AuthMissing() && NeedsAuth(command.verb)) {
    Error(WhatIsMissing());
    return kNothing;
  }
  switch (command.verb) {
    case Verb::kMail:
      return HandleMail(command.argument, has_8bit);
    case Verb::kRcpt:
      return HandleRcpt(command.argument, has_8bit);
    case Verb::kData:
      return HandleData(command.argument, more);
    case Verb::kBdat:
      return HandleBdat(command.argument);
    case Verb::kEhlo:
      return HandleHelo(command.argument, true, more);
    case Verb::kHelo:
      return HandleHelo(command.argument, false, more);
    case Verb::kRset:
      return HandleReset(command.argument);
    case Verb::kVrfy:
      return HandleVrfy(command.argument);
    case Verb::kXclient:
      return HandleXclient(command.argument);
    case Verb::kStartTls:
      return HandleStartTls(command.argument, more);
    case Verb::kAuth:
      return HandleAuth(command.argument, more);
    case Verb::kNoop:
      if (!TooMuchJunk()) Say(replies::kNoop);
      return kNothing;
    case Verb::kHelp:
      if (!TooMuchJunk()) Say(replies::kHelp);
      return kNothing;
    case Verb::kQuit:
      if (options->strict && !command.argument.empty()) {
        Error(replies::kNoArgument);
      } else {
        quit = true;
        Close(replies::kBye);
      }
      return kNothing;
    case Verb::kForeign:
      Close(replies::kForeign);
      return kNothing;
    case Verb::kUnsupported:
      Error(replies::kUnsupported);
      return kNothing;
    case Verb::kUnknown:
      Error(replies::kUnknownCommand);
      return kNothing;
  }
  return kNothing;
}

// RFC 5321 section 4.1.1.1. Either begins the session anew, as RSET does.
ServerSession::EventKind ServerSession::State::HandleHelo(std::string_view argument, bool extended,
                                                          bool more) {
  if (more) {
    Close(replies::kOutOfStep);
    return kNothing;
  }
  const std::string_view name = ParseHelo(argument, options->strict);
  if (name.empty()) {
    Error(replies::kHeloSyntax);
    return kNothing;
  }
  if (TooMuchJunk()) return kNothing;
  helo = name;
  esmtp = extended;
  const bool had_transaction = transaction != nullptr;
  transaction.reset();
  const size_t from = output.size();
  output.append(extended ? "250-" : "250 ").append(options->hostname).append("\r\n");
  if (extended) SayExtensions();
  if (trace) TraceOutput(from);
  return had_transaction ? EventKind::kReset : kNothing;
}

void ServerSession::State::SayExtensions() {
  output.append("250-PIPELINING\r\n250-SIZE ");
  output.append(std::to_string(options->message_bytes_max));
  output.append("\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
  if (options->chunking) output.append("250-CHUNKING\r\n");
  if (options->smtputf8) output.append("250-SMTPUTF8\r\n");
  if (options->dsn) output.append("250-DSN\r\n");
  if (options->starttls != StartTls::kNotOffered && !secured && !client) {
    output.append("250-STARTTLS\r\n");
  }
  if (secured) output.append("250-REQUIRETLS\r\n");  // RFC 8689 section 2
  SayMechanisms();
  if (options->xclient) output.append("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN\r\n");
  output.append("250-HELP\r\n250 LIMITS");  // RFC 9422
  if (options->mails_max > 0) output.append(" MAILMAX=").append(std::to_string(options->mails_max));
  output.append(" RCPTMAX=").append(std::to_string(options->recipients_max)).append("\r\n");
}

ServerSession::EventKind ServerSession::State::HandleMail(std::string_view argument,
                                                          bool has_8bit) {
  const bool strict = options->strict;
  if (strict && helo.empty()) return Error(replies::kHeloFirst), kNothing;
  if (transaction) return Error(replies::kNested), kNothing;
  if (options->mails_max > 0 && mails >= options->mails_max) {
    return Close(replies::kTooManyMails), kNothing;
  }
  ++mails;
  const PathArgument path = ParsePathArgument(argument, "FROM:", strict);
  if (path.fault != PathArgument::Fault::kNone) {
    const bool keyword = path.fault == PathArgument::Fault::kKeyword;
    return Error(keyword ? replies::kMailSyntax : replies::kBadSender), kNothing;
  }
  auto begun = std::make_unique<Transaction>();
  Envelope& envelope = begun->envelope;
  const std::string_view refusal =
      ParseMailParameters(path.parameters, *options, secured, &envelope);
  if (!refusal.empty()) return Error(refusal), kNothing;
  if (has_8bit && !envelope.smtputf8 && Has8bit(path.mailbox)) {
    return Error(replies::kUtf8Sender), kNothing;
  }
  const AddressRules rules{strict, envelope.smtputf8};
  // The null reverse-path <> is no address and needs none.
  if (!path.mailbox.empty() && !ParseMailbox(path.mailbox, rules) &&
      !(options->unqualified_senders && IsLocalPart(path.mailbox, rules))) {
    return Error(replies::kBadSender), kNothing;
  }
  envelope.reverse_path = path.mailbox;
  transaction = std::move(begun);
  question = Question::kMail;
  return EventKind::kMail;
}

ServerSession::EventKind ServerSession::State::HandleRcpt(std::string_view argument,
                                                          bool has_8bit) {
  if (!transaction) return Error(replies::kMailFirst), kNothing;
  if (transaction->body_begun) return Error(replies::kBodyBegun), kNothing;
  const bool strict = options->strict;
  const PathArgument path = ParsePathArgument(argument, "TO:", strict);
  if (path.fault != PathArgument::Fault::kNone) {
    const bool keyword = path.fault == PathArgument::Fault::kKeyword;
    return Error(keyword ? replies::kRcptSyntax : replies::kBadRecipient), kNothing;
  }
  // Not an error of the client's: it may not know RCPTMAX, and is to go on with what was taken.
  if (transaction->rcpt_asked >= options->recipients_max) {
    return Say(replies::kTooManyRecipients), kNothing;
  }
  const bool smtputf8 = transaction->envelope.smtputf8;
  Recipient candidate;
  const std::string_view refusal =
      ParseRecipientParameters(path.parameters, *options, smtputf8, &candidate);
  if (!refusal.empty()) return Error(refusal), kNothing;
  if (has_8bit && !smtputf8 && Has8bit(path.mailbox)) {
    return Error(replies::kUtf8Recipient), kNothing;
  }
  const AddressRules rules{strict, smtputf8};
  // RFC 5321 section 4.1.1.3: "Postmaster" needs no domain.
  if (!EqualsIgnoreCase(path.mailbox, "postmaster") && !ParseMailbox(path.mailbox, rules)) {
    return Error(replies::kBadRecipient), kNothing;
  }
  candidate.address = path.mailbox;
  transaction->candidate = std::move(candidate);
  ++transaction->rcpt_asked;
  question = Question::kRecipient;
  return EventKind::kRecipient;
}

ServerSession::EventKind ServerSession::State::HandleData(std::string_view argument, bool more) {
  if (more) return Close(replies::kOutOfStep), kNothing;
  if (!argument.empty()) return Error(replies::kNoArgument), kNothing;
  if (!transaction) return Error(replies::kMailFirst), kNothing;
  if (transaction->body_begun) return Error(replies::kBodyBegun), kNothing;
  if (transaction->envelope.recipients.empty()) return Error(replies::kNoRecipients), kNothing;
  question = Question::kData;
  return EventKind::kData;
}

// RFC 3030. The payload follows whatever we say, so it is always read: into the body, or nowhere.
// Where its length is not known, or past any bound, nothing behind it can be told from it, and the
// session ends.
ServerSession::EventKind ServerSession::State::HandleBdat(std::string_view argument) {
  const std::optional<Bdat> bdat = ParseBdat(argument);
  if (!bdat) return Close(replies::kBdatSyntax), kNothing;
  if (bdat->bytes > limits::kBdatChunkBytesMax) return Close(replies::kChunkTooBig), kNothing;
  if (bdat->bytes == 0 && !bdat->last && TooMuchJunk()) return kNothing;
  phase = Phase::kChunk;
  chunk_left = bdat->bytes;
  chunk_last = bdat->last;
  std::string_view refusal;
  if (!options->chunking) {
    refusal = replies::kNoChunking;
  } else if (TlsMissing()) {
    refusal = replies::kStartTlsFirst;
  } else if (AuthMissing()) {
    refusal = WhatIsMissing();
  } else if (!transaction) {
    refusal = replies::kMailFirst;
  } else if (transaction->envelope.recipients.empty()) {
    refusal = replies::kNoRecipients;
  }
  if (!refusal.empty()) {
    if (TooManyErrors()) return kNothing;
    chunk_refusal = std::make_unique<std::string>(refusal);
    return kNothing;
  }
  if (transaction->body_begun) return kNothing;
  question = Question::kData;
  return EventKind::kData;
}

ServerSession::EventKind ServerSession::State::HandleReset(std::string_view argument) {
  if (options->strict && !argument.empty()) return Error(replies::kNoArgument), kNothing;
  if (TooMuchJunk()) return kNothing;
  Say(replies::kReset);
  if (!transaction) return kNothing;
  transaction.reset();
  return EventKind::kReset;
}

ServerSession::EventKind ServerSession::State::HandleVrfy(std::string_view argument) {
  if (argument.empty()) return Error(replies::kVrfySyntax), kNothing;
  if (!TooMuchJunk()) Say(replies::kVrfy);
  return kNothing;
}

// Postfix XCLIENT_README: the session goes back to its greeting; what XCLIENT said stays.
ServerSession::EventKind ServerSession::State::HandleXclient(std::string_view argument) {
  if (!options->xclient) return Error(replies::kXclientRefused), kNothing;
  if (transaction) return Error(replies::kXclientInMail), kNothing;
  if (TooMuchJunk()) return kNothing;
  Xclient named;
  if (client) named = *client;
  if (!ParseXclient(argument, &named)) return Error(replies::kXclientSyntax), kNothing;
  helo = named.helo;
  esmtp = EqualsIgnoreCase(named.protocol, "ESMTP");
  client = std::make_unique<Xclient>(std::move(named));
  greet_pending = true;
  authenticated = false;
  return EventKind::kXclient;
}

// RFC 3207. What XCLIENT said in clear text is not to outlive it, and is not to be lost either.
ServerSession::EventKind ServerSession::State::HandleStartTls(std::string_view argument,
                                                              bool more) {
  if (options->starttls == StartTls::kNotOffered) return Error(replies::kUnsupported), kNothing;
  if (secured) return Error(replies::kTlsAlready), kNothing;
  if (client) return Error(replies::kStartTlsAfterXclient), kNothing;
  if (more) return Close(replies::kOutOfStep), kNothing;
  if (!argument.empty()) return Error(replies::kNoArgument), kNothing;
  if (TooMuchJunk()) return kNothing;
  Say(replies::kStartTls);
  transaction.reset();  // kStartTls tells the driver, as kReset would
  phase = Phase::kStartingTls;
  return EventKind::kStartTls;
}

}  // namespace ringpost::smtp
