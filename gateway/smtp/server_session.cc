#include "gateway/smtp/server_session.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/wipe.h"
#include "gateway/smtp/server_replies.h"
#include "gateway/smtp/server_state.h"

namespace ringpost::smtp {

// --- The loop

ServerSession::Event ServerSession::State::Step(std::string_view* input) {
  RP_CHECK(greeted);
  if (question != Question::kNone) return {EventKind::kNeedInput, {}};
  if (greet_pending) Greet();
  while (true) {
    if (phase == Phase::kClosing) {
      input->remove_prefix(input->size());
      return {EventKind::kClose, {}};
    }
    if (phase == Phase::kStartingTls) return {EventKind::kNeedInput, {}};
    const bool chunk_whole = phase == Phase::kChunk && chunk_left == 0;
    if (input->empty() && !chunk_whole) return {EventKind::kNeedInput, {}};
    Event event{kNothing, {}};
    if (chunk_whole) {
      event = EndOfChunk();
    } else if (phase == Phase::kData) {
      event = ReadData(input);
    } else if (phase == Phase::kChunk) {
      event = ReadChunk(input);
    } else {
      event.kind = ReadCommand(input);
    }
    if (event.kind != kNothing) return event;
  }
}

// --- Command lines

ServerSession::EventKind ServerSession::State::ReadCommand(std::string_view* input) {
  std::string_view line;
  if (!TakeLine(input, &line)) return kNothing;
  const bool more = !input->empty();
  EventKind kind = phase == Phase::kAuth ? HandleResponse(line, more) : HandleLine(line, more);
  DropPartial();
  return kind;
}

// A line may hold a password, in AUTH or by mistake: nothing of it stays behind.
void ServerSession::State::KeepPartial(std::string_view bytes) {
  const size_t size = partial.size() + bytes.size();
  if (size > partial.capacity()) ReserveWiped(&partial, std::max(size, 2 * partial.capacity()));
  partial.append(bytes);
}

void ServerSession::State::DropPartial() {
  if (partial.empty()) return;
  WipeString(&partial);
  std::string().swap(partial);
}

// Takes bytes up to the next LF. True where they end a whole line, which `*line` is then, without
// its CRLF. Only CRLF ends a line; one with a bare LF or too many bytes is answered as soon as that
// is known, once, and dropped up to its CRLF. So one line has one reply, however the bytes come.
bool ServerSession::State::TakeLine(std::string_view* input, std::string_view* line) {
  const size_t lf = input->find('\n');
  const bool has_lf = lf != std::string_view::npos;
  std::string_view bytes = input->substr(0, has_lf ? lf + 1 : input->size());
  input->remove_prefix(bytes.size());
  const char before_lf = bytes.size() > 1  ? bytes[bytes.size() - 2]
                         : discarding      ? (discarded_cr ? '\r' : '\0')
                         : partial.empty() ? '\0'
                                           : partial.back();
  const bool ends = has_lf && before_lf == '\r';
  const bool was_discarding = discarding;
  if (!was_discarding) {
    const bool too_long = partial.size() + bytes.size() > limits::kCommandLineBytesMax;
    if (!too_long && (ends || !has_lf)) {
      if (ends && partial.empty()) {
        *line = bytes.substr(0, bytes.size() - 2);
        return true;
      }
      KeepPartial(bytes);
      *line = std::string_view(partial).substr(0, ends ? partial.size() - 2 : 0);
      return ends;
    }
    DropPartial();
    if (phase == Phase::kAuth) {
      FailAuth(too_long ? replies::kAuthLineTooLong : replies::kBareLf);
    } else {
      Error(too_long ? replies::kLineTooLong : replies::kBareLf);
    }
  }
  discarding = !ends;
  discarded_cr = bytes.back() == '\r';
  return false;
}

// --- The body

ServerSession::Event ServerSession::State::ReadData(std::string_view* input) {
  std::string_view piece;
  switch (transaction->stream.Next(input, &piece)) {
    case DataStream::Result::kNeedMore:
      return {kNothing, {}};
    case DataStream::Result::kPiece:
      return Content(piece);
    case DataStream::Result::kEnd:
      return EndOfBody();
  }
  return {kNothing, {}};
}

ServerSession::Event ServerSession::State::ReadChunk(std::string_view* input) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(input->size(), chunk_left));
  if (chunk_refusal) {
    input->remove_prefix(count);
    chunk_left -= count;
    return {kNothing, {}};
  }
  std::string_view part = input->substr(0, count);
  std::string_view piece;
  DataStream::Result result = transaction->stream.Next(&part, &piece);
  input->remove_prefix(count - part.size());
  chunk_left -= count - part.size();
  if (result != DataStream::Result::kPiece) return {kNothing, {}};
  return Content(piece);
}

ServerSession::Event ServerSession::State::EndOfChunk() {
  if (chunk_refusal) {
    phase = Phase::kCommand;
    std::unique_ptr<std::string> refusal = std::move(chunk_refusal);
    Say(*refusal);
    return {kNothing, {}};
  }
  std::string_view piece;
  if (chunk_last && transaction->stream.Finish(&piece)) return Content(piece);
  if (chunk_last || !Doom().empty()) return EndOfBody();
  phase = Phase::kCommand;
  Say(replies::kChunkOk);
  return {kNothing, {}};
}

