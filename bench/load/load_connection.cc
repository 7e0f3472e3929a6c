#include "bench/load/load_connection.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "bench/load/load_worker.h"

namespace ringpost::bench {
namespace {

bool Positive(int code) { return code / 100 == 2; }

bool AnyAccepted(const Message& message) {
  return std::find(message.accepted.begin(), message.accepted.end(), true) !=
         message.accepted.end();
}

}  // namespace

std::string_view LoadConnection::NameOf(Step step) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "greeting", "ehlo", "mail", "rcpt", "data", "final", "rset", "quit", "starttls", "auth"};
  return kNames[static_cast<size_t>(step)];
}

LoadConnection::LoadConnection(const LoadOptions* options, LoadWorker* worker, unsigned number)
    : options_(options), worker_(worker), number_(number) {}

LoadConnection::~LoadConnection() {
  if (fd_ >= 0) close(fd_);
}

void LoadConnection::Open() {
  fd_ = BeginConnect(options_->server, number_ % options_->sources);
  if (fd_ < 0) {
    ++worker_->stats().connect_failures;
    worker_->Retry(this);
    return;
  }
  connecting_ = true;
  due_.clear();
  replies_.Reset();
  head_.clear();
  inserts_.clear();
  sent_bytes_ = 0;
  watched_ = EPOLLOUT;
  worker_->poller().Add(fd_, watched_, this);
  Expect(Step::kGreeting);
}

void LoadConnection::Go() {
  if (fd_ < 0) {
    worker_->Finished() ? worker_->Gone() : Open();
    return;
  }
  Ready();
  Flush();
}

