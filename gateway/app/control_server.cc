#include "gateway/app/control_server.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/app/control_ask.h"
#include "gateway/app/control_client.h"
#include "gateway/app/control_json.h"
#include "gateway/app/control_mailbox.h"
#include "gateway/app/control_queue.h"
#include "gateway/app/control_request.h"
#include "gateway/app/control_socket.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

using Work = ControlClient::Work;

constexpr Millis kAcceptPause{100};  // when descriptors have run out

// What it has in hand says how far it is.
bool Reports(const ControlClient& client) {
  return client.work() == Work::kDrain || client.work() == Work::kGather;
}

// When what it has in hand has taken too long: shards that get on may take their time.
MonoTime GiveUpAt(const ControlClient& client) {
  constexpr Seconds kPatience{limits::kControlAnswerSeconds};
  if (client.work() == Work::kGather) return client.got_on_at + kPatience;
  if (client.work() == Work::kReload) return client.work_since() + kPatience;
  return MonoTime::max();
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(ControlSocket socket, std::shared_ptr<ControlMailbox> mailbox, ControlTarget* target,
       Log* log);

  void StartThread() {
    thread_ = std::thread([this] { Run(); });
  }
  void Stop();
  void EndDrains(bool drained);
  const std::string& path() const { return path_; }

 private:
  using Clients = std::vector<std::unique_ptr<ControlClient>>;

  void Run();
  void Poll();
  void Accept();
  void Serve(ControlClient& client, short revents);
  bool Leave(ControlClient& client);
  void GiveUp(ControlClient& client);
  void Tick();
  void Goodbye();
  void SendRest(Clients* clients, MonoTime until);

  void HandleLine(ControlClient& client, std::string_view line);
  void HandleRequest(ControlClient& client, ControlRequest request);
  void StartGather(ControlClient& client, ControlRequest request);
  void StartReload(ControlClient& client, ControlRequest request);
  // And of links, suppressions, domains, DNS and TLS.
  void StartIdentity(ControlClient& client, ControlRequest request);
  // Where the answer of accounts, credentials and domains goes.
  ControlTarget::IdentityDone AnswerTo(const ControlClient& client) const;
  void StartTrace(ControlClient& client, ControlRequest request);
  void CheckConfig(ControlClient& client);
  void TakeCommand(std::unique_ptr<PendingCommand> command);
  void TakeReload(const ReloadReply& reply);
  void TakeIdentity(const IdentityReply& reply);
  void FinishGather(ControlClient& client);
  void PassTraceLines();
  void Report(ControlClient& client);
  void ReportDrain(ControlClient& client);
  void Refuse(ControlClient& client, const ControlError& error);
  void WriteAudit(const ControlClient& client, uint64_t affected, std::string_view outcome);
  ControlClient* Find(uint64_t id);

  ControlSocket socket_;
  std::string path_;
  std::shared_ptr<ControlMailbox> mailbox_;
  ControlTarget* target_;
  Log* log_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};

  MonoTime now_;
  MonoTime accept_after_;
  uint64_t next_id_ = 1;
  uint64_t tracing_ = 0;     // the client that traces; 0: none
  size_t commands_out_ = 0;  // with shards
  Clients clients_;
  Clients drainers_;  // they wait for the daemon's end
};

ControlServer::Impl::Impl(ControlSocket socket, std::shared_ptr<ControlMailbox> mailbox,
                          ControlTarget* target, Log* log)
    : socket_(std::move(socket)),
      path_(socket_.path()),
      mailbox_(std::move(mailbox)),
      target_(target),
      log_(log),
      now_(ReadMonoClock()),
      accept_after_(now_) {
  mailbox_->on_command = [this](std::unique_ptr<PendingCommand> c) { TakeCommand(std::move(c)); };
  mailbox_->on_reload = [this](const ReloadReply& reply) { TakeReload(reply); };
  mailbox_->on_identity = [this](const IdentityReply& reply) { TakeIdentity(reply); };
}

// --- The thread

void ControlServer::Impl::Run() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stopping_.load(std::memory_order_acquire)) {
    Poll();
    Tick();
  }
  Goodbye();
}

