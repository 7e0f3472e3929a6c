// What each reply means to a client's session, by what it waits for.
#include "gateway/smtp/capabilities.h"
#include "gateway/smtp/client_state.h"

namespace ringpost::smtp {
namespace {

// RFC 5321 section 3.1, RFC 7504: codes with which a host says that it takes no
// mail at all.
bool SaysNoMail(uint16_t code) { return code == 521 || code == 554 || code == 556; }

// A 552 to RCPT from before RFC 5321 means "too many recipients" (section 4.5.3.1.10), unless its
// enhanced code says otherwise (5.2.2: mailbox full).
void SoftenTooManyRecipients(Reply* reply) {
  bool too_many = !reply->enhanced.present() || reply->enhanced == EnhancedCode{5, 5, 3};
  if (reply->code != 552 || !too_many) return;
  reply->code = 452;
  reply->enhanced = {4, 5, 3};
}

constexpr char kNoStartTls[] =
    "the next hop does not offer STARTTLS, and mail for it must not leave in clear text";

}  // namespace

using EventKind = ClientSession::EventKind;

// --- Outcomes

void ClientSession::State::Settle(uint32_t recipient, const Reply& reply) {
  outcome.recipients[recipient] = reply;
}

// Every recipient that has no final word yet.
void ClientSession::State::SettleOpen(const Reply& reply) {
  for (uint32_t i : order) {
    if (outcome.recipients[i].code == 0) Settle(i, reply);
  }
}

void ClientSession::State::SettleAccepted(const Reply& reply) {
  for (uint32_t i : order) {
    if (accepted[i]) Settle(i, reply);
  }
}

EventKind ClientSession::State::FailWith(const Reply& reply) {
  phase = ClientPhase::kFailed;
  failure = reply;
  pending = EventKind::kNeedInput;
  return EventKind::kFailed;
}

EventKind ClientSession::State::Fail(std::string_view why) {
  if (phase == ClientPhase::kFinal) outcome.in_doubt = true;
  return FailWith(Reply{0, {}, std::string(why)});
}

EventKind ClientSession::State::Finish(bool reset) {
  ++transactions;
  phase = ClientPhase::kSettled;
  bool exhausted = capabilities.mail_max != 0 && mails_sent >= capabilities.mail_max;
  if (reset && !exhausted) {
    phase = ClientPhase::kReset;
    Command("RSET");
  }
  return EventKind::kDone;
}

// The next transaction may begin. What the server said unasked is looked at first: it would be
// taken for the reply to MAIL.
EventKind ClientSession::State::Settled(bool more_input) {
  if (more_input) {
    phase = ClientPhase::kSettled;
    return EventKind::kNeedInput;
  }
  if (capabilities.mail_max != 0 && mails_sent >= capabilities.mail_max) {
    return Fail("the next hop takes no more messages on this connection (LIMITS MAILMAX)");
  }
  phase = ClientPhase::kIdle;
  return EventKind::kReady;
}

// --- Replies

EventKind ClientSession::State::OnGreeting(bool more_input) {
  if (said().code != 220) return FailWith(said());
  if (more_input) return Fail("the server said more than its greeting");
  phase = ClientPhase::kEhlo;
  Command("EHLO " + helo);
  return EventKind::kNeedInput;
}

EventKind ClientSession::State::OnEhlo(bool more_input) {
  uint16_t code = said().code;
  if (code == 250) {
    capabilities.esmtp = true;
    FinishCapabilities(&capabilities);
    if (secured || starttls == StartTls::kNever) return Introduced(more_input);
    if (capabilities.starttls) {
      if (more_input) return Fail("the server said more than its reply to EHLO");
      phase = ClientPhase::kStartTls;
      Command("STARTTLS");
      return EventKind::kNeedInput;
    }
    if (starttls == StartTls::kRequired) return Fail(kNoStartTls);
    return Introduced(more_input);
  }
  capabilities = {};
  if (!said().permanent() || SaysNoMail(code)) return FailWith(said());
  if (!secured && starttls == StartTls::kRequired) return Fail(kNoStartTls);
  phase = ClientPhase::kHelo;
  Command("HELO " + helo);
  return EventKind::kNeedInput;
}

EventKind ClientSession::State::OnStartTls(bool more_input) {
  if (said().code == 220) {
    if (more_input) {
      injected = true;
      return Fail("the server said more than its reply to STARTTLS before the handshake");
    }
    phase = ClientPhase::kHandshaking;
    return EventKind::kStartTls;
  }
  if (starttls == StartTls::kRequired || said().code == 421) return FailWith(said());
  return Introduced(more_input);
}

EventKind ClientSession::State::OnHelo(bool more_input) {
  return said().code == 250 ? Introduced(more_input) : FailWith(said());
}

EventKind ClientSession::State::OnMailReply() {
  if (said().code < 300) {
    mail_accepted = true;
    return EventKind::kNeedInput;
  }
  if (said().code < 400) return Fail("the reply to MAIL makes no sense");
  mail_refused = true;
  SettleOpen(said());
  return said().code == 421 ? FailWith(said()) : EventKind::kNeedInput;
}

EventKind ClientSession::State::OnRcptReply() {
  uint32_t recipient = order[answered - 2];
  uint16_t code = said().code;
  if (code >= 300 && code < 400) return Fail("the reply to RCPT makes no sense");
  if (mail_refused) {
    // Were a dot sent after this, an empty message might be delivered.
    if (code < 300) return Fail("the server accepted RCPT after it had refused MAIL");
    return code == 421 ? FailWith(said()) : EventKind::kNeedInput;
  }
  if (code < 300) {
    accepted[recipient] = 1;
    ++accepted_count;
    return EventKind::kNeedInput;
  }
  SoftenTooManyRecipients(&parser.reply());
  Settle(recipient, said());
  return code == 421 ? FailWith(said()) : EventKind::kNeedInput;
}

EventKind ClientSession::State::OnDataReply(bool more_input) {
  uint16_t code = said().code;
  if (code == 354) {
    if (accepted_count > 0) {
      phase = ClientPhase::kBody;
      // What came with the 354 answers no body: it is read before one is sent.
      return more_input ? EventKind::kNeedInput : EventKind::kSendBody;
    }
    phase = ClientPhase::kCancel;
    Command(".");
    return EventKind::kNeedInput;
  }
  if (code < 400) return Fail("the reply to DATA makes no sense");
  SettleAccepted(said());
  return code == 421 ? FailWith(said()) : Finish(mail_accepted);
}

EventKind ClientSession::State::OnCommandReply(bool more_input) {
  uint32_t command = answered++;
  if (command >= commands()) {
    EventKind event = OnDataReply(more_input);
    if (phase == ClientPhase::kCancel && more_input)
      return Fail("the server said more than it was asked");
    return event;
  }
  EventKind event = command == 0 ? OnMailReply() : OnRcptReply();
  if (event != EventKind::kNeedInput) return event;
  if (answered == sent && more_input) return Fail("the server said more than it was asked");
  SendCommands();
  return answered == sent ? AfterCommands() : EventKind::kNeedInput;
}

// All replies are in and DATA was not sent: BDAT, or nothing to send a body for.
EventKind ClientSession::State::AfterCommands() {
  if (bdat && accepted_count > 0) {
    phase = ClientPhase::kBody;
    return EventKind::kSendBody;
  }
  return Finish(mail_accepted);
}

// A reply while the body is on its way. A refusal is the server's last word on the message, but
// from here on nobody can say what a further reply would answer.
EventKind ClientSession::State::OnEarlyReply() {
  if (said().code < 400) return Fail("the server answered before the end of the message");
  SettleAccepted(said());
  return FailWith(said());
}

EventKind ClientSession::State::OnFinalReply() {
  uint16_t code = said().code;
  if (code >= 300 && code < 400) return Fail("the reply to the end of the message makes no sense");
  SettleAccepted(said());
  if (code == 421) return FailWith(said());
  // RFC 3030 section 2: after a BDAT that failed the state is unknown until RSET.
  return Finish(bdat && code >= 400);
}

EventKind ClientSession::State::OnReply(std::string_view* input) {
  bool more_input = !input->empty();
  switch (phase) {
    case ClientPhase::kGreeting:
      return OnGreeting(more_input);
    case ClientPhase::kEhlo:
      return OnEhlo(more_input);
    case ClientPhase::kStartTls:
      return OnStartTls(more_input);
    case ClientPhase::kHandshaking:
      return EventKind::kNeedInput;
    case ClientPhase::kHelo:
      return OnHelo(more_input);
    case ClientPhase::kAuth:
      return OnAuth(more_input);
    case ClientPhase::kCommands:
      return OnCommandReply(more_input);
    case ClientPhase::kBody:
      return OnEarlyReply();
    case ClientPhase::kFinal:
      return OnFinalReply();
    case ClientPhase::kCancel:
      return said().code == 421 ? FailWith(said()) : Finish(false);
    case ClientPhase::kReset:
      return said().code == 250 ? Settled(more_input) : FailWith(said());
    case ClientPhase::kIdle:
    case ClientPhase::kSettled:
      // A 421 of a server that closes; nothing else may come unasked.
      return said().code == 421 ? FailWith(said()) : Fail("the server spoke without being asked");
    case ClientPhase::kQuit:
    case ClientPhase::kFailed:
      return FailWith(said());
  }
  return EventKind::kNeedInput;
}

}  // namespace ringpost::smtp
