// InboundConnection: one TCP connection of a client: joins an smtp::ServerSession to a Stream.
//
//   accepted -> (PROXY header, from peers on that list) -> (implicit TLS: handshake)
//     -> (SMTP or HTTP? see protocol_choice.h; HTTP: handed over, and gone from here)
//     -> (greet delay) -> session -> (STARTTLS: handshake -> session) -> closing
//
// It feeds received slices to the session, answers the session's questions (inbound_rules.h), gives
// body pieces to an InboundMessage, sends what the session says once per slice, and keeps the
// time-outs. While a question is open, or the peer does not read our replies, what comes is kept
// (bounded, then the stream is paused). A message whose commit is in flight outlives the
// connection.
//
// Time-outs use one timer that is not moved at every packet: when it fires it looks at the last
// activity and sleeps on. The command time-out counts from the last whole command, so that dripping
// bytes of one does not extend it; a body has a time-out between bytes, a least rate, and a time in
// all.
//
// Memory: an idle connection is this object and the session's few hundred bytes; the rest exists
// while used.
//
// Lifetime: made with new by the InboundService, on whose list it is; it deletes itself in
// OnClosed or OnHandedOver. Threads: the shard's own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "gateway/session/inbound_backlog.h"
#include "gateway/session/inbound_host.h"
#include "gateway/session/inbound_login.h"
#include "gateway/session/inbound_message.h"
#include "gateway/session/inbound_return.h"
#include "gateway/session/inbound_sender.h"
#include "gateway/session/secure_stream.h"
#include "gateway/smtp/server_session.h"

namespace ringpost::session {

class InboundConnection final : public SecureStreamHandler {
 public:
  InboundConnection(InboundHost* host, std::shared_ptr<const ListenerPolicy> policy,
                    const Endpoint& peer);
  InboundConnection(const InboundConnection&) = delete;
  InboundConnection& operator=(const InboundConnection&) = delete;

  // `refusal`: the connection is told that and closed.
  void Start(int fd, const std::optional<smtp::Reply>& refusal);
  // 421 now where no transaction is in hand, else once it is over.
  void BeginDrain();
  // 421 now where the session is idle.
  void CloseIdle(const smtp::Reply& reply);
  void Abort() { stream_.Close(); }
  // Looks anew whether this client is traced.
  void UpdateTrace();

  // From the message: a chunk is stored, pieces may come again.
  void OnMessageRoom();
  // From the message: the commit's answer. The message is on its own from here.
  void OnMessageSettled(const Status& status, std::optional<Durable> durable);

  // From the login: the session has its answer.
  void OnLoginAnswered();
  // From the return path: the store has said whose message it names.
  void OnReturnPathRead();

  // From the session: a command or a reply as it passes.
  void Traced(bool from_client, std::string_view line) const;

  InboundConnection* next() const { return next_; }

 private:
  enum class Phase : uint8_t {
    kProxy,
    kHandshake,
    kFirstWords,  // in clear: does it speak HTTP?
    kHandOver,
    kGreetDelay,
    kSession,
    kClosing
  };
  struct IdleTimer : reactor::Timer {
    using Timer::Timer;
    InboundConnection* connection = nullptr;
  };

  ~InboundConnection();

  void OnConnected(int) override {}
  void OnSecured() override;
  void OnKeysSpent(bool readable) override;
  void OnReceive(Slice bytes) override;
  void OnSent() override;
  void OnEnd(int error) override;
  void OnClosed() override;
  void OnHandedOver(int fd, std::unique_ptr<tls::Connection> tls, std::string received) override;

  void TakeProxyBytes(const Slice& bytes);
  void RefuseConnection(const smtp::Reply& refusal);
  void BeginStartTls();
  // `first`: what came behind the PROXY header.
  void BeginHandshake(const Slice& first);
  void HandshakeFailed(std::string_view reason);
  // `waited`: for the client's first words, already.
  void BeginGreeting(Millis waited);
  void RefuseEarlyTalker();
  // The refusal where the client has too many connections.
  std::optional<smtp::Reply> CountAddress();
  void UncountAddress();
  void Greet();

  // inbound_protocol.cc
  void BeginProtocol(const Slice& first);
  void TakeFirstWords(Slice bytes);
  void EndFirstWords();
  bool SecuredIsHttp() const;
  void HandOver();

  bool CanStep() const;
  void Consume(const Slice& slice);
  // False: the session is over.
  bool Handle(const smtp::ServerSession::Event& event, const Slice& slice, bool* new_buffer);
  void Pump();
  void KeepForLater(Slice slice, bool at_front);
  void AfterTurn(bool body_activity);
  void SendOutput();

  void AnswerLogin(smtp::ServerSession::EventKind question);
  // Who the client has proven to be; null: nobody.
  const Login* login() const;
  void AnswerMail();
  void AnswerRecipient();
  void AnswerData();
  void AnswerEndOfData();
  void TakeXclient();
  void Refuse(std::string_view stage, const smtp::Reply& reply);
  void TellDoomed(std::string_view reply);
  void LogRefusal(std::string_view stage, int code, std::string_view reason);
  void DropMessage();
  storage::StoredEnvelope MakeEnvelope(const mail::HeaderSummary& headers);

  void EndSession(const smtp::Reply& reply, std::string_view reason);
  void Goodbye();
  void ArmTimer(Millis after);
  void OnTimer();
  void CheckDeadlines();
  bool DataTooSlow(MonoTime now) const;
  void LogEvent(std::string_view event, std::string_view reason) const;

  InboundHost* host_;
  InboundConnection* previous_ = nullptr;
  InboundConnection* next_ = nullptr;
  std::shared_ptr<const ListenerPolicy> policy_;
  SecureStream stream_;
  smtp::ServerSession session_;
  IdleTimer timer_;
  MonoTime last_activity_;
  MonoTime payload_started_;  // where in_payload_: since when, and how much has come
  uint64_t payload_bytes_ = 0;
  InboundMessage* message_ = nullptr;        // deletes itself
  std::unique_ptr<InboundBacklog> backlog_;  // null: nothing waits
  std::unique_ptr<InboundLogin> login_;      // from the first AUTH on
  std::unique_ptr<InboundReturn> return_;    // null: the listener takes no bounces
  // Of the transaction, from MAIL on; null: the operator's own, a bounce, or there is none.
  std::unique_ptr<InboundSender> sender_;
  IpAddress client_;
  IpAddress counted_address_;  // in the shared counts, where counted_
  Phase phase_ = Phase::kSession;
  bool counted_ = false;
  bool in_payload_ = false;  // the text of DATA or BDAT is on its way, wanted or not
  bool paused_ = false;
  bool keys_spent_ = false;  // the connection ends once no transaction is in hand
  bool ended_ = false;       // the peer sends no more
  bool linger_ = false;      // the end is ours: read what still comes for a moment
};

}  // namespace ringpost::session
