// What an inbound connection answers to its session's questions.
#include <charconv>
#include <string>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/text.h"
#include "gateway/mail/trace_header.h"
#include "gateway/session/inbound_connection.h"
#include "gateway/session/inbound_rules.h"

namespace ringpost::session {
namespace {

// One more recipient, of whom nothing in the message tells, and nobody is told of.
void AddAuditCopy(const identity::CredentialSettings& settings, storage::StoredEnvelope* envelope) {
  if (settings.audit_copy.empty()) return;
  envelope->recipients.push_back({settings.audit_copy, "", smtp::kNotifyNever});
}

}  // namespace

bool InboundConnection::Handle(const smtp::ServerSession::Event& event, const Slice& slice,
                               bool* new_buffer) {
  using Kind = smtp::ServerSession::EventKind;
  switch (event.kind) {
    case Kind::kNeedInput:
      return true;
    case Kind::kMail:
      AnswerMail();
      return true;
    case Kind::kRecipient:
      AnswerRecipient();
      return true;
    case Kind::kData:
      AnswerData();
      return true;
    case Kind::kBody:
      RP_CHECK(message_ != nullptr);
      message_->Append(slice.Share(event.body), std::exchange(*new_buffer, false));
      return true;
    case Kind::kEndOfData:
      AnswerEndOfData();
      return true;
    case Kind::kReset:
      if (!event.body.empty()) TellDoomed(event.body);
      DropMessage();
      return true;
    case Kind::kXclient:
      TakeXclient();
      return true;
    case Kind::kAuthSalt:
    case Kind::kAuthPassword:
    case Kind::kAuthProof:
      AnswerLogin(event.kind);
      return true;
    case Kind::kStartTls:
      BeginStartTls();
      return false;
    case Kind::kClose:
      linger_ = linger_ || !session_.quit();
      Goodbye();
      return false;
  }
  return true;
}

void InboundConnection::AnswerLogin(smtp::ServerSession::EventKind question) {
  if (!host_->identity || !host_->identity->shared) {
    Refuse("AUTH", {454, {4, 7, 0}, "Nobody can be authenticated here now"});
    return;
  }
  if (!login_) {
    login_ = std::make_unique<InboundLogin>(host_, this, &session_, client_, policy_->name);
  }
  login_->Answer(question);
}

void InboundConnection::OnLoginAnswered() {
  Pump();
  AfterTurn(false);
}

const Login* InboundConnection::login() const {
  return login_ && session_.authenticated() ? login_->proven() : nullptr;
}

void InboundConnection::AnswerMail() {
  sender_.reset();
  auto refusal = RefuseMail(*host_, session_.envelope());
  if (!refusal) {
    refusal = IdentifySender(*host_, *policy_, client_, login(), &session_.envelope(), &sender_);
    if (policy_->takes_bounces) {
      if (!return_) return_ = std::make_unique<InboundReturn>(host_, this);
      return_->Begin(std::exchange(refusal, std::nullopt));
    }
  }
  if (!refusal) refusal = RefuseForRate(*host_, *policy_, sender_.get());
  if (refusal) {
    Count(Counter::kMessagesRefused);
    Refuse("MAIL", *refusal);
    return;
  }
  session_.Accept();
}

void InboundConnection::AnswerRecipient() {
  const std::string& address = session_.recipient().address;
  std::optional<smtp::Reply> refusal;
  if (return_) {
    InboundReturn::Taken taken = return_->Take(address);
    if (taken == InboundReturn::Taken::kLater) return;
    if (taken == InboundReturn::Taken::kRefused) {
      Refuse("RCPT", return_->refusal());
      return;
    }
    refusal = return_->RefuseOther();
  }
  if (!refusal) refusal = RefuseRecipient(*policy_, address);
  if (!refusal && sender_) refusal = RefuseRecipientOf(*sender_, address);
  if (!refusal) refusal = RefuseSuppressed(*host_, sender_.get(), address);
  if (!refusal && sender_) refusal = RefuseForQuota(*host_, sender_.get());
  if (refusal) {
    Refuse("RCPT", *refusal);
    return;
  }
  if (return_) return_->AcceptedOther();
  session_.Accept();
  // RFC 5321 section 4.5.1: "postmaster" without a domain is this host's.
  std::string& taken = session_.envelope().recipients.back().address;
  if (taken.find('@') == std::string::npos) taken.append("@").append(policy_->smtp.hostname);
}

void InboundConnection::OnReturnPathRead() {
  if (!session_.question_open()) return;  // the session has ended meanwhile
  auto refusal = return_->refusal().code != 0 ? std::optional(return_->refusal())
                                              : RefuseRecipient(*policy_, return_->sender());
  if (refusal) {
    Refuse("RCPT", *refusal);
  } else {
    return_->Accepted();
    session_.Accept();
    smtp::Recipient& taken = session_.envelope().recipients.back();
    taken.address = return_->sender();
    taken.orcpt.clear();
    taken.notify = smtp::kNotifyNever;
  }
  Pump();
  AfterTurn(false);
}

void InboundConnection::AnswerData() {
  if (auto refusal = RefuseData(*host_)) {
    Count(Counter::kMessagesRefused);
    Refuse("DATA", *refusal);
    return;
  }
  RP_CHECK(message_ == nullptr);
  bool bounce = return_ && return_->any();
  message_ = new InboundMessage(host_, this, bounce ? nullptr : sender_.get(), !bounce);
  if (bounce) message_->ReadAsBounce();
  session_.Accept();
}

void InboundConnection::AnswerEndOfData() {
  RP_CHECK(message_ != nullptr);
  const mail::HeaderSummary& headers = message_->Headers();
  auto refusal = RefuseHeaders(headers);
  bool bounce = return_ && return_->any();
  if (!refusal && sender_ && !bounce) refusal = RefuseFromOf(*sender_, headers);
  if (refusal) {
    Count(Counter::kMessagesRefused);
    Refuse("end of data", *refusal);
    // Answered: the message is not at the store, and nobody waits for it.
    if (message_) std::exchange(message_, nullptr)->Abandon();
    if (sender_) sender_->quota.GiveBack();
    return;
  }
  if (session_.saw_long_line()) Count(Counter::kLongLines);
  InboundMessage::Facts facts;
  facts.envelope = MakeEnvelope(headers);
  facts.helo = session_.helo();
  facts.client = client_.ToString();
  facts.protocol = session_.protocol();
  facts.listener = policy_->name;
  if (bounce) {
    facts.origins = return_->TakeOrigins();
    facts.bounce_classes = policy_->bounce_classes;
  }
  if (sender_ && !bounce) {
    facts.account = sender_->credential.account->name;
    facts.credential = sender_->credential.id;
    facts.quota = std::move(sender_->quota);
  }
  if (const Login* proven = login()) facts.login = proven->name;
  if (const tls::Connection* secured = stream_.tls()) facts.tls = secured->facts();
  facts.kernel_records = stream_.kernel_records();
  message_->Finish(std::move(facts));
}

storage::StoredEnvelope InboundConnection::MakeEnvelope(const mail::HeaderSummary& headers) {
  smtp::Envelope& from = session_.envelope();
  storage::StoredEnvelope to;
  to.received = host_->io().wall_now();
  to.deadline = to.received + policy_->message_lifetime;
  to.reverse_path = std::move(from.reverse_path);
  to.recipients.reserve(from.recipients.size());
  for (smtp::Recipient& recipient : from.recipients) {
    to.recipients.push_back(
        {std::move(recipient.address), std::move(recipient.orcpt), recipient.notify});
  }
  to.envid = std::move(from.envid);
  to.ret = static_cast<uint8_t>(from.ret);
  to.body_type = static_cast<uint8_t>(from.body);
  to.smtputf8 = from.smtputf8;
  to.require_tls = from.require_tls;
  to.body_8bit = session_.saw_8bit();
  to.header_8bit = headers.eight_bit_header;
  to.client = client_.ToString();
  if (return_ && return_->any()) {
    to.reverse_path.clear();
    to.envid = return_->envid();
    to.ret = 0;
    to.account = return_->account();
    // Senders may have addresses beyond ASCII; return paths have not.
    for (const auto& recipient : to.recipients) to.smtputf8 |= HasEighthBit(recipient.address);
  } else if (sender_) {
    const identity::Credential& credential = sender_->credential;
    to.account = credential.account->id;
    to.credential = credential.id;
    to.sandbox = credential.status == identity::CredentialStatus::kSandbox;
    if (credential.settings->deadline.count() > 0) {
      to.deadline = to.received + credential.settings->deadline;
    }
    to.bounces_to = credential.settings->bounces_to;
    to.bulk = credential.settings->lane == identity::Lane::kBulk;
  }
  mail::TraceInput trace;
  trace.helo = session_.helo();
  trace.client = client_;
  trace.hostname = policy_->smtp.hostname;
  trace.protocol = session_.protocol();
  trace.id = message_->id();
  if (const tls::Connection* secured = stream_.tls()) {
    trace.tls_version = secured->facts().version;
    trace.tls_cipher = secured->facts().cipher;
    trace.tls_in_kernel = !stream_.kernel_records().empty();
  }
  if (to.recipients.size() == 1) trace.single_recipient = to.recipients.front().address;
  trace.now = to.received;
  to.trace = mail::ReceivedField(trace) + mail::MissingFields(trace, headers);
  if (sender_ && !(return_ && return_->any())) AddAuditCopy(*sender_->credential.settings, &to);
  return to;
}

void InboundConnection::OnMessageRoom() {
  Pump();
  AfterTurn(true);
}

void InboundConnection::OnMessageSettled(const Status& status, std::optional<Durable> durable) {
  MessageId id = message_->id();
  message_ = nullptr;
  if (status.ok()) {
    session_.Queued(std::move(*durable), "queued as " + id.ToString());
  } else {
    Refuse("end of data", StoreTrouble(status));
  }
  Pump();
  AfterTurn(false);
}

void InboundConnection::TakeXclient() {
  login_.reset();
  const smtp::ServerSession::Xclient& said = session_.xclient();
  std::string_view text = said.address;
  if (StartsWithIgnoreCase(text, "IPv6:")) text.remove_prefix(5);
  std::optional<IpAddress> address = IpAddress::Parse(text);
  if (!address || *address == client_) return;
  client_ = *address;
  UpdateTrace();
  if (auto refusal = CountAddress()) session_.GreetWithRefusal(*refusal);
}

void InboundConnection::Refuse(std::string_view stage, const smtp::Reply& reply) {
  if (reply.code == 421) linger_ = true;
  LogRefusal(stage, reply.code, reply.text);
  session_.Refuse(reply);
}

// The body can't be taken, and the session will say so at its end: `reply` is "550 5.6.0 words".
void InboundConnection::TellDoomed(std::string_view reply) {
  Count(Counter::kMessagesRefused);
  int code = 0;
  std::from_chars(reply.data(), reply.data() + 3, code);
  // A literal of smtp/server_replies.h, with its CRLF.
  LogRefusal("body", code, reply.substr(4, reply.size() - 6));
}

void InboundConnection::LogRefusal(std::string_view stage, int code, std::string_view reason) {
  LogLine line(host_->io().wall_now(), "refused");
  line.Text("client", client_.ToString())
      .Text("listener", policy_->name)
      .Text("helo", session_.helo())
      .Text("stage", stage);
  if (session_.in_transaction()) line.Text("from", session_.envelope().reverse_path);
  if (stage == "RCPT") line.Text("to", session_.recipient().address);
  line.Number("code", code).Text("reason", reason).To(*host_->region->log);
}

}  // namespace ringpost::session
