#include "gateway/smtp/client_session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/smtp/capabilities.h"
#include "gateway/smtp/client_commands.h"
#include "gateway/smtp/client_state.h"

namespace ringpost::smtp {
namespace {

Slice BdatCommand(uint64_t size) {
  std::string command = "BDAT " + std::to_string(size) + " LAST\r\n";
  Slice slab = Slice::NewSlab(command.size());
  std::memcpy(slab.mutable_data(), command.data(), command.size());
  return slab;
}

}  // namespace

using EventKind = ClientSession::EventKind;

ClientSession::ClientSession(std::string helo) {
  RP_CHECK(!helo.empty() && IsWireSafePath(helo, false));
  state_ = std::make_unique<State>(std::move(helo));
}
ClientSession::~ClientSession() = default;

EventKind ClientSession::Step(std::string_view* input) {
  State& s = *state_;
  if (s.pending != EventKind::kNeedInput) return std::exchange(s.pending, EventKind::kNeedInput);
  if (s.phase == ClientPhase::kFailed) {
    *input = {};
    return EventKind::kFailed;
  }
  if (s.phase == ClientPhase::kHandshaking) return EventKind::kNeedInput;
  if (s.phase == ClientPhase::kSettled && input->empty()) return s.Settled(false);
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
        if (s.phase == ClientPhase::kEhlo && s.parser.lines() > 1) {
          AddCapability(s.parser.line().substr(std::min<size_t>(4, s.parser.line().size())),
                        &s.capabilities);
        }
        if (s.parser.complete()) {
          ++s.replies;
          event = s.OnReply(input);
        }
        break;
    }
    if (event == EventKind::kFailed) *input = {};
    if (event != EventKind::kNeedInput) return event;
  }
}

void ClientSession::UseStartTls(StartTls mode) { state_->starttls = mode; }

void ClientSession::UseAuth(std::shared_ptr<const Credentials> credentials) {
  state_->credentials = std::move(credentials);
}

void ClientSession::Secured(bool verified) {
  State& s = *state_;
  if (s.phase == ClientPhase::kFailed) return;
  RP_CHECK(!s.secured &&
           (s.phase == ClientPhase::kHandshaking || s.phase == ClientPhase::kGreeting));
  s.secured = true;
  s.verified = verified;
  if (s.phase == ClientPhase::kGreeting) return;
  s.capabilities = {};
  s.phase = ClientPhase::kEhlo;
  s.Command("EHLO " + s.helo);
}

void ClientSession::End(std::string_view why) {
  if (state_->phase == ClientPhase::kFailed) return;
  state_->Fail(why);
}

uint32_t ClientSession::replies() const { return state_->replies; }

bool ClientSession::ready() const { return state_->phase == ClientPhase::kIdle; }

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
  s.phase = ClientPhase::kCommands;
  s.SendCommands();
}

void ClientSession::State::Write(const Slice& piece, SliceChain* out) {
  if (!stuffer.Append(piece, out)) RefuseBody();
}

void ClientSession::State::RefuseBody() {
  body_error = true;
  SettleAccepted(Reply{554, {5, 6, 0}, "The message has a CR or LF that is not part of a CRLF"});
  Fail("the message has a bare CR or LF");
}

void ClientSession::BodyPiece(const Slice& piece, SliceChain* out) {
  State& s = *state_;
  if (s.phase != ClientPhase::kBody || piece.empty()) return;
  s.body_bytes += piece.size();
  if (!s.bdat) {
    s.Write(piece, out);
    return;
  }
  if (s.body_bytes > s.mail.size) {
    s.body_error = true;
    s.Fail("the message is longer than was said");
    return;
  }
  if (!s.bdat_begun) {
    s.bdat_begun = true;
    out->Append(BdatCommand(s.mail.size));
  }
  // The byte that completes the count waits for BodyEnd: until then it is not known that nothing
  // follows, and with it the server would have a whole message.
  size_t now = piece.size() - (s.body_bytes == s.mail.size ? 1 : 0);
  s.Write(piece.Sub(0, now), out);
  if (now < piece.size()) s.last_byte = piece.Sub(now, 1);
}

void ClientSession::BodyEnd(SliceChain* out) {
  State& s = *state_;
  if (s.phase != ClientPhase::kBody) return;
  if (s.bdat && s.body_bytes != s.mail.size) {
    s.body_error = true;
    s.Fail("the message is shorter than was said");
    return;
  }
  if (s.bdat && !s.bdat_begun) out->Append(BdatCommand(0));
  if (s.bdat) s.Write(std::exchange(s.last_byte, Slice()), out);
  if (!s.stuffer.ends_whole()) s.RefuseBody();
  if (s.body_error) return;
  if (!s.bdat) out->Append(Slice::Static(s.stuffer.at_line_start() ? ".\r\n" : "\r\n.\r\n"));
  s.phase = ClientPhase::kFinal;
}

bool ClientSession::body_error() const { return state_->body_error; }

void ClientSession::Quit() {
  State& s = *state_;
  if (s.phase == ClientPhase::kQuit) return;
  s.Command("QUIT");
  if (s.phase != ClientPhase::kFailed) s.phase = ClientPhase::kQuit;
  s.pending = EventKind::kNeedInput;
}

const Capabilities& ClientSession::capabilities() const { return state_->capabilities; }
ClientSession::Outcome& ClientSession::outcome() { return state_->outcome; }
bool ClientSession::injected() const { return state_->injected; }
bool ClientSession::auth_refused() const { return state_->auth_refused; }
const Reply& ClientSession::failure() const { return state_->failure; }
uint32_t ClientSession::transactions() const { return state_->transactions; }
std::string& ClientSession::output() { return state_->output; }

void ClientSession::ClearOutput() {
  if (std::exchange(state_->secret_in_output, false)) WipeString(&state_->output);
  state_->output.clear();
}

uint32_t ClientSession::timeout_seconds() const {
  const State& s = *state_;
  switch (s.phase) {
    case ClientPhase::kGreeting:
      return limits::kClientGreetingSeconds;
    case ClientPhase::kHandshaking:
      return limits::kTlsHandshakeSeconds;
    case ClientPhase::kBody:
      return limits::kClientDataBlockSeconds;
    case ClientPhase::kCancel:
    case ClientPhase::kFinal:
      return limits::kClientFinalReplySeconds;
    case ClientPhase::kCommands:
      if (s.answered >= s.commands()) return limits::kClientDataInitSeconds;
      return limits::kClientCommandSeconds;
    default:
      return limits::kClientCommandSeconds;
  }
}

std::string_view ClientSession::waiting_for() const {
  const State& s = *state_;
  switch (s.phase) {
    case ClientPhase::kGreeting:
      return "greeting";
    case ClientPhase::kEhlo:
      return "EHLO";
    case ClientPhase::kStartTls:
      return "STARTTLS";
    case ClientPhase::kHandshaking:
      return "the TLS handshake";
    case ClientPhase::kHelo:
      return "HELO";
    case ClientPhase::kAuth:
      return "AUTH";
    case ClientPhase::kBody:
      return "body";
    case ClientPhase::kCancel:
    case ClientPhase::kFinal:
      return "end of data";
    case ClientPhase::kReset:
      return "RSET";
    case ClientPhase::kQuit:
      return "QUIT";
    case ClientPhase::kCommands:
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
