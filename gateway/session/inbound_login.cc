#include "gateway/session/inbound_login.h"

#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/decision.h"
#include "gateway/session/inbound_connection.h"

namespace ringpost::session {
namespace {

using identity::PasswordRecord;
using smtp::Reply;
using Question = smtp::ServerSession::EventKind;

constexpr uint32_t kNobody = UINT32_MAX;  // no credential has this number

Reply TooSoon(Millis wait) {
  const int64_t seconds = (wait.count() + 999) / 1000;
  return {454,
          {4, 7, 0},
          "Too many logins have failed for this name or from this address. Try again in " +
              std::to_string(seconds) + (seconds == 1 ? " second" : " seconds")};
}

Reply WorkersFull() {
  return {454,
          {4, 7, 0},
          "Too many passwords are being verified at this moment. Try again in a minute"};
}

Reply OurTrouble() {
  return {454, {4, 7, 0}, "The password cannot be verified at the moment. Try again later"};
}

Reply ChangedMeanwhile() {
  return {454, {4, 7, 0}, "The credentials have just been changed. Try again"};
}

// RFC 5248: X.7.13, user account disabled.
Reply Blocked() {
  return {535,
          {5, 7, 13},
          "The password is right, but this user or its account is blocked. Ask the operator"};
}

Reply WrongNetwork(const IpAddress& client) {
  return {535,
          {5, 7, 1},
          "The password is right, but this user may not log in from " + client.ToString() +
              ". Send from one of its networks, or ask the operator to add this one"};
}

}  // namespace

struct InboundLogin::Job : WorkerPool::Job {
  ~Job() { WipeString(&password); }

