// InboundLogin: AUTH of one inbound connection: answers what its session asks of a name, a password
// or a proof.
//
//   too soon? -> the record of the name: at hand, or read by a worker
//     -> its salt (SCRAM) | the password: known already, or verified by a worker, in its address's
//        turn (password_turns.h), at whose beginning it is asked again whether it is too soon
//     -> the proof (SCRAM) -> may the credential be used, and from here? -> it is the client's
//
// A name that nobody has goes the same way, with the record that UnknownNames has for it, to the
// same end as a wrong password. Only who has shown the password is told that the credential is
// blocked or may not be used from his address.
//
// What was found counts only while the directory is the one it was looked up in: where another came
// meanwhile, the record is read again, and what was verified holds only if it is still the same;
// where yet another came, 454. So who changes a password writes the record first and has every
// shard go over to a new version then: from there on the old one is worth nothing.
//
// A worker's job is an object of its own that may outlive the connection, and knows whether it is
// still there; InboundHost counts those that are out. A wrong password counts against its name and
// address whether or not the client has waited for the answer.
//
// Lifetime: its connection's; all it is given outlives it. It may be gone when
// InboundConnection::OnLoginAnswered returns. Threads: the shard's own, but for the jobs' work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/session/inbound_host.h"
#include "gateway/session/shard_identity.h"
#include "gateway/smtp/server_session.h"

namespace ringpost::session {

// Who a client has proven to be.
struct Login {
  uint32_t credential = 0;
  std::string name;  // as the directory has it
};

class InboundLogin {
 public:
  // `listener` is its name, for the log.
  InboundLogin(InboundHost* host, InboundConnection* connection, smtp::ServerSession* session,
               const IpAddress& client, std::string_view listener);
  ~InboundLogin();
  InboundLogin(const InboundLogin&) = delete;
  InboundLogin& operator=(const InboundLogin&) = delete;

  // kAuthSalt, kAuthPassword, kAuthProof: `session` is answered now, or later: then its connection
  // hears of it by OnLoginAnswered. host->identity is there, and its `shared`.
  void Answer(smtp::ServerSession::EventKind question);

  // Null: nobody. It counts only where the session is authenticated: of SCRAM, the client may still
  // refuse to believe us.
  const Login* proven() const { return proven_ ? &*proven_ : nullptr; }

 private:
  struct Job;
  // SCRAM, between the salt and the end.
  struct Scram {
    identity::PasswordRecord record;  // whose salt was given
    uint32_t credential;
    uint64_t version;
    uint32_t failures;  // that counted against it then
    tls::Digest signature{};
  };

  static void ReadRecord(WorkerPool::Job* job);
  static void VerifyPassword(WorkerPool::Job* job);
  static void JobBack(Posted* posted);

  ShardIdentity& identity() const { return *host_->identity; }
  std::string_view name() const { return session_->login().name(); }
  MonoTime now() const { return host_->io().now(); }
  std::string CacheKey() const;

  // False: it is too soon, and that was the answer.
  bool MayTry();
  void RefuseTooSoon(Millis wait);
  void FindRecord();
  void FindRecordAgain();
  std::unique_ptr<Job> NewJob(void (*work)(WorkerPool::Job*),
                              const identity::PasswordRecord& record);
  void Submit(std::unique_ptr<Job> job);
  void TakeBack(const Job& job);
  void OnRead(const Job& job);
  void OnVerified(const Job& job);
  static void EndTurn(ShardIdentity* identity, const IpAddress& client);
  void TurnCame();

  // Each with the record of the name as it is now.
  void OnRecord(const identity::PasswordRecord& record);
  void GiveSalt(const identity::PasswordRecord& record);
  void LookAtPassword(const identity::PasswordRecord& record);
  void ConfirmProof(const identity::PasswordRecord& record);

  void LookAtProof();
  void Succeed();
  void Fail();
  void Refuse(const smtp::Reply& reply, std::string_view reason);

  InboundHost* host_;
  InboundConnection* connection_;
  smtp::ServerSession* session_;
  IpAddress client_;
  std::string_view listener_;
  Job* job_ = nullptr;       // on its way
  bool waiting_ = false;     // for its turn
  uint32_t credential_ = 0;  // whose name it is, in the directory of now; or nobody's
  smtp::ServerSession::EventKind question_{};
  bool again_ = false;  // the record has been looked up a second time
  std::unique_ptr<Scram> scram_;
  std::optional<Login> proven_;
};

}  // namespace ringpost::session