// Waits for something to happen, and handles it.
void ControlServer::Impl::Poll() {
  now_ = ReadMonoClock();
  std::vector<pollfd> fds;
  fds.push_back({mailbox_->wake_fd(), POLLIN, 0});
  bool accepting = socket_.fd() >= 0 && now_ >= accept_after_;
  fds.push_back({accepting ? socket_.fd() : -1, POLLIN, 0});
  MonoTime until = accepting || socket_.fd() < 0 ? MonoTime::max() : accept_after_;
  for (const auto& client : clients_) {
    fds.push_back({client->fd(), client->poll_events(), 0});
    until = std::min(until, client->deadline());
    if (Reports(*client)) until = std::min(until, client->next_report);
    until = std::min(until, GiveUpAt(*client));
  }
  int wait = -1;
  if (until != MonoTime::max()) {
    wait = static_cast<int>(std::clamp<int64_t>((until - now_).count(), 0, 60'000));
  }
  if (::poll(fds.data(), fds.size(), wait) < 0) return;
  now_ = ReadMonoClock();
  if (fds[0].revents != 0) {
    mailbox_->ClearWake();
    mailbox_->inbox().Drain();
    PassTraceLines();
  }
  size_t polled = clients_.size();
  if (fds[1].revents != 0) Accept();
  for (size_t i = 0; i < polled; ++i) {
    if (fds[i + 2].revents != 0) Serve(*clients_[i], fds[i + 2].revents);
  }
}

// Sends what there is to send, begins what there is to begin, ends what took too long.
void ControlServer::Impl::Tick() {
  now_ = ReadMonoClock();
  for (auto& slot : clients_) {
    ControlClient& client = *slot;
    if (Reports(client) && now_ >= client.next_report) Report(client);
    if (now_ >= GiveUpAt(client)) GiveUp(client);
    bool alive = client.Write(now_);
    while (alive) {
      auto line = client.NextLine(now_);
      if (!line) break;
      HandleLine(client, *line);
      alive = client.Write(now_);
    }
    if (alive && client.line_too_long()) {
      Refuse(client, {"protocol",
                      "a request line is at most " +
                          std::to_string(limits::kControlRequestBytesMax) + " bytes",
                      ""});
      client.CloseWhenSent();
      alive = client.Write(now_);
    }
    if (alive && now_ < client.deadline()) continue;
    if (Leave(client)) continue;
    slot.reset();
  }
  std::erase(clients_, nullptr);
}

void ControlServer::Impl::Accept() {
  for (;;) {
    int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) accept_after_ = now_ + kAcceptPause;
      return;
    }
    std::optional<ControlPeer> peer = AllowedPeer(fd);
    if (!peer) {
      ::close(fd);
      continue;
    }
    auto client = std::make_unique<ControlClient>(fd, next_id_++, *peer, now_);
    if (clients_.size() >= limits::kControlClientsMax) {
      Refuse(*client, {"busy",
                       "the control socket serves " + std::to_string(limits::kControlClientsMax) +
                           " clients at once and has that many",
                       "end one of them (a trace, a watch), or try again in a moment"});
      client->Write(now_);
      continue;
    }
    clients_.push_back(std::move(client));
  }
}

void ControlServer::Impl::Serve(ControlClient& client, short revents) {
  bool alive = true;
  if (revents & (POLLIN | POLLHUP | POLLERR)) alive = client.Read(now_);
  // Both ways are shut: nobody reads an answer any more, and a trace would have nobody to go to.
  if ((revents & (POLLHUP | POLLERR)) && client.work() != Work::kNone) alive = false;
  if (alive || Leave(client)) return;
  client.CloseWhenSent();
  client.End(now_);
}

// The peer has gone. A change goes on without it (true), so that the log says what it came to;
// anything else ends.
bool ControlServer::Impl::Leave(ControlClient& client) {
  bool answered_later = client.work() == Work::kGather || client.work() == Work::kIdentity;
  if (answered_later && ChangesSomething(client.request().command)) {
    client.CloseNow();
    return true;
  }
  if (tracing_ == client.id()) {
    tracing_ = 0;
    target_->StopTrace();
    mailbox_->TakeTraceLines();
  }
  return false;
}

void ControlServer::Impl::GiveUp(ControlClient& client) {
  if (client.work() == Work::kGather) return FinishGather(client);
  client.End(now_);
  Refuse(client, {"timeout", "the reload has not ended yet", "look at ringpost status"});
}

// --- Requests