  InboundHost* host = nullptr;
  InboundLogin* login = nullptr;  // null: the connection is gone
  PasswordSource* source = nullptr;
  uint32_t credential = 0;
  uint64_t version = 0;  // of the directory that has it
  std::string name;
  IpAddress client;
  PasswordRecord record;  // to be read: that of nobody, until there is another
  std::string password;   // to be verified
  Status status;          // of reading
  bool verified = false;
  bool right = false;
  bool has_turn = false;
};

InboundLogin::InboundLogin(InboundHost* host, InboundConnection* connection,
                           smtp::ServerSession* session, const IpAddress& client,
                           std::string_view listener)
    : host_(host),
      connection_(connection),
      session_(session),
      client_(client),
      listener_(listener) {}

InboundLogin::~InboundLogin() {
  if (job_) job_->login = nullptr;
  if (waiting_) identity().turns.Forget(client_, this);
}

void InboundLogin::Answer(Question question) {
  RP_CHECK(job_ == nullptr && !waiting_);
  question_ = question;
  again_ = false;
  if (question == Question::kAuthProof) {
    LookAtProof();
    return;
  }
  proven_.reset();
  scram_.reset();
  Count(Counter::kAuthIn);
  if (MayTry()) FindRecord();
}

bool InboundLogin::MayTry() {
  const Millis wait = identity().throttle.Try(name(), client_, now());
  if (wait > Millis(0)) RefuseTooSoon(wait);
  return wait == Millis(0);
}

void InboundLogin::RefuseTooSoon(Millis wait) {
  Count(Counter::kAuthInDelayed);
  Refuse(TooSoon(wait), "too soon after failed logins");
}

// --- The record

// That of nobody is made of each name, known ones too: so it costs them the same.
void InboundLogin::FindRecord() {
  const PasswordRecord nobody = identity().shared->unknown_names->RecordOf(name());
  const auto user = identity().directory->FindUser(name());
  credential_ = user ? user->id : kNobody;
  if (const PasswordRecord* kept = identity().records.Find(name(), identity().version)) {
    const PasswordRecord record = *kept;
    OnRecord(record);
    return;
  }
  Submit(NewJob(ReadRecord, nobody));
}

void InboundLogin::FindRecordAgain() {
  if (std::exchange(again_, true)) {
    Refuse(ChangedMeanwhile(), "the directory changed meanwhile, twice");
    return;
  }
  FindRecord();
}

void InboundLogin::OnRecord(const PasswordRecord& record) {
  switch (question_) {
    case Question::kAuthSalt:
      return GiveSalt(record);
    case Question::kAuthPassword:
      return LookAtPassword(record);
    default:
      return ConfirmProof(record);
  }
}

// --- Workers

std::unique_ptr<InboundLogin::Job> InboundLogin::NewJob(void (*work)(WorkerPool::Job*),
                                                        const PasswordRecord& record) {
  auto job = std::make_unique<Job>();
  job->work = work;
  job->run = JobBack;
  job->reply_to = &host_->io().inbox();
  job->host = host_;
  job->login = this;
  job->source = identity().shared->passwords;
  job->credential = credential_;
  job->version = identity().version;
  job->name = name();
  job->client = client_;
  job->record = record;
  return job;
}

void InboundLogin::Submit(std::unique_ptr<Job> job) {
  if (!identity().shared->workers->TrySubmit(job.get())) {
    Count(Counter::kAuthInBusy);
    if (job->has_turn) identity().turns.Return(client_);
    Refuse(WorkersFull(), "the workers that verify passwords have enough to do");
    return;
  }
  ++host_->password_jobs;
  job_ = job.release();
}

void InboundLogin::ReadRecord(WorkerPool::Job* work) {
  auto* job = static_cast<Job*>(work);
  auto read = job->source->Read(job->credential);
  if (!read.ok()) {
    job->status = read.status();
  } else if (*read) {
    job->record = **read;
  }
}

void InboundLogin::VerifyPassword(WorkerPool::Job* work) {
  auto* job = static_cast<Job*>(work);
  job->right = job->record.Verify(job->password);
  job->verified = true;
}

void InboundLogin::JobBack(Posted* posted) {
  std::unique_ptr<Job> job(static_cast<Job*>(posted));
  InboundHost* host = job->host;
  ShardIdentity* identity = host->identity;
  --host->password_jobs;
  InboundLogin* login = job->login;
  if (login) login->job_ = nullptr;
  if (login && login->session_->question_open()) {
    login->TakeBack(*job);
  } else if (job->verified && !job->right) {
    // A guess is one, whether or not its answer was waited for.
    identity->throttle.Failed(job->name, job->client, host->io().now());
  }
  if (job->has_turn) EndTurn(identity, job->client);
}

void InboundLogin::EndTurn(ShardIdentity* identity, const IpAddress& client) {
  identity->turns.Return(client);
  while (InboundLogin* next = identity->turns.Next(client)) next->TurnCame();
}

// What was verified before may have made it too soon, or have shown that the password is right.
void InboundLogin::TurnCame() {
  waiting_ = false;
  if (!session_->question_open()) return;
  again_ = false;
  if (MayTry()) FindRecord();
  if (!session_->question_open()) connection_->OnLoginAnswered();
}

void InboundLogin::TakeBack(const Job& job) {
  job.verified ? OnVerified(job) : OnRead(job);
  if (!session_->question_open()) connection_->OnLoginAnswered();
}

void InboundLogin::OnRead(const Job& job) {
  if (!job.status.ok()) {
    Refuse(OurTrouble(), MessageOf(job.status));
  } else if (job.version != identity().version) {
    FindRecordAgain();
  } else {
    identity().records.Keep(name(), job.version, job.record);
    OnRecord(job.record);
  }
}

void InboundLogin::OnVerified(const Job& job) {
  if (job.right) identity().verified.Remember(CacheKey(), job.record, job.password, now());
  if (job.version != identity().version) {
    FindRecordAgain();
  } else if (job.right) {
    Succeed();
  } else {
    Fail();
  }
}

// --- Passwords

std::string InboundLogin::CacheKey() const { return std::to_string(credential_); }

void InboundLogin::LookAtPassword(const PasswordRecord& record) {
  const std::string_view password = session_->login().password();
  if (identity().verified.Knows(CacheKey(), record, password, now())) {
    Succeed();
    return;
  }
  if (!identity().turns.Take(client_, this)) {
    waiting_ = true;
    return;
  }
  auto job = NewJob(VerifyPassword, record);
  job->has_turn = true;
  job->password = password;
  Submit(std::move(job));
}

// --- SCRAM

void InboundLogin::GiveSalt(const PasswordRecord& record) {
  const uint32_t failures = identity().throttle.Failures(name(), client_, now());
  scram_ = std::make_unique<Scram>(record, credential_, identity().version, failures);
  const std::string_view salt(reinterpret_cast<const char*>(record.salt.data()),
                              record.salt.size());
  session_->Challenge(salt, record.iterations, identity::MakeScramNonce());
}

void InboundLogin::LookAtProof() {
  RP_CHECK(scram_ != nullptr);
  const smtp::SaslServer& said = session_->login();
  // Proofs that come all at once count one after the other, as passwords do.
  identity::LoginThrottle& throttle = identity().throttle;
  const Millis wait = throttle.Wait(name(), client_, now());
  if (wait > Millis(0) && throttle.Failures(name(), client_, now()) > scram_->failures) {
    RefuseTooSoon(wait);
    return;
  }
  if (!scram_->record.CheckProof(said.auth_message(), said.proof(), &scram_->signature)) {
    Fail();
  } else if (scram_->version == identity().version) {
    Succeed();
  } else {
    FindRecord();
  }
}

// The proof was right when its salt was given.
void InboundLogin::ConfirmProof(const PasswordRecord& record) {
  if (credential_ == scram_->credential && record == scram_->record) {
    Succeed();
  } else {
    Refuse(ChangedMeanwhile(), "the credentials changed meanwhile");
  }
}

// --- The end

// The password was right, of credential_ in the directory of now.
void InboundLogin::Succeed() {
  const identity::Directory& directory = *identity().directory;
  const auto user = directory.FindUser(name());
  RP_CHECK(user && user->id == credential_);
  identity().throttle.Succeeded(name(), client_, now());
  const identity::Identity judged = identity::Identify(directory, {}, user, client_, "");
  if (judged.refusal != identity::Refusal::kNone) {
    Count(Counter::kAuthInRefused);
    const bool blocked = judged.refusal == identity::Refusal::kBlocked;
    Refuse(blocked ? Blocked() : WrongNetwork(client_),
           blocked ? "the credential or its account is blocked" : "not from this address");
    return;
  }
  proven_ = Login{user->id, std::string(user->name)};
  if (question_ == Question::kAuthPassword) {
    session_->Accept();
  } else {
    session_->AcceptProof(tls::View(scram_->signature));
    scram_.reset();
  }
}

void InboundLogin::Fail() {
  Count(Counter::kAuthInRefused);
  identity().throttle.Failed(name(), client_, now());
  Refuse(smtp::WrongCredentials(), "wrong name or password");
}

void InboundLogin::Refuse(const Reply& reply, std::string_view reason) {
  LogLine(host_->io().wall_now(), "auth")
      .Text("client", client_.ToString())
      .Text("listener", listener_)
      .Text("login", Printable(name(), limits::kAuthUserBytesMax))
      .Number("code", reply.code)
      .Text("reason", reason)
      .To(*host_->region->log);
  scram_.reset();
  session_->Refuse(reply);
}

}  // namespace ringpost::session
