// The life of a connection: start, bytes in, bytes out, time, end. What it answers:
// inbound_answers.cc.
#include "gateway/session/inbound_connection.h"

#include <errno.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/session/inbound_rules.h"
#include "gateway/smtp/proxy_protocol.h"

namespace ringpost::session {
namespace {

const smtp::ServerOptions* OptionsFor(const ListenerPolicy& policy, const IpAddress& peer) {
  bool xclient = policy.xclient_peers && policy.xclient_peers->Contains(peer);
  return xclient ? &policy.smtp_xclient : &policy.smtp;
}

void TraceLine(void* context, bool from_client, std::string_view line) {
  static_cast<const InboundConnection*>(context)->Traced(from_client, line);
}

}  // namespace

InboundConnection::InboundConnection(InboundHost* host,
                                     std::shared_ptr<const ListenerPolicy> policy,
                                     const Endpoint& peer)
    : host_(host),
      policy_(std::move(policy)),
      stream_(host->region->io, this),
      session_(OptionsFor(*policy_, peer.address)),
      timer_([](reactor::Timer* timer) { static_cast<IdleTimer*>(timer)->connection->OnTimer(); }),
      client_(peer.address) {
  timer_.connection = this;
  next_ = host_->first;
  if (next_) next_->previous_ = this;
  host_->first = this;
  ++host_->connections;
  host_->shared->connections.fetch_add(1, std::memory_order_relaxed);
  if (policy_->connections) policy_->connections->fetch_add(1, std::memory_order_relaxed);
}

InboundConnection::~InboundConnection() {
  (previous_ ? previous_->next_ : host_->first) = next_;
  if (next_) next_->previous_ = previous_;
  --host_->connections;
  host_->shared->connections.fetch_sub(1, std::memory_order_relaxed);
  if (policy_->connections) policy_->connections->fetch_sub(1, std::memory_order_relaxed);
  UncountAddress();
}

// --- Start

void InboundConnection::Start(int fd, const std::optional<smtp::Reply>& refusal) {
  last_activity_ = host_->io().now();
  UpdateTrace();
  stream_.Adopt(fd);
  if (refusal) {
    RefuseConnection(*refusal);
    return;
  }
  if (policy_->proxy_peers && policy_->proxy_peers->Contains(client_)) {
    phase_ = Phase::kProxy;
    ArmTimer(Seconds(limits::kProxyHeaderSeconds));
    return;
  }
  BeginProtocol({});
}

void InboundConnection::RefuseConnection(const smtp::Reply& refusal) {
  Count(Counter::kConnectionsRefused);
  LogEvent("connection_refused", refusal.text);
  bool handshake_first = policy_->implicit_tls && stream_.tls() == nullptr;
  if (handshake_first || policy_->protocol == ListenerProtocol::kHttp) {
    // SMTP's words in clear text would be no answer to a client that waits for a handshake, or
    // speaks HTTP.
    phase_ = Phase::kClosing;
    stream_.Close();
    return;
  }
  session_.GreetWithRefusal(refusal);
  linger_ = true;
  Goodbye();
}

// The limit of connections per address is about the client, whoever passed it on by PROXY or
// XCLIENT.
std::optional<smtp::Reply> InboundConnection::CountAddress() {
  UncountAddress();
  uint32_t most = policy_->connections_per_address_max;
  if (most == 0) return std::nullopt;
  counted_ = true;
  counted_address_ = client_;
  if (host_->shared->addresses.Add(client_) <= most) return std::nullopt;
  return TooManyConnections(policy_->smtp.hostname, "from your address");
}

void InboundConnection::UncountAddress() {
  if (std::exchange(counted_, false)) host_->shared->addresses.Remove(counted_address_);
}

void InboundConnection::BeginGreeting(Millis waited) {
  if (auto refusal = CountAddress()) {
    RefuseConnection(*refusal);
    return;
  }
  if (Millis(policy_->greet_delay_ms) > waited) {
    phase_ = Phase::kGreetDelay;
    ArmTimer(Millis(policy_->greet_delay_ms) - waited);
    return;
  }
  Greet();
}

void InboundConnection::Greet() {
  phase_ = Phase::kSession;
  session_.Greet();
  SendOutput();
  last_activity_ = host_->io().now();
  ArmTimer(Seconds(policy_->command_timeout_seconds));
}

void InboundConnection::TakeProxyBytes(const Slice& bytes) {
  if (!backlog_) backlog_ = std::make_unique<InboundBacklog>();
  std::string& header = backlog_->opening;
  size_t before = header.size();
  header.append(bytes.view().substr(0, limits::kProxyHeaderBytesMax - before));
  smtp::ProxyHeader parsed = smtp::ParseProxyHeader(header);
  using State = smtp::ProxyHeader::State;
  bool full = header.size() >= limits::kProxyHeaderBytesMax;
  if (parsed.state == State::kMalformed || (parsed.state == State::kNeedMore && full)) {
    Count(Counter::kConnectionsRefused);
    LogEvent("connection_refused", "no valid PROXY header came first, as this listener expects");
    phase_ = Phase::kClosing;
    stream_.Close();
    return;
  }
  if (parsed.state == State::kNeedMore) return;
  RP_CHECK(parsed.consumed_bytes > before || before == 0);
  size_t used = parsed.consumed_bytes - before;
  backlog_.reset();
  if (parsed.source) {
    client_ = parsed.source->address;
    session_ = smtp::ServerSession(OptionsFor(*policy_, client_));  // XCLIENT is the client's right
  }
  UpdateTrace();
  Slice rest = bytes.Sub(used, bytes.size() - used);
  BeginProtocol(rest);
}

// --- TLS

// The 220 is the last thing said in clear. What came behind the command and before the handshake
// may be anybody's (CVE-2011-0411): with it the connection ends.
void InboundConnection::BeginStartTls() {
  DropMessage();
  login_.reset();
  if (backlog_) {
    Count(Counter::kTlsHandshakesFailed);
    LogEvent("tls_failed", "the client sent more behind STARTTLS without waiting for the answer");
    phase_ = Phase::kClosing;
    backlog_.reset();
    stream_.Close();
    return;
  }
  SendOutput();
  BeginHandshake({});
}

void InboundConnection::BeginHandshake(const Slice& first) {
  phase_ = Phase::kHandshake;
  if (std::exchange(paused_, false)) stream_.Resume();
  ArmTimer(Seconds(limits::kTlsHandshakeSeconds));
  bool http = policy_->implicit_tls && policy_->protocol != ListenerProtocol::kSmtp;
  stream_.StartTls(tls::Connection::Accept(policy_->tls, http), policy_->kernel_records, first);
}

void InboundConnection::OnSecured() {
  if (phase_ != Phase::kHandshake) return;  // it was given up meanwhile
  Count(Counter::kTlsHandshakes);
  if (stream_.tls()->facts().resumed) Count(Counter::kTlsResumed);
  if (SecuredIsHttp()) {
    HandOver();
    return;
  }
  session_.Secured();
  phase_ = Phase::kSession;
  last_activity_ = host_->io().now();
  if (policy_->implicit_tls) {
    BeginGreeting(Millis(0));
  } else {
    ArmTimer(Seconds(policy_->command_timeout_seconds));
  }
}

// The kernel makes the records and cannot change their keys (session/secure_stream.h). What is in
// hand is answered first; the client connects anew.
void InboundConnection::OnKeysSpent(bool readable) {
  if (phase_ != Phase::kSession) return;
  keys_spent_ = true;
  LogEvent("tls_keys_spent", "new keys are due, and the kernel that has the records takes none");
  bool waits = session_.question_open() || (backlog_ && readable);
  if (readable ? !waits && !session_.in_transaction() : !waits) {
    EndSession(KeysSpent(policy_->smtp.hostname), "the keys of the connection are used up");
  }
}

void InboundConnection::HandshakeFailed(std::string_view reason) {
  bool challenge = stream_.tls()->facts().challenge;
  Count(challenge ? Counter::kAcmeChallenges : Counter::kTlsHandshakesFailed);
  LogEvent(challenge ? "acme_challenge_shown" : "tls_failed", reason);
  phase_ = Phase::kClosing;
  stream_.Close();
}

// --- Bytes in

void InboundConnection::OnReceive(Slice bytes) {
  switch (phase_) {
    case Phase::kProxy:
      TakeProxyBytes(bytes);
      return;
    case Phase::kFirstWords:
      TakeFirstWords(std::move(bytes));
      return;
    case Phase::kGreetDelay:
      RefuseEarlyTalker();
      return;
    case Phase::kHandshake:  // the stream's: nothing comes here before OnSecured
    case Phase::kHandOver:   // ... or once it is released
    case Phase::kClosing:
      return;  // read and dropped, so that our last words are not lost to a reset
    case Phase::kSession:
      break;
  }
  bool body = session_.receiving_body();
  if (body) payload_bytes_ += bytes.size();
  if (backlog_ || !CanStep()) {
    KeepForLater(std::move(bytes), false);
    Pump();
  } else {
    Consume(bytes);
  }
  AfterTurn(body);
}

void InboundConnection::RefuseEarlyTalker() {
  LogEvent("early_talker", "the client spoke before the greeting");
  Count(Counter::kConnectionsRefused);
  session_.EarlyTalker();
  linger_ = true;
  Goodbye();
}

bool InboundConnection::CanStep() const {
  return phase_ == Phase::kSession && !session_.question_open() &&
         !(message_ && message_->blocked()) &&
         stream_.unsent_bytes() <= limits::kSessionUnsentBytesMax;
}

void InboundConnection::Consume(const Slice& slice) {
  std::string_view input = slice.view();
  bool new_buffer = true;
  while (CanStep()) {
    smtp::ServerSession::Event event = session_.Step(&input);
    if (event.kind == smtp::ServerSession::EventKind::kNeedInput) break;
    if (!Handle(event, slice, &new_buffer)) return;
  }
  if (!input.empty() && phase_ == Phase::kSession) KeepForLater(slice.Share(input), true);
}

void InboundConnection::KeepForLater(Slice slice, bool at_front) {
  if (!backlog_) backlog_ = std::make_unique<InboundBacklog>();
  backlog_->Keep(std::move(slice), at_front);
}

// Goes on after an answer, with what was kept meanwhile. A step without input lets the session say
// that it is over.
void InboundConnection::Pump() {
  while (CanStep()) {
    Slice slice;
    if (backlog_) {
      slice = backlog_->Take();
      if (backlog_->slices.empty()) backlog_.reset();
    }
    Consume(slice);
    if (!backlog_) break;
  }
}

void InboundConnection::AfterTurn(bool body_activity) {
  if (phase_ != Phase::kSession) return;
  if (session_.receiving_body() != in_payload_) {
    in_payload_ = !in_payload_;
    stream_.KeepBuffers(in_payload_);
    payload_started_ = host_->io().now();
    payload_bytes_ = 0;
  }
  if (body_activity || !session_.output().empty()) last_activity_ = host_->io().now();
  SendOutput();
  bool boundary = !session_.question_open() && !session_.in_transaction();
  if (host_->draining && boundary) {
    EndSession(ShuttingDown(policy_->smtp.hostname), "the gateway shuts down");
    return;
  }
  if (keys_spent_ && boundary) {
    EndSession(KeysSpent(policy_->smtp.hostname), "the keys of the connection are used up");
    return;
  }
  if (ended_ && !backlog_ && !session_.question_open()) {
    Goodbye();
    return;
  }
  bool full = (backlog_ && backlog_->bytes > limits::kSessionBacklogBytesMax) ||
              (message_ && message_->blocked());
  if (full != paused_) {
    paused_ = full;
    full ? stream_.Pause() : stream_.Resume();
    last_activity_ = host_->io().now();  // while it was paused it could not be heard
  }
}

// --- Bytes out

void InboundConnection::SendOutput() {
  std::string& output = session_.output();
  if (!output.empty()) {
    stream_.WriteCopy(output);
    output.clear();
    stream_.Flush();
  }
  // A session between transactions may stay so for long: it gives its buffer back.
  if (!session_.in_transaction() && output.capacity() > sizeof(std::string))
    std::string().swap(output);
}

void InboundConnection::OnSent() {
  if (phase_ == Phase::kClosing) {
    if (linger_ && !ended_) {
      ArmTimer(Millis(limits::kLingerMillis));
    } else {
      stream_.Close();
    }
    return;
  }
  if (phase_ != Phase::kSession) return;
  Pump();
  AfterTurn(false);
}

// --- End

void InboundConnection::OnEnd(int error) {
  ended_ = true;
  if (phase_ == Phase::kHandshake) {
    HandshakeFailed(error == -EPROTO ? stream_.tls_failure() : "the client hung up");
    return;
  }
  if (error == -EPROTO && phase_ == Phase::kSession) {
    LogEvent("session_ended", "broken TLS: " + std::string(stream_.tls_failure()));
  }
  if (error != 0) {
    phase_ = Phase::kClosing;
    DropMessage();
    login_.reset();
    stream_.Close();
    return;
  }
  if (phase_ == Phase::kClosing) {
    if (stream_.unsent_bytes() == 0) stream_.Close();
    return;
  }
  if (phase_ == Phase::kFirstWords) {
    EndFirstWords();
    if (phase_ == Phase::kClosing) return;
  }
  // A client that ended its direction after its last command still gets its replies.
  if (phase_ == Phase::kSession && (backlog_ || session_.question_open())) return;
  Goodbye();
}

void InboundConnection::OnClosed() {
  if (message_) DropMessage();
  Count(Counter::kConnectionsClosed);
  delete this;
}

void InboundConnection::EndSession(const smtp::Reply& reply, std::string_view reason) {
  LogEvent("session_ended", reason);
  session_.End(reply);
  linger_ = true;
  Goodbye();
}

// What the session said last leaves, then the connection closes; a peer that does not read is not
// waited for.
void InboundConnection::Goodbye() {
  phase_ = Phase::kClosing;
  backlog_.reset();
  DropMessage();
  login_.reset();
  if (!session_.output().empty()) stream_.WriteCopy(session_.output());
  session_.output().clear();
  stream_.WriteEnd();
  stream_.Flush();
  if (paused_) stream_.Resume();
  paused_ = false;
  if (stream_.unsent_bytes() == 0) {
    stream_.Close();
    return;
  }
  ArmTimer(Seconds(limits::kGoodbyeSeconds));
}

void InboundConnection::DropMessage() {
  if (sender_) sender_->quota.GiveBack();
  if (!message_) return;
  InboundMessage* message = std::exchange(message_, nullptr);
  if (session_.question_open()) {
    message->Leave();
  } else {
    message->Abandon();
  }
}

void InboundConnection::BeginDrain() {
  if (phase_ == Phase::kProxy || phase_ == Phase::kGreetDelay || phase_ == Phase::kFirstWords) {
    RefuseConnection(ShuttingDown(policy_->smtp.hostname));
  } else if (phase_ == Phase::kHandshake) {
    HandshakeFailed("the gateway shuts down");
  } else {
    CloseIdle(ShuttingDown(policy_->smtp.hostname));
  }
}

void InboundConnection::CloseIdle(const smtp::Reply& reply) {
  bool idle = phase_ == Phase::kSession && !backlog_ && !session_.question_open() &&
              !session_.in_transaction();
  if (idle) EndSession(reply, reply.text);
}

// --- Time

void InboundConnection::ArmTimer(Millis after) {
  host_->io().timers().Schedule(&timer_, host_->io().now() + after);
}

void InboundConnection::OnTimer() {
  switch (phase_) {
    case Phase::kProxy:
      Count(Counter::kConnectionsRefused);
      LogEvent("connection_refused", "the PROXY header did not come in time");
      phase_ = Phase::kClosing;
      stream_.Close();
      return;
    case Phase::kHandshake:
      HandshakeFailed("the handshake did not end in time");
      return;
    case Phase::kFirstWords:
      EndFirstWords();
      return;
    case Phase::kGreetDelay:
      Greet();
      return;
    case Phase::kSession:
      CheckDeadlines();
      return;
    case Phase::kHandOver:
    case Phase::kClosing:
      stream_.Close();
      return;
  }
}

void InboundConnection::CheckDeadlines() {
  MonoTime now = host_->io().now();
  Millis timeout = Seconds(policy_->command_timeout_seconds);
  if (session_.question_open() || (message_ && message_->blocked())) {  // it is we who are slow
    last_activity_ = now;
    ArmTimer(timeout);
    return;
  }
  const std::string& hostname = policy_->smtp.hostname;
  if (now - last_activity_ >= timeout) {
    EndSession(TooSlow(hostname, "nothing complete came for " +
                                     std::to_string(policy_->command_timeout_seconds) + " seconds"),
               "time-out");
    return;
  }
  if (DataTooSlow(now)) {
    EndSession(TooSlow(hostname, "the message comes too slowly. Send it over a faster connection"),
               "the message came too slowly");
    return;
  }
  Millis wait = last_activity_ + timeout - now;
  if (message_ || in_payload_) wait = std::min<Millis>(wait, Seconds(limits::kDataGraceSeconds));
  ArmTimer(wait);
}

// A message counts from DATA or its first BDAT on; a payload that is read to be refused, by itself.
bool InboundConnection::DataTooSlow(MonoTime now) const {
  if (paused_ || (!message_ && !in_payload_)) return false;
  Millis elapsed = now - (message_ ? message_->started() : payload_started_);
  if (elapsed >= Seconds(limits::kDataPhaseSecondsMax)) return true;
  if (elapsed < Seconds(limits::kDataGraceSeconds)) return false;
  uint64_t wanted =
      policy_->data_bytes_per_second_min * static_cast<uint64_t>(elapsed.count()) / 1000;
  return (message_ ? session_.body_bytes() : payload_bytes_) < wanted;
}

// --- Watching

void InboundConnection::UpdateTrace() {
  bool traced = host_->traced(client_);
  session_.SetTrace(traced ? TraceLine : nullptr, traced ? this : nullptr);
}

void InboundConnection::Traced(bool from_client, std::string_view line) const {
  if (!host_->trace) return;
  std::string text = client_.ToString();
  text.append(from_client ? " C: " : " S: ").append(line);
  host_->trace(text);
}

void InboundConnection::LogEvent(std::string_view event, std::string_view reason) const {
  LogLine(host_->io().wall_now(), event)
      .Text("client", client_.ToString())
      .Text("listener", policy_->name)
      .Text("helo", session_.helo())
      .Text("reason", reason)
      .To(*host_->region->log);
}

}  // namespace ringpost::session