void ControlServer::Impl::HandleLine(ControlClient& client, std::string_view line) {
  auto parsed = ParseControlRequest(line);
  if (auto* request = std::get_if<ControlRequest>(&parsed)) {
    HandleRequest(client, std::move(*request));
    return;
  }
  const ControlError& error = std::get<ControlError>(parsed);
  Refuse(client, error);
  if (error.code == "protocol") client.CloseWhenSent();
}

void ControlServer::Impl::HandleRequest(ControlClient& client, ControlRequest request) {
  if (request.identity) return StartIdentity(client, std::move(request));
  switch (request.command) {
    case ControlCommand::kStatus: {
      Json answer = OkAnswer();
      answer["status"] = StatusJson(target_->GetStatus(), ReadWallClock());
      client.Send(JsonLine(answer));
      return;
    }
    case ControlCommand::kReload:
      StartReload(client, std::move(request));
      return;
    case ControlCommand::kConfigCheck:
      CheckConfig(client);
      return;
    case ControlCommand::kTrace:
      StartTrace(client, std::move(request));
      return;
    case ControlCommand::kDrain:
      client.Begin(Work::kDrain, std::move(request), now_);
      WriteAudit(client, 0, "ok");
      target_->RequestDrain();
      Report(client);
      return;
    default:
      StartGather(client, std::move(request));
      return;
  }
}

void ControlServer::Impl::StartGather(ControlClient& client, ControlRequest request) {
  client.gather = std::make_unique<QueueGather>(next_id_++, request, ReadWallClock());
  client.Begin(Work::kGather, std::move(request), now_);
  client.got_on_at = now_;
  client.next_report = now_ + Millis(limits::kControlProgressMillis);
  if (!client.gather->Start(target_, mailbox_, client.id())) {
    std::string names;
    for (const std::string& name : target_->regions()) {
      names.append(names.empty() ? "" : ", ").append(name);
    }
    std::string region = Printable(client.request().region, 64);
    client.End(now_);
    Refuse(client, {"not_found", "there is no region \"" + region + "\"", "regions: " + names});
    return;
  }
  commands_out_ += client.gather->outstanding();
  if (client.gather->complete()) FinishGather(client);
}

void ControlServer::Impl::TakeCommand(std::unique_ptr<PendingCommand> command) {
  --commands_out_;
  ControlClient* client = Find(command->client);
  if (!client || client->work() != Work::kGather || client->gather->id() != command->gather) return;
  client->gather->Take(command.get());
  if (client->gather->complete()) FinishGather(*client);
}

void ControlServer::Impl::FinishGather(ControlClient& client) {
  Json answer = client.gather->Answer();
  if (ChangesSomething(client.request().command)) {
    std::string outcome = client.gone() ? "the client left before the answer" : "ok";
    if (!answer["ok"].get<bool>()) outcome = answer["error"]["message"].get<std::string>();
    WriteAudit(client, client.gather->affected(), outcome);
  }
  client.Send(JsonLine(answer));
  client.End(now_);
}

void ControlServer::Impl::StartReload(ControlClient& client, ControlRequest request) {
  client.Begin(Work::kReload, std::move(request), now_);
  target_->RequestReload([mailbox = mailbox_, id = client.id()](const ReloadOutcome& outcome) {
    ReloadReply::Send(mailbox, id, outcome);
  });
}

void ControlServer::Impl::TakeReload(const ReloadReply& reply) {
  ControlClient* client = Find(reply.client);
  if (!client || client->work() != Work::kReload) return;
  WriteAudit(*client, 0, reply.outcome.applied ? "ok" : reply.outcome.words);
  Json answer =
      reply.outcome.applied
          ? OkAnswer()
          : ErrorAnswer({"config", "the configuration was not reloaded: " + reply.outcome.words,
                         "correct the file; ringpost config check says more"});
  answer["reload"] = ReloadJson(reply.outcome);
  client->Send(JsonLine(answer));
  client->End(now_);
}

// What is answered comes by the mailbox: not before this is over.
void ControlServer::Impl::StartIdentity(ControlClient& client, ControlRequest request) {
  auto error = AskTarget(target_, &request, client.peer().uid, AnswerTo(client));
  if (error) return Refuse(client, *error);
  client.Begin(Work::kIdentity, std::move(request), now_);
}

ControlTarget::IdentityDone ControlServer::Impl::AnswerTo(const ControlClient& client) const {
  return [mailbox = mailbox_, id = client.id()](const identity::Json& answer) {
    IdentityReply::Send(mailbox, id, answer);
  };
}