void LoadConnection::OnEvents(uint32_t events) {
  if (fd_ < 0) return;
  if (connecting_) {
    if (ConnectError(fd_) != 0) {
      ++worker_->stats().connect_failures;
      return Ended(/*unasked=*/false);
    }
    connecting_ = false;
    ++worker_->stats().connects;
    Watch(EPOLLIN);
    if (options_->tls == TlsMode::kImplicit) StartTls();
    return;
  }
  if ((events & EPOLLOUT) != 0) Flush();
  if (fd_ >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read();
}

void LoadConnection::OnReply(const ReplyLine& reply, uint64_t now) {
  if (due_.empty()) {  // nothing was asked: a time-out or a shutdown says 421
    worker_->stats().CountReply("unasked", reply.code, reply.text);
    return Ended(/*unasked=*/true);
  }
  const Due due = due_.front();
  due_.pop_front();
  worker_->stats().CountReply(NameOf(due.step), reply.code, reply.text);
  if (reply.code == 421) return Ended(/*unasked=*/true);
  switch (due.step) {
    case Step::kGreeting:
      if (reply.code != 220) return Ended(/*unasked=*/true);
      Queue("EHLO load.example\r\n");
      return Expect(Step::kEhlo);
    case Step::kEhlo:
      if (!Positive(reply.code)) return Ended(/*unasked=*/true);
      return OnEhlo();
    case Step::kMail:
      return OnMail(due.slot, Positive(reply.code));
    case Step::kRcpt:
      return OnRcpt(due, Positive(reply.code));
    case Step::kData:
      return OnData(due.slot, reply.code);
    case Step::kFinal:
      return OnFinal(due.slot, reply.code, now);
    case Step::kRset:
      return Ready();
    case Step::kQuit:
      return Ended(/*unasked=*/false);
    case Step::kStartTls:
      if (reply.code != 220) return Ended(/*unasked=*/true);
      return StartTls();
    case Step::kAuth:
      if (reply.code != 235) return Ended(/*unasked=*/true);
      return Ready();
  }
}

void LoadConnection::OnEhlo() {
  if (options_->tls != TlsMode::kStartTls || tls_ != nullptr) return LogIn();
  Queue("STARTTLS\r\n");
  Expect(Step::kStartTls);
}

void LoadConnection::LogIn() {
  if (options_->auth.empty()) return Ready();
  Queue(options_->auth);
  Expect(Step::kAuth);
}

void LoadConnection::OnMail(uint8_t slot, bool ok) {
  const uint64_t now = worker_->now();
  worker_->stats().mail_reply.Record(now - std::min(now, slots_[slot].started_nanos));
  if (options_->pipelining != Pipelining::kNone) return;
  if (!ok) return RefuseAndReset(slot);
  Queue(slots_[slot].rcpts[0]);
  Expect(Step::kRcpt, slot, 0);
}

void LoadConnection::OnRcpt(const Due& due, bool ok) {
  Message& message = slots_[due.slot];
  message.accepted[due.recipient] = ok;
  if (options_->pipelining != Pipelining::kNone) return;
  const uint32_t next = due.recipient + 1;
  if (next < message.rcpts.size()) {
    Queue(message.rcpts[next]);
    return Expect(Step::kRcpt, due.slot, next);
  }
  if (!AnyAccepted(message)) return RefuseAndReset(due.slot);
  if (options_->bdat) return QueueChunk(due.slot);
  Queue("DATA\r\n");
  Expect(Step::kData, due.slot);
}

void LoadConnection::OnData(uint8_t slot, int code) {
  if (code != 354) return RefuseAndReset(slot);
  if (!AnyAccepted(slots_[slot])) {  // pipelined, and the server takes text for nobody
    Queue(".\r\n");
    return Expect(Step::kFinal, slot);
  }
  QueueText(slot);
  if (options_->pipelining != Pipelining::kFull) return;
  if (options_->session_per_message) return QueueQuit();
  const auto other = static_cast<uint8_t>(1 - slot);
  if (worker_->NextMessage(&slots_[other])) Begin(other);
}

void LoadConnection::OnFinal(uint8_t slot, int code, uint64_t now) {
  busy_[slot] = false;
  const Message& message = slots_[slot];
  LoadStats& stats = worker_->stats();
  if (Positive(code)) {
    ++stats.accepted;
    stats.text_bytes += message.header.size() + message.body.size();
    stats.last_reply_nanos = now;
    stats.final_reply.Record(now - std::min(now, message.text_sent_nanos));
    if (message.planned_nanos != 0) stats.due.Record(now - std::min(now, message.planned_nanos));
    stats.transaction.Record(now - std::min(now, message.started_nanos));
    worker_->Acknowledged(message);
  } else {
    ++stats.refused;
  }
  if (!due_.empty() && due_.back().step == Step::kQuit) return;
  if (options_->session_per_message) return QueueQuit();
  if (busy() == 0 || options_->bdat) Ready();
}

void LoadConnection::RefuseAndReset(uint8_t slot) {
  ++worker_->stats().refused;
  busy_[slot] = false;
  Queue("RSET\r\n");
  Expect(Step::kRset);
}

void LoadConnection::Ready() {
  const bool two = options_->bdat && options_->pipelining == Pipelining::kFull;
  while (busy() < (two ? kSlots : 1)) {
    const uint8_t slot = busy_[0] ? 1 : 0;
    if (!worker_->NextMessage(&slots_[slot])) break;
    Begin(slot);
    if (options_->session_per_message) return;
  }
  if (busy() > 0) return;
  worker_->Finished() ? QueueQuit() : worker_->Rest(this);
}

void LoadConnection::Begin(uint8_t slot) {
  busy_[slot] = true;
  Message& message = slots_[slot];
  message.started_nanos = worker_->now();
  message.text_sent_nanos = 0;
  LoadStats& stats = worker_->stats();
  ++stats.started;
  if (stats.first_nanos == 0) stats.first_nanos = message.started_nanos;
  Queue(message.mail);
  Expect(Step::kMail, slot);
  if (options_->pipelining == Pipelining::kNone) return;
  for (uint32_t i = 0; i < message.rcpts.size(); ++i) {
    Queue(message.rcpts[i]);
    Expect(Step::kRcpt, slot, i);
  }
  if (options_->bdat) return QueueChunk(slot);
  Queue("DATA\r\n");
  Expect(Step::kData, slot);
}

void LoadConnection::QueueText(uint8_t slot) {
  Queue(slots_[slot].header);
  QueueBody(slots_[slot].body);
  Queue(".\r\n");
  Expect(Step::kFinal, slot);
}

void LoadConnection::QueueChunk(uint8_t slot) {
  const Message& message = slots_[slot];
  Queue("BDAT " + std::to_string(message.header.size() + message.body.size()) + " LAST\r\n");
  Queue(message.header);
  QueueBody(message.body);
  Expect(Step::kFinal, slot);
}

void LoadConnection::QueueQuit() {
  if (!due_.empty() && due_.back().step == Step::kQuit) return;
  Queue("QUIT\r\n");
  Expect(Step::kQuit);
}

void LoadConnection::QueueBody(std::string_view body) { inserts_.push_back({head_.size(), body}); }

void LoadConnection::Expect(Step step, uint8_t slot, uint32_t recipient) {
  due_.push_back({step, slot, recipient});
}

void LoadConnection::Ended(bool unasked) {
  close(fd_);
  fd_ = -1;
  LoadStats& stats = worker_->stats();
  if (tls_ != nullptr &&
      (tls_->state() == TlsLink::State::kHandshake || tls_->state() == TlsLink::State::kFailed)) {
    if (stats.tls_failures++ == 0) stats.tls_failure = tls_->failure();
  }
  tls_.reset();
  if (unasked) ++stats.disconnects;
  busy_.fill(false);
  worker_->Forget(this);
  const bool failed = unasked || connecting_;
  connecting_ = false;
  if (worker_->Finished()) return worker_->Gone();
  if (failed) return worker_->Retry(this);
  worker_->Rest(this);
}

}  // namespace ringpost::bench
