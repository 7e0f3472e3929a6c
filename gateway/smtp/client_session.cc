#include "gateway/smtp/client_session.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/capabilities.h"
#include "gateway/smtp/client_commands.h"
#include "gateway/smtp/dot_stuffer.h"
#include "gateway/smtp/reply_parser.h"

namespace ringpost::smtp {
namespace {

enum class Phase : uint8_t {
  kGreeting,
  kEhlo,
  kHelo,
  kIdle,      // ready
  kCommands,  // MAIL, RCPT, DATA
  kBody,      // the driver writes the body
  kFinal,     // all of the body is out
  kCancel,    // a lone dot is out, for DATA without recipients
  kReset,
  kSettled,  // the transaction is over; kReady comes next
  kQuit,
  kFailed,
};

// RFC 5321 sections 3.1 and 4.5.3.1.10, RFC 7504: codes with which a host says that it takes no
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

Slice BdatCommand(uint64_t size) {
  std::string command = "BDAT " + std::to_string(size) + " LAST\r\n";
  Slice slab = Slice::NewSlab(command.size());
  std::memcpy(slab.mutable_data(), command.data(), command.size());
  return slab;
}

}  // namespace

struct ClientSession::State {
  explicit State(std::string name) : helo(std::move(name)) {}

  EventKind OnReply(std::string_view* input);
  EventKind OnGreeting(bool more_input);
  EventKind OnEhlo();
  EventKind OnHelo();
  EventKind OnCommandReply(bool more_input);
  EventKind OnMailReply();
  EventKind OnRcptReply();
  EventKind OnDataReply();
  EventKind OnEarlyReply();
  EventKind OnFinalReply();
  EventKind Settled();

  void ChooseRecipients();
  void Settle(uint32_t recipient, const Reply& reply);
  void SettleOpen(const Reply& reply);
  void SettleAccepted(const Reply& reply);
  bool NextCommand();
  void SendCommands();
  EventKind AfterCommands();
  EventKind Finish(bool reset);
  EventKind Fail(std::string_view why);
  EventKind FailWith(const Reply& reply);
  void Command(std::string_view line);
  void TraceFrom(size_t at);
  bool WantsBdat() const;

  const Reply& said() { return parser.reply(); }
  uint32_t commands() const { return static_cast<uint32_t>(order.size()) + 1; }  // without DATA

  Phase phase = Phase::kGreeting;
  EventKind pending = EventKind::kNeedInput;  // found without input; yielded by the next Step
  bool mail_accepted = false;
  bool mail_refused = false;
  bool data_sent = false;
  bool bdat = false;
  bool bdat_begun = false;
  bool body_error = false;

  // The commands of a transaction are numbered: 0 is MAIL, i is RCPT for order[i - 1], then DATA.
  uint32_t sent = 0;
  uint32_t answered = 0;
  uint32_t window = 0;  // commands open after the last time some were sent
  uint32_t accepted_count = 0;
  std::vector<uint32_t> order;    // recipients that are sent, as indexes
  std::vector<uint8_t> accepted;  // by recipient
  OutgoingMail mail;
  Outcome outcome;
  DotStuffer stuffer;
  uint64_t body_bytes = 0;