void ControlServer::Impl::TakeIdentity(const IdentityReply& reply) {
  ControlClient* client = Find(reply.client);
  if (!client || client->work() != Work::kIdentity) return;
  if (ChangesSomething(client->request().command)) {
    uint64_t affected = 0;
    std::string outcome = "ok";
    if (auto changes = reply.answer.find("changes"); changes != reply.answer.end()) {
      for (const auto& change : *changes) affected += change["what"] != "unchanged";
    } else if (auto count = reply.answer.find("affected"); count != reply.answer.end()) {
      affected = count->get<uint64_t>();
    } else if (!reply.answer["ok"].get<bool>()) {
      outcome = reply.answer["error"]["message"].get<std::string>();
    } else {
      affected = 1;
    }
    WriteAudit(*client, affected, outcome);
  }
  client->Send(JsonLine(reply.answer));
  client->End(now_);
}

void ControlServer::Impl::CheckConfig(ControlClient& client) {
  ConfigCheck check = target_->CheckConfig();
  Json answer =
      check.ok
          ? OkAnswer()
          : ErrorAnswer({"config",
                         check.path.empty() ? "the daemon runs without a configuration file"
                                            : check.path + " has errors and would not be loaded",
                         check.path.empty() ? "name a file: ringpost config check FILE" : ""});
  answer["config"] = ConfigJson(check);
  client.Send(JsonLine(answer));
}

// --- Streams

void ControlServer::Impl::StartTrace(ControlClient& client, ControlRequest request) {
  TraceFilter filter{request.client, request.filter.next_hop};
  Status status = tracing_ != 0
                      ? MakeStatus(StatusCode::kUnavailable,
                                   "another trace is running, and there can be only one")
                      : target_->StartTrace(filter, [mailbox = mailbox_](std::string_view line) {
                          mailbox->AddTraceLine(line);
                        });
  if (!status.ok()) {
    bool unsupported = status.code() == StatusCode::kUnimplemented;
    Refuse(client, {unsupported ? "unsupported" : "busy", std::string(MessageOf(status)), ""});
    return;
  }
  tracing_ = client.id();
  client.Begin(Work::kTrace, std::move(request), now_);
  WriteAudit(client, 0, "ok");
  client.Send(JsonLine({{"progress", {{"state", "tracing"}}}}));
}

void ControlServer::Impl::PassTraceLines() {
  ControlMailbox::TraceLines trace = mailbox_->TakeTraceLines();
  ControlClient* client = tracing_ != 0 ? Find(tracing_) : nullptr;
  if (!client) return;
  client->lines_dropped += trace.dropped;
  for (const std::string& line : trace.lines) {
    if (client->lines_dropped > 0 &&
        client->SendIfRoom(JsonLine({{"trace_lines_dropped", client->lines_dropped}}))) {
      client->lines_dropped = 0;
    }
    if (!client->SendIfRoom(JsonLine({{"trace", line}}))) ++client->lines_dropped;
  }
}

void ControlServer::Impl::Report(ControlClient& client) {
  client.next_report = now_ + Millis(limits::kControlProgressMillis);
  if (client.work() == Work::kDrain) return ReportDrain(client);
  if (!client.gather->GotOn()) return;
  client.got_on_at = now_;
  if (client.gone()) return;
  client.SendIfRoom(JsonLine({{"progress", client.gather->Progress()}}));
}

void ControlServer::Impl::ReportDrain(ControlClient& client) {
  GatewayStatus status = target_->GetStatus();
  uint64_t connections = 0, queued = 0, held = 0;
  for (const ShardStatus& shard : status.shards) connections += shard.connections;
  for (const RegionStatus& region : status.regions) {
    queued += region.queued_entries;
    held += region.held_body_bytes;
  }
  client.SendIfRoom(JsonLine({{"progress",
                               {{"state", status.state},
                                {"connections", connections},
                                {"queued_entries", queued},
                                {"held_body_bytes", held}}}}));
}

// --- Ends

void ControlServer::Impl::Refuse(ControlClient& client, const ControlError& error) {
  client.Send(JsonLine(ErrorAnswer(error)));
}

