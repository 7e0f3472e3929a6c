#include "gateway/session/outbound_connection.h"

#include <errno.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"

namespace ringpost::session {

using EventKind = smtp::ClientSession::EventKind;

OutboundConnection::OutboundConnection(reactor::Io* io, Owner* owner, const Settings* settings,
                                       uint32_t site, const Endpoint& peer,
                                       const delivery::NextHop& hop, const dns::TlsaSet& tlsa)
    : io_(io),
      owner_(owner),
      settings_(settings),
      timeout_(
          [](reactor::Timer* timer) { static_cast<Timeout*>(timer)->connection->OnTimeout(); }),
      site_(site),
      peer_(peer),
      hop_name_(hop.ToString()),
      tls_name_(hop.host),
      tls_(hop.tls),
      dane_(tlsa.policy),
      implicit_tls_(hop.implicit_tls),
      credentials_(hop.credentials),
      deadline_(io->now() + Seconds(limits::kClientTransactionSecondsMax)) {
  timeout_.connection = this;
  // Records that cannot be used ask for TLS all the same (RFC 7672 section 2.2).
  bool dane = dane_ || tlsa.outcome == dns::TlsaSet::Outcome::kUnusable;
  if (dane) {
    tls_ = std::max(tls_, delivery::HopTls::kRequired);
    tls_name_ = tlsa.base_domain;  // RFC 7672 section 8.1
  }
  StartOver();
}

OutboundConnection::~OutboundConnection() = default;

// A stream and a session that know of nothing.
void OutboundConnection::StartOver() {
  using StartTls = smtp::ClientSession::StartTls;
  stream_.emplace(io_, this);
  session_.emplace(settings_->helo);
  session_->SetTrace(trace_, trace_context_);
  bool may_be_clear = tls_ == delivery::HopTls::kOpportunistic;
  if (!may_be_clear) {
    session_->UseStartTls(StartTls::kRequired);
  } else if (!in_clear_ && settings_->tls_any) {
    session_->UseStartTls(StartTls::kWhereOffered);
  }
  session_->UseAuth(credentials_);
  unsent_at_arming_ = 0;
  replies_seen_ = 0;
}

void OutboundConnection::SetTrace(TraceFn trace, void* context) {
  trace_ = trace;
  trace_context_ = context;
  session_->SetTrace(trace, context);
}

void OutboundConnection::Connect(const IpAddress* source) {
  Count(Counter::kOutboundConnections);
  has_source_ = source != nullptr;
  if (source) source_ = *source;
  stream_->Connect(peer_, source);
  io_->timers().Schedule(&timeout_, io_->now() + settings_->connect_timeout);
}

void OutboundConnection::Begin(const smtp::OutgoingMail& mail) {
  RP_CHECK(usable());
  if (transactions_ > 0) Count(Counter::kOutboundReused);
  resting_ = false;
  silent_ = true;
  deadline_ = io_->now() + Seconds(limits::kClientTransactionSecondsMax);
  session_->Begin(mail);
  // Where no recipient can be sent the session has its outcome at once.
  if (!pumping_ && session_->output().empty()) {
    PumpSoon();
    return;
  }
  Flush();
}

void OutboundConnection::SendPiece(const Slice& piece) {
  Count(Counter::kBodyBytesOut, piece.size());
  session_->BodyPiece(piece, &wire_);
}

void OutboundConnection::FlushBody() {
  sending_body_ = true;
  WriteWire();
  if (session_->body_error()) return;
  stream_->Flush();
  ArmTimeout();
}

void OutboundConnection::FinishBody() {
  session_->BodyEnd(&wire_);
  sending_body_ = false;
  WriteWire();
  if (session_->body_error()) return;
  Flush();
  ArmTimeout();
}

// A body that cannot be finished is not sent on: the session fails at its next step.
void OutboundConnection::WriteWire() {
  if (!session_->body_error()) {
    stream_->Write(wire_);
  } else if (!pumping_) {
    PumpSoon();
  }
  wire_.Clear();
}

// Steps the session from the loop, as if something had come.
void OutboundConnection::PumpSoon() {
  pump_soon_ = true;
  io_->timers().Schedule(&timeout_, io_->now());
}

void OutboundConnection::Reserve() {
  resting_ = false;
  timeout_.Cancel();
}

void OutboundConnection::Rest() {
  resting_ = true;
  ArmTimeout();
}

void OutboundConnection::Quit() {
  if (broken_ || quitting_) return;
  quitting_ = true;
  session_->Quit();
  Flush();
}

void OutboundConnection::Abort() {
  broken_ = true;
  timeout_.Cancel();
  stream_->Close();
}

void OutboundConnection::OnConnected(int error) {
  if (error == 0) {
    if (implicit_tls_) BeginTls();
    ArmTimeout();
    return;
  }
  failure_ = smtp::Reply();
  failure_.text = std::string("cannot connect: ") + std::strerror(-error);
  short_of_descriptors_ =
      error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
  Break();
}

// --- TLS

void OutboundConnection::BeginTls() {
  // Under DANE the records say who the server must be, whatever the context asks for; its ciphers
  // are then no reason to let mail wait.
  bool verified = !dane_ && verified_only();
  const auto& context = verified ? settings_->tls_verified : settings_->tls_any;
  if (!context) {
    Fail("this gateway has no TLS for next hops, and mail for this one must not leave in clear");
    return;
  }
  securing_ = true;
  const std::string peer = peer_.ToString() + " " + tls_name_;
  stream_->StartTls(dane_ ? tls::Connection::ConnectDane(context, dane_, peer)
                          : tls::Connection::Connect(context, tls_name_, peer),
                    settings_->kernel_records);
}

void OutboundConnection::OnSecured() {
  if (broken_ || !securing_) return;
  securing_ = false;
  Count(Counter::kTlsOut);
  TellTls(TlsOutcomeSeen::What::kSecured);
  session_->Secured(stream_->tls()->facts().verified);
  ArmTimeout();
  Flush();
}

// The kernel makes the records and cannot change their keys: what is in hand is carried out where
// its answer can be read, and the next goes over another connection.
void OutboundConnection::OnKeysSpent(bool readable) {
  if (broken_) return;
  keys_spent_ = true;
  if (readable && resting_) Quit();
}

// The handshake has failed. What is tried again in clear is a connection of its own: on this one
// nobody knows what the other side takes our bytes for.
void OutboundConnection::TlsFailed(std::string_view reason) {
  securing_ = false;
  Count(Counter::kTlsOutFailed);
  TellTls(TlsOutcomeSeen::What::kFailed, reason);
  if (tls_ != delivery::HopTls::kOpportunistic || implicit_tls_) {
    std::string words = "TLS with the next hop failed: " + std::string(reason);
    failure_ = smtp::Reply();
    failure_.text = std::move(words);
    Break();
    return;
  }
  Count(Counter::kTlsOutFallbacks);
  owner_->OnTlsFallback(this, reason);
  in_clear_ = retry_in_clear_ = true;
  timeout_.Cancel();
  stream_->Close();
}

void OutboundConnection::TellTls(TlsOutcomeSeen::What what, std::string_view reason) {
  if (std::exchange(tls_told_, true)) return;
  TlsOutcomeSeen seen{.what = what, .reason = reason};
  if (const tls::Connection* secured = stream_->tls()) seen.fault = secured->facts().fault;
  owner_->OnTlsOutcome(this, seen);
}

bool OutboundConnection::proven() const {
  const tls::Connection* secured = stream_->tls();
  return secured && secured->established() && secured->facts().verified;
}

std::string OutboundConnection::TlsWords() const {
  const tls::Connection* secured = stream_->tls();
  if (!secured || !secured->established()) return "";
  const tls::Connection::Facts& facts = secured->facts();
  std::string words(facts.version);
  words.append(" ").append(facts.cipher);
  if (facts.verified) words.append(" verified");
  if (facts.verified && facts.proof != tls::PeerProof::kPkix) words.append(" by DANE");
  std::string_view kernel = stream_->kernel_records();
  if (!kernel.empty()) words.append(", kernel: ").append(kernel);
  return words;
}

// --- Bytes and time

void OutboundConnection::OnReceive(Slice bytes) {
  if (broken_) return;
  silent_ = false;
  bool answers_quit = quitting_;
  Pump(bytes.view());
  if (answers_quit && !broken_) Abort();
}

void OutboundConnection::OnSent() {
  if (broken_) return;
  if (sending_body_) owner_->OnBodySent(this);
}

void OutboundConnection::OnEnd(int error) {
  if (broken_ || retry_in_clear_) return;
  if (securing_) {
    TlsFailed(error == -EPROTO ? stream_->tls_failure() : "the next hop hung up");
    return;
  }
  if (quitting_) {
    Abort();
    return;
  }
  if (error == -EPROTO) {
    Fail("TLS with the next hop broke: " + std::string(stream_->tls_failure()));
    return;
  }
  if (error == 0 && keys_spent_) {
    Fail("the next hop changed its TLS keys, which the kernel that reads them cannot follow");
    return;
  }
  Fail(error == 0 ? "the next hop closed the connection"
                  : std::string("the connection was lost: ") + std::strerror(-error));
}

void OutboundConnection::OnTimeout() {
  if (broken_) return;
  if (securing_ && !quitting_) {
    TlsFailed("no end of the handshake in time");
    return;
  }
  if (std::exchange(pump_soon_, false)) {
    Pump({});
    return;
  }
  if (resting_ && !quitting_) {
    Quit();
    return;
  }
  if (quitting_) {
    Abort();
    return;
  }
  bool leaving = stream_->unsent_bytes() < unsent_at_arming_;
  if (leaving && io_->now() < deadline_) {
    ArmTimeout();
    return;
  }
  if (stream_->open()) {
    Fail("time-out: no answer to " + std::string(session_->waiting_for()));
    return;
  }
  failure_ = smtp::Reply();
  failure_.text = "cannot connect: time-out";
  Break();
}

void OutboundConnection::Fail(std::string_view words) {
  session_->End(words);
  Pump({});
  if (broken_) return;
  failure_ = smtp::Reply();
  failure_.text = words;
  Break();
}

void OutboundConnection::Break() {
  broken_ = true;
  timeout_.Cancel();
  owner_->OnBroken(this);
  stream_->Close();
}

void OutboundConnection::Pump(std::string_view input) {
  pumping_ = true;
  for (bool more = true; more && !broken_;) {
    switch (session_->Step(&input)) {
      case EventKind::kNeedInput:
        more = false;
        break;
      case EventKind::kStartTls:
        BeginTls();
        more = false;
        break;
      case EventKind::kReady:
        if (!stream_->tls()) TellTls(TlsOutcomeSeen::What::kNotOffered);
        if (!greeted_) ready_at_ = io_->now();
        greeted_ = true;
        if (keys_spent_ && transactions_ > 0) {
          Quit();
        } else if (!quitting_) {
          owner_->OnReady(this);
        }
        break;
      case EventKind::kSendBody:
        owner_->OnBodyWanted(this);
        break;
      case EventKind::kDone:
        ++transactions_;
        owner_->OnTransactionDone(this);
        break;
      case EventKind::kFailed:
        sending_body_ = false;
        failure_ = session_->failure();
        more = false;
        if (!greeted_ && capabilities().esmtp && !capabilities().starttls && !stream_->tls()) {
          TellTls(TlsOutcomeSeen::What::kNotOffered);
        }
        if (quitting_) {
          Abort();
        } else if (session_->injected()) {
          TlsFailed(session_->failure().text);
        } else {
          Break();
        }
        break;
    }
  }
  pumping_ = false;
  if (broken_ || retry_in_clear_) return;
  // Bytes of a reply that does not end are no answer.
  if (session_->replies() != replies_seen_) ArmTimeout();
  Flush();
}

void OutboundConnection::Flush() {
  if (pumping_ || pump_soon_) return;  // Pump flushes once, when all has been said
  std::string& output = session_->output();
  if (!output.empty()) {
    stream_->WriteCopy(output);
    session_->ClearOutput();
    ArmTimeout();
  }
  stream_->Flush();
}

void OutboundConnection::ArmTimeout() {
  unsent_at_arming_ = stream_->unsent_bytes();
  replies_seen_ = session_->replies();
  Millis wait = Seconds(session_->timeout_seconds());
  if (quitting_) {
    wait = Seconds(limits::kClientQuitSeconds);
  } else if (resting_) {
    wait = settings_->idle_timeout;
  } else {
    if (settings_->command_timeout.count() > 0) {
      wait = std::min<Millis>(wait, settings_->command_timeout);
    }
    wait = std::min<Millis>(wait, deadline_ - io_->now());
  }
  io_->timers().Schedule(&timeout_, io_->now() + wait);
}

void OutboundConnection::OnClosed() {
  timeout_.Cancel();
  if (std::exchange(retry_in_clear_, false) && !broken_) {
    StartOver();
    Connect(has_source_ ? &source_ : nullptr);
    return;
  }
  owner_->OnClosed(this);
}

}  // namespace ringpost::session
