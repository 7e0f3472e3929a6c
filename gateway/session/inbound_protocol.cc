// Which protocol a connection is (protocol_choice.h), and its way to the HTTP side.
#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/session/inbound_connection.h"
#include "gateway/session/inbound_rules.h"

namespace ringpost::session {

// Behind the PROXY header, where there is one; `first`: what came behind it.
void InboundConnection::BeginProtocol(const Slice& first) {
  if (policy_->implicit_tls) {
    BeginHandshake(first);
    return;
  }
  switch (policy_->protocol) {
    case ListenerProtocol::kSmtp:
      phase_ = Phase::kSession;
      BeginGreeting(Millis(0));
      break;
    case ListenerProtocol::kHttp:
      if (!first.empty()) KeepForLater(first, false);
      HandOver();
      return;
    case ListenerProtocol::kAuto:
      phase_ = Phase::kFirstWords;
      ArmTimer(Millis(limits::kHttpFirstMillis));
      break;
  }
  if (!first.empty()) OnReceive(first);
}

void InboundConnection::TakeFirstWords(Slice bytes) {
  if (!backlog_) backlog_ = std::make_unique<InboundBacklog>();
  std::string& words = backlog_->opening;
  words.append(bytes.view().substr(0, kFirstWordsBytes - std::min(words.size(), kFirstWordsBytes)));
  FirstWords what = LookAtFirstWords(words);
  KeepForLater(std::move(bytes), false);
  if (what == FirstWords::kHttp) {
    HandOver();
  } else if (what == FirstWords::kNotHttp) {
    EndFirstWords();
  }
}

// It is SMTP: nobody spoke HTTP in time.
void InboundConnection::EndFirstWords() {
  if (backlog_ && policy_->greet_delay_ms > 0) {
    RefuseEarlyTalker();
    return;
  }
  BeginGreeting(Millis(limits::kHttpFirstMillis));
  if (phase_ != Phase::kSession || !backlog_) return;
  Pump();
  AfterTurn(false);
}

// From inside OnSecured: nothing but the handshake has been on this connection.
bool InboundConnection::SecuredIsHttp() const {
  if (!policy_->implicit_tls || policy_->protocol == ListenerProtocol::kSmtp) return false;
  return policy_->protocol == ListenerProtocol::kHttp ||
         MeansHttp(stream_.tls()->application_protocol(), stream_.tls()->requested_name(),
                   policy_->http_names);
}

void InboundConnection::HandOver() {
  phase_ = Phase::kHandOver;
  ArmTimer(Seconds(limits::kGoodbyeSeconds));  // for what is still being sent
  stream_.Release();
}

void InboundConnection::OnHandedOver(int fd, std::unique_ptr<tls::Connection> tls,
                                     std::string received) {
  HandedOver connection(fd);
  connection.tls = std::move(tls);
  if (backlog_) {
    for (const Slice& slice : backlog_->slices) connection.received.append(slice.view());
  }
  connection.received.append(received);
  connection.client = client_;
  connection.listener = policy_->name;
  connection.log = host_->region->log;
  bool small = connection.received.size() <= limits::kHandOverBytesMax;
  Count(Counter::kConnectionsHandedOver);
  if (!small || !host_->shared->http || !host_->shared->http->Take(&connection)) {
    host_->io().Close(connection.TakeFd());
    Count(Counter::kConnectionsRefused);
    LogEvent("connection_refused", small ? "there are too many HTTP connections"
                                         : "too much came before the first request was looked at");
  }
  Count(Counter::kConnectionsClosed);
  delete this;
}

}  // namespace ringpost::session