void ControlServer::Impl::WriteAudit(const ControlClient& client, uint64_t affected,
                                     std::string_view outcome) {
  if (!log_) return;
  const ControlRequest& request = client.request();
  LogLine line(ReadWallClock(), "control");
  line.Text("command", ControlCommandName(request.command)).Number("uid", client.peer().uid);
  line.Number("pid", client.peer().pid);
  if (!request.region.empty()) line.Text("region", request.region);
  if (request.filter.id) line.Id(*request.filter.id);
  if (!request.filter.recipient_domain.empty()) {
    line.Text("domain", request.filter.recipient_domain);
  }
  if (!request.filter.next_hop.empty()) line.Text("next_hop", request.filter.next_hop);
  // Whose mail it is belongs to the region's own log, not to the daemon's.
  if (!request.filter.sender.empty()) line.Flag("sender_filter", true);
  if (request.filter.held_only) line.Flag("held", true);
  if (request.all) line.Flag("all", true);
  if (request.client) line.Text("client", request.client->ToString());
  line.Number("affected", static_cast<int64_t>(affected)).Text("outcome", outcome).To(*log_);
}

ControlClient* ControlServer::Impl::Find(uint64_t id) {
  for (auto& client : clients_) {
    if (client && client->id() == id) return client.get();
  }
  return nullptr;
}

// Says how it ends to everyone who waits, and takes back what shards still hold.
void ControlServer::Impl::Goodbye() {
  now_ = ReadMonoClock();
  MonoTime until = now_ + Millis(limits::kControlStopMillis);
  if (tracing_ != 0) {
    tracing_ = 0;
    target_->StopTrace();
  }
  socket_.Close();
  for (auto& client : clients_) {
    if (client->work() == Work::kDrain) {
      drainers_.push_back(std::move(client));
      continue;
    }
    if (client->work() == Work::kGather && ChangesSomething(client->request().command)) {
      WriteAudit(*client, client->gather->affected(), "the daemon stopped before the answer");
    }
    if (client->work() != Work::kNone) Refuse(*client, {"stopping", "the daemon stops", ""});
    client->End(now_);
    client->CloseWhenSent();
  }
  std::erase(clients_, nullptr);
  SendRest(&clients_, until);
  mailbox_->on_command = nullptr;
  mailbox_->on_reload = nullptr;
  mailbox_->on_identity = nullptr;
  mailbox_->inbox().Drain();
}

// Waits for peers to take what they are told, and for what shards still hold.
void ControlServer::Impl::SendRest(Clients* clients, MonoTime until) {
  while (now_ < until) {
    std::erase_if(*clients, [&](auto& client) { return !client->Write(now_); });
    if (commands_out_ == 0 && clients->empty()) break;
    std::vector<pollfd> fds{{mailbox_->wake_fd(), POLLIN, 0}};
    for (const auto& client : *clients) fds.push_back({client->fd(), POLLOUT, 0});
    ::poll(fds.data(), fds.size(), static_cast<int>((until - now_).count()));
    mailbox_->ClearWake();
    mailbox_->inbox().Drain();
    now_ = ReadMonoClock();
  }
  clients->clear();
}

void ControlServer::Impl::EndDrains(bool drained) {
  Json answer =
      drained ? OkAnswer()
              : ErrorAnswer({"partial",
                             "the daemon has stopped, but its grace period ended before all that "
                             "was in hand was finished: the rest was broken off",
                             "what was answered 250 is in the store, and the next start delivers "
                             "it; limits.drain_grace gives more time"});
  answer["stopped"] = true;
  for (auto& client : drainers_) {
    client->Send(JsonLine(answer));
    client->End(now_);
    client->CloseWhenSent();
  }
  now_ = ReadMonoClock();
  commands_out_ = 0;  // what has not come back by now stays out
  SendRest(&drainers_, now_ + Millis(limits::kControlStopMillis));
}

void ControlServer::Impl::Stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  mailbox_->Wake();
  thread_.join();
}

// --- ControlServer

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() { Stop(); }

StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(const std::string& path,
                                                              ControlTarget* target, Log* log) {
  StatusOr<ControlSocket> socket = ControlSocket::Listen(path);
  if (!socket.ok()) return socket.status();
  StatusOr<std::shared_ptr<ControlMailbox>> mailbox = ControlMailbox::Make();
  if (!mailbox.ok()) return mailbox.status();
  auto impl = std::make_unique<Impl>(std::move(*socket), std::move(*mailbox), target, log);
  impl->StartThread();
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

void ControlServer::Stop() { impl_->Stop(); }
void ControlServer::EndDrains(bool drained) { impl_->EndDrains(drained); }
const std::string& ControlServer::path() const { return impl_->path(); }

}  // namespace ringpost::app