  std::string helo;
  Capabilities capabilities;
  ReplyParser parser;
  Reply failure;
  uint32_t transactions = 0;
  uint32_t mails_sent = 0;
  std::string output;
  void (*trace)(void* context, bool from_client, std::string_view line) = nullptr;
  void* trace_context = nullptr;
};

using EventKind = ClientSession::EventKind;

// --- What goes out
// --------------------------------------------------------------------------------------

void ClientSession::State::TraceFrom(size_t at) {
  if (trace)
    trace(trace_context, true, std::string_view(output).substr(at, output.size() - at - 2));
}

void ClientSession::State::Command(std::string_view line) {
  size_t at = output.size();
  output.append(line).append("\r\n");
  TraceFrom(at);
}

bool ClientSession::State::WantsBdat() const {
  if (!capabilities.chunking) return false;
  return mail.body == BodyType::kBinaryMime || !capabilities.pipelining ||
         mail.size >= limits::kBdatBytesMin;
}

// Sends the next command, if there is one that may go now.
bool ClientSession::State::NextCommand() {
  if (mail_refused || data_sent) return false;
  size_t at = output.size();
  if (sent == 0) {
    AppendMail(mail, capabilities, &output);
    ++mails_sent;
  } else if (sent < commands()) {
    AppendRcpt(*mail.recipients[order[sent - 1]], mail, capabilities, &output);
  } else {
    // While replies are out it may yet be that a recipient is accepted.
    if (bdat || (accepted_count == 0 && answered == sent)) return false;
    output.append("DATA\r\n");
    data_sent = true;
  }
  TraceFrom(at);
  ++sent;
  return true;
}

void ClientSession::State::SendCommands() {
  if (sent - answered > window / 2) return;
  uint32_t open_max = capabilities.pipelining ? limits::kPipelineCommandsMax : 1;
  size_t from = output.size();
  while (sent - answered < open_max && output.size() - from < limits::kPipelineBytesMax) {
    if (!NextCommand()) break;
  }
  window = sent - answered;
}

// --- Outcomes
// -------------------------------------------------------------------------------------------

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
  phase = Phase::kFailed;
  failure = reply;
  pending = EventKind::kNeedInput;
  return EventKind::kFailed;
}

EventKind ClientSession::State::Fail(std::string_view why) {
  if (phase == Phase::kFinal) outcome.in_doubt = true;
  return FailWith(Reply{0, {}, std::string(why)});
}

EventKind ClientSession::State::Finish(bool reset) {
  ++transactions;
  phase = Phase::kSettled;
  bool exhausted = capabilities.mail_max != 0 && mails_sent >= capabilities.mail_max;
  if (reset && !exhausted) {
    phase = Phase::kReset;
    Command("RSET");
  }
  return EventKind::kDone;
}

// After kDone: the next transaction may begin.
EventKind ClientSession::State::Settled() {
  if (capabilities.mail_max != 0 && mails_sent >= capabilities.mail_max) {
    return Fail("the next hop takes no more messages on this connection (LIMITS MAILMAX)");
  }
  phase = Phase::kIdle;
  return EventKind::kReady;
}

// --- Replies
// --------------------------------------------------------------------------------------------

EventKind ClientSession::State::OnGreeting(bool more_input) {
  if (said().code != 220) return FailWith(said());
  if (more_input) return Fail("the server said more than its greeting");
  phase = Phase::kEhlo;
  Command("EHLO " + helo);
  return EventKind::kNeedInput;
}

EventKind ClientSession::State::OnEhlo() {
  uint16_t code = said().code;
  if (code == 250) {
    capabilities.esmtp = true;
    FinishCapabilities(&capabilities);
    return Settled();
  }
  capabilities = {};
  if (!said().permanent() || SaysNoMail(code)) return FailWith(said());
  phase = Phase::kHelo;
  Command("HELO " + helo);
  return EventKind::kNeedInput;
}