// A piece of the body: passed on, unless the body can't be taken. Which piece shows that depends on
// how the bytes were cut; what is said of it at the end does not.
ServerSession::Event ServerSession::State::Content(std::string_view piece) {
  transaction->body_bytes += piece.size();
  if (transaction->doomed) return {kNothing, {}};
  const std::string_view doom = Doom();
  if (doom.empty()) return {EventKind::kBody, piece};
  transaction->doomed = true;
  return {EventKind::kReset, doom};
}

// Why the body can't be taken, as the reply to say at its end; nothing where it can.
std::string_view ServerSession::State::Doom() const {
  const DataStream& stream = transaction->stream;
  // RFC 1870 section 6.1 counts as body_bytes does: CRLFs yes, stuffed dots and the final one no.
  if (transaction->body_bytes > options->message_bytes_max) return replies::kTooBig;
  if (stream.bare_newline()) return replies::kBareNewline;
  if (stream.saw_nul()) return replies::kNulInBody;
  if (!options->strict) return {};
  if (stream.saw_8bit() && transaction->envelope.body == BodyType::k7Bit) {
    return replies::kUndeclared8bit;
  }
  if (stream.saw_long_line()) return replies::kLongLine;
  return {};
}

ServerSession::Event ServerSession::State::EndOfBody() {
  phase = Phase::kCommand;
  const std::string_view doom = Doom();
  if (doom.empty()) {
    question = Question::kEndOfData;
    return {EventKind::kEndOfData, {}};
  }
  const bool told = transaction->doomed;
  transaction.reset();
  Error(doom);
  return told ? Event{kNothing, {}} : Event{EventKind::kReset, doom};
}

// --- Saying

void ServerSession::State::Say(std::string_view lines) {
  const size_t from = output.size();
  output.append(lines);
  if (trace) TraceOutput(from);
}

void ServerSession::State::SayReply(const Reply& reply) {
  const size_t from = output.size();
  AppendReply(&output, reply);
  if (trace) TraceOutput(from);
}

void ServerSession::State::TraceOutput(size_t from) const {
  std::string_view said = std::string_view(output).substr(from);
  while (!said.empty()) {
    const size_t end = said.find("\r\n");
    trace(trace_context, false, said.substr(0, end));
    said.remove_prefix(end + 2);
  }
}

void ServerSession::State::Greet() {
  greeted = true;
  greet_pending = false;
  const size_t from = output.size();
  output.append("220 ").append(options->hostname).append(" ESMTP Ringpost\r\n");
  if (trace) TraceOutput(from);
}

void ServerSession::State::Close(std::string_view lines) {
  if (phase == Phase::kClosing) return;
  Say(lines);
  greeted = true;
  greet_pending = false;
  phase = Phase::kClosing;
  question = Question::kNone;
  sasl.reset();
  DropPartial();
}

void ServerSession::State::CloseWith(const Reply& reply) {
  std::string lines;
  AppendReply(&lines, reply);
  Close(lines);
}

// True where that was one too many: the session is closed then, and its 421 said.
bool ServerSession::State::TooManyErrors() {
  if (++errors <= limits::kSessionErrorsMax) return false;
  Close(replies::kTooManyErrors);
  return true;
}

bool ServerSession::State::TooMuchJunk() {
  if (++junk <= limits::kSessionJunkCommandsMax) return false;
  Close(replies::kTooMuchJunk);
  return true;
}

void ServerSession::State::Error(std::string_view lines) {
  if (!TooManyErrors()) Say(lines);
}

// --- The outside

ServerSession::ServerSession(const ServerOptions* options)
    : state_(std::make_unique<State>(options)) {
  static_assert(sizeof(State) <= 216, "the header says how much an idle session takes");
}

ServerSession::~ServerSession() = default;
ServerSession::ServerSession(ServerSession&&) noexcept = default;
ServerSession& ServerSession::operator=(ServerSession&&) noexcept = default;

void ServerSession::Greet() {
  RP_CHECK(!state_->greeted || state_->greet_pending);
  state_->Greet();
}

void ServerSession::GreetWithRefusal(const Reply& refusal) { state_->CloseWith(refusal); }

// RFC 3207 section 4.2: what was said before is forgotten. The counts of errors stay.
void ServerSession::Secured() {
  using Phase = State::Phase;
  RP_CHECK(!state_->secured && (!state_->greeted || state_->phase == Phase::kStartingTls));
  state_->secured = true;
  state_->phase = Phase::kCommand;
  state_->transaction.reset();
  std::string().swap(state_->helo);
  state_->esmtp = false;
  state_->authenticated = false;
}

void ServerSession::EarlyTalker() { state_->Close(replies::kEarlyTalker); }

void ServerSession::End(const Reply& reply) { state_->CloseWith(reply); }

ServerSession::Event ServerSession::Step(std::string_view* input) { return state_->Step(input); }

void ServerSession::Accept() {
  using Question = State::Question;
  Transaction* transaction = state_->transaction.get();
  switch (std::exchange(state_->question, Question::kNone)) {
    case Question::kMail:
      return state_->Say(replies::kSenderOk);
    case Question::kRecipient:
      transaction->envelope.recipients.push_back(std::move(transaction->candidate));
      return state_->Say(replies::kRecipientOk);
    case Question::kData: {
      const bool dotted = state_->phase != State::Phase::kChunk;
      transaction->body_begun = true;
      transaction->stream = DataStream(dotted, state_->options->normalise_bare_newlines);
      if (!dotted) return;
      state_->phase = State::Phase::kData;
      return state_->Say(replies::kGoAhead);
    }
    case Question::kAuthPassword:
      state_->OnSasl(state_->sasl->Accept());
      return;
    case Question::kEndOfData:
    case Question::kAuthSalt:
    case Question::kAuthProof:
    case Question::kNone:
      break;
  }
  RP_CHECK(!"Accept answers kMail, kRecipient, kData and kAuthPassword");
}

void ServerSession::Refuse(const Reply& reply) {
  using Question = State::Question;
  const Question question = std::exchange(state_->question, Question::kNone);
  RP_CHECK(question != Question::kNone);
  if (reply.code == 421) return state_->CloseWith(reply);
  if (state_->phase == State::Phase::kAuth) state_->EndAuth();
  if (question == Question::kRecipient) return state_->SayReply(reply);
  // A refused recipient is no error of the client's: lists have dead addresses. From here on the
  // whole transaction was refused, and that is one.
  state_->transaction.reset();
  if (reply.permanent() && state_->TooManyErrors()) return;
  if (state_->phase != State::Phase::kChunk) return state_->SayReply(reply);
  state_->chunk_refusal = std::make_unique<std::string>();
  AppendReply(state_->chunk_refusal.get(), reply);
}

void ServerSession::Queued(Durable durable, std::string_view words) {
  RP_CHECK(state_->question == State::Question::kEndOfData);
  [[maybe_unused]] const Durable spent = std::move(durable);
  state_->question = State::Question::kNone;
  state_->transaction.reset();
  state_->errors = 0;
  state_->junk = 0;
  state_->SayReply({250, {2, 0, 0}, std::string(words)});
}

void ServerSession::Challenge(std::string_view salt, uint32_t iterations, std::string_view nonce) {
  RP_CHECK(state_->question == State::Question::kAuthSalt);
  state_->question = State::Question::kNone;
  state_->OnSasl(state_->sasl->Challenge(salt, iterations, nonce));
}

void ServerSession::AcceptProof(std::string_view server_signature) {
  RP_CHECK(state_->question == State::Question::kAuthProof);
  state_->question = State::Question::kNone;
  state_->OnSasl(state_->sasl->AcceptProof(server_signature));
}

const SaslServer& ServerSession::login() const {
  RP_CHECK(state_->sasl);
  return *state_->sasl;
}

bool ServerSession::authenticated() const { return state_->authenticated; }

bool ServerSession::question_open() const { return state_->question != State::Question::kNone; }

Envelope& ServerSession::envelope() {
  RP_CHECK(state_->transaction);
  return state_->transaction->envelope;
}

const Recipient& ServerSession::recipient() const {
  RP_CHECK(state_->transaction);
  return state_->transaction->candidate;
}

uint64_t ServerSession::body_bytes() const {
  return state_->transaction ? state_->transaction->body_bytes : 0;
}

bool ServerSession::saw_long_line() const {
  return state_->transaction && state_->transaction->stream.saw_long_line();
}

bool ServerSession::saw_8bit() const {
  return state_->transaction && state_->transaction->stream.saw_8bit();
}

bool ServerSession::in_transaction() const {
  return state_->transaction && state_->question != State::Question::kMail;
}

bool ServerSession::receiving_body() const {
  return state_->phase == State::Phase::kData || state_->phase == State::Phase::kChunk;
}

bool ServerSession::quit() const { return state_->quit; }

std::string_view ServerSession::helo() const { return state_->helo; }

const ServerSession::Xclient& ServerSession::xclient() const {
  static const Xclient kNone;
  return state_->client ? *state_->client : kNone;
}

std::string_view ServerSession::protocol() const {
  constexpr std::string_view kUtf8[] = {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
  constexpr std::string_view kEsmtp[] = {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};
  const int which = (state_->secured ? 1 : 0) + (state_->authenticated ? 2 : 0);
  if (state_->transaction && state_->transaction->envelope.smtputf8) return kUtf8[which];
  return state_->esmtp ? kEsmtp[which] : "SMTP";
}

std::string& ServerSession::output() { return state_->output; }

void ServerSession::SetTrace(void (*trace)(void* context, bool from_client, std::string_view line),
                             void* context) {
  state_->trace = trace;
  state_->trace_context = context;
}

}  // namespace ringpost::smtp