EventKind ClientSession::State::OnHelo() {
  return said().code == 250 ? Settled() : FailWith(said());
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

EventKind ClientSession::State::OnDataReply() {
  uint16_t code = said().code;
  if (code == 354) {
    if (accepted_count > 0) {
      phase = Phase::kBody;
      return EventKind::kSendBody;
    }
    phase = Phase::kCancel;
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
    EventKind event = OnDataReply();
    if (phase == Phase::kCancel && more_input)
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
    phase = Phase::kBody;
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
    case Phase::kGreeting:
      return OnGreeting(more_input);
    case Phase::kEhlo:
      return OnEhlo();
    case Phase::kHelo:
      return OnHelo();
    case Phase::kCommands:
      return OnCommandReply(more_input);
    case Phase::kBody:
      return OnEarlyReply();
    case Phase::kFinal:
      return OnFinalReply();
    case Phase::kCancel:
      return said().code == 421 ? FailWith(said()) : Finish(false);
    case Phase::kReset:
      return said().code == 250 ? Settled() : FailWith(said());
    case Phase::kIdle:
    case Phase::kSettled:
      // A 421 of a server that closes; nothing else may come unasked.
      return said().code == 421 ? FailWith(said()) : Fail("the server spoke without being asked");
    case Phase::kQuit:
    case Phase::kFailed:
      return FailWith(said());
  }
  return EventKind::kNeedInput;
}

// --- The public face
// ------------------------------------------------------------------------------------

ClientSession::ClientSession(std::string helo) {
  RP_CHECK(!helo.empty() && IsWireSafePath(helo, false));
  state_ = std::make_unique<State>(std::move(helo));
}
ClientSession::~ClientSession() = default;

EventKind ClientSession::Step(std::string_view* input) {
  State& s = *state_;
  if (s.pending != EventKind::kNeedInput) return std::exchange(s.pending, EventKind::kNeedInput);
  if (s.phase == Phase::kFailed) {
    *input = {};
    return EventKind::kFailed;
  }
  if (s.phase == Phase::kSettled && input->empty()) return s.Settled();
  while (true) {
    EventKind event = EventKind::kNeedInput;
    switch (s.parser.Next(input)) {
      case ReplyParser::Result::kNeedInput:
        return EventKind::kNeedInput;
      case ReplyParser::Result::kBroken:
        event = s.Fail(s.parser.error());
        break;
      case ReplyParser::Result::kLine:
      case ReplyParser::Result::kReply:
        if (s.trace) s.trace(s.trace_context, false, s.parser.line());
        if (s.phase == Phase::kEhlo && s.parser.lines() > 1) {
          AddCapability(s.parser.line().substr(std::min<size_t>(4, s.parser.line().size())),
                        &s.capabilities);
        }
        if (s.parser.complete()) event = s.OnReply(input);
        break;
    }
    if (event == EventKind::kFailed) *input = {};
    if (event != EventKind::kNeedInput) return event;
  }
}

void ClientSession::End(std::string_view why) {
  if (state_->phase == Phase::kFailed) return;
  state_->Fail(why);
}

bool ClientSession::ready() const { return state_->phase == Phase::kIdle; }

// Leaves out the recipients that cannot be sent, each with a reply of ours (RFC 9422 for the
// limits).
void ClientSession::State::ChooseRecipients() {
  std::optional<Reply> refused = RefuseMail(mail, capabilities);
  std::unordered_set<std::string> domains;
  for (uint32_t i = 0; i < mail.recipients.size(); ++i) {
    const Recipient& recipient = *mail.recipients[i];
    std::optional<Reply> reply = refused ? refused : RefuseRecipient(recipient, mail, capabilities);
    bool fits = capabilities.recipients_max == 0 || order.size() < capabilities.recipients_max;
    if (!reply && fits && capabilities.recipient_domains_max != 0) {
      std::string domain = ToLower(recipient.address.substr(recipient.address.rfind('@') + 1));
      fits = domains.contains(domain) || domains.size() < capabilities.recipient_domains_max;
      if (fits) domains.insert(std::move(domain));
    }
    if (!reply && !fits) {
      reply = Reply{
          452, {4, 5, 3}, "The next hop takes no more recipients in one transaction (LIMITS)"};
    }
    if (reply) {
      Settle(i, *reply);
    } else {
      order.push_back(i);
    }
  }
}

void ClientSession::Begin(const OutgoingMail& mail) {
  State& s = *state_;
  RP_CHECK(ready() && !mail.recipients.empty());
  size_t count = mail.recipients.size();
  s.mail = mail;
  s.outcome.in_doubt = false;
  s.outcome.recipients.resize(count);
  for (Reply& reply : s.outcome.recipients) {
    reply.code = 0;
    reply.enhanced = {};
    reply.text.clear();
  }
  s.accepted.assign(count, 0);
  s.order.clear();
  s.sent = s.answered = s.window = s.accepted_count = 0;
  s.mail_accepted = s.mail_refused = s.data_sent = s.bdat_begun = false;
  s.body_bytes = 0;
  s.bdat = s.WantsBdat();
  bool binary = mail.body == BodyType::kBinaryMime;
  s.stuffer.Reset(binary   ? DotStuffer::Mode::kBinary
                  : s.bdat ? DotStuffer::Mode::kLines
                           : DotStuffer::Mode::kDots);
  s.ChooseRecipients();
  if (s.order.empty()) {
    s.pending = s.Finish(false);
    return;
  }
  s.phase = Phase::kCommands;
  s.SendCommands();
}

void ClientSession::BodyPiece(Slice piece, SliceChain* out) {
  State& s = *state_;
  if (s.phase != Phase::kBody) return;
  s.body_bytes += piece.size();
  if (s.bdat && s.body_bytes > s.mail.size) {
    s.body_error = true;
    s.Fail("the message is longer than was said");
    return;
  }
  if (s.bdat && !s.bdat_begun) {
    s.bdat_begun = true;
    out->Append(BdatCommand(s.mail.size));
  }
  if (!s.stuffer.Append(piece, out)) {
    s.body_error = true;
    s.SettleAccepted(
        Reply{554, {5, 6, 11}, "The message has a CR or LF that is not part of a CRLF"});
    s.Fail("the message has a bare CR or LF");
  }
}

void ClientSession::BodyEnd(SliceChain* out) {
  State& s = *state_;
  if (s.phase != Phase::kBody) return;
  if (s.bdat && s.body_bytes != s.mail.size) {
    s.body_error = true;
    s.Fail("the message is shorter than was said");
    return;
  }
  if (!s.stuffer.ends_whole()) {
    s.body_error = true;
    s.SettleAccepted(Reply{554, {5, 6, 11}, "The message ends in a CR without LF"});
    s.Fail("the message has a bare CR or LF");
    return;
  }
  if (!s.bdat) {
    out->Append(Slice::Static(s.stuffer.at_line_start() ? ".\r\n" : "\r\n.\r\n"));
  } else if (!s.bdat_begun) {
    out->Append(BdatCommand(0));
  }
  s.phase = Phase::kFinal;
}

bool ClientSession::body_error() const { return state_->body_error; }

void ClientSession::Quit() {
  State& s = *state_;
  if (s.phase == Phase::kQuit) return;
  s.Command("QUIT");
  if (s.phase != Phase::kFailed) s.phase = Phase::kQuit;
  s.pending = EventKind::kNeedInput;
}

const Capabilities& ClientSession::capabilities() const { return state_->capabilities; }
ClientSession::Outcome& ClientSession::outcome() { return state_->outcome; }
const Reply& ClientSession::failure() const { return state_->failure; }
uint32_t ClientSession::transactions() const { return state_->transactions; }
std::string& ClientSession::output() { return state_->output; }

uint32_t ClientSession::timeout_seconds() const {
  const State& s = *state_;
  switch (s.phase) {
    case Phase::kGreeting:
      return limits::kClientGreetingSeconds;
    case Phase::kBody:
      return limits::kClientDataBlockSeconds;
    case Phase::kCancel:
    case Phase::kFinal:
      return limits::kClientFinalReplySeconds;
    case Phase::kCommands:
      if (s.answered >= s.commands()) return limits::kClientDataInitSeconds;
      return limits::kClientCommandSeconds;
    default:
      return limits::kClientCommandSeconds;
  }
}

std::string_view ClientSession::waiting_for() const {
  const State& s = *state_;
  switch (s.phase) {
    case Phase::kGreeting:
      return "greeting";
    case Phase::kEhlo:
      return "EHLO";
    case Phase::kHelo:
      return "HELO";
    case Phase::kBody:
      return "body";
    case Phase::kCancel:
    case Phase::kFinal:
      return "end of data";
    case Phase::kReset:
      return "RSET";
    case Phase::kQuit:
      return "QUIT";
    case Phase::kCommands:
      return s.answered == 0 ? "MAIL" : s.answered < s.commands() ? "RCPT" : "DATA";
    default:
      return "nothing";
  }
}

void ClientSession::SetTrace(void (*trace)(void* context, bool from_client, std::string_view line),
                             void* context) {
  state_->trace = trace;
  state_->trace_context = context;
}

}  // namespace ringpost::smtp
