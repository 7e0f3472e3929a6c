#include "tests/unit/session/dispatcher_rig.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/mail/dkim_body_hash.h"

namespace ringpost::session {

std::vector<std::string> RecordingLog::Of(std::string_view event) const {
  std::vector<std::string> found;
  std::string field = "\"event\":\"" + std::string(event) + "\"";
  for (const std::string& line : lines) {
    if (line.find(field) != std::string::npos) found.push_back(line);
  }
  return found;
}

std::string RecordingLog::Field(const std::string& line, std::string_view name) {
  std::string key = "\"" + std::string(name) + "\":";
  size_t at = line.find(key);
  if (at == std::string::npos) return "";
  at += key.size();
  bool quoted = line[at] == '"';
  if (quoted) ++at;
  return line.substr(at, line.find_first_of(quoted ? "\"" : ",}", at) - at);
}

ScriptedHop::ScriptedHop(reactor::SimWorld* world, const std::string& name)
    : endpoint(name), world_(world) {
  SetUp(true);
}

ScriptedHop::~ScriptedHop() { SetUp(false); }

void ScriptedHop::SetUp(bool up) {
  SetListening(up);
  if (up) return;
  for (Session& session : sessions_) {
    if (!session.over) session.peer->Close();
    session.over = true;
  }
}

void ScriptedHop::SetListening(bool on) {
  if (on == std::exchange(up_, on)) return;
  Endpoint local = *Endpoint::Parse(endpoint);
  if (on) {
    world_->Serve(local,
                  [this](std::unique_ptr<reactor::SimPeer> peer) { Serve(std::move(peer)); });
  } else {
    world_->StopServing(local);
  }
}

int ScriptedHop::Count(std::string_view recipient) const {
  int count = 0;
  for (const HopMessage& message : messages) {
    count += static_cast<int>(
        std::count(message.recipients.begin(), message.recipients.end(), recipient));
  }
  return count;
}

void ScriptedHop::Serve(std::unique_ptr<reactor::SimPeer> peer) {
  Session& session = sessions_.emplace_back();
  session.peer = std::move(peer);
  session.message.connection = ++connections;
  connected_at.push_back(world_->wall_now());
  session.peer->OnActivity([this, &session](reactor::SimPeer&) { OnActivity(&session); });
  if (implicit_tls) {
    BeginTls(&session);
  } else {
    Say(&session, "greeting", "", "220 hop.example ESMTP", nullptr);
  }
}

void ScriptedHop::BeginTls(Session* session) {
  session->unread.clear();
  session->secured.connection = tls::Connection::Accept(tls);
}

void ScriptedHop::Write(Session* session, const std::string& bytes) {
  if (!session->secured.connection) {
    session->peer->Write(bytes);
    return;
  }
  session->secured.Say(bytes);
  session->peer->Write(session->secured.Take());
}

void ScriptedHop::OnActivity(Session* session) {
  if (session->over) return;
  std::string received = session->peer->TakeReceived();
  if (session->secured.connection && spoiled_handshake.empty()) {
    bool fresh = !session->secured.secured;
    session->secured.Feed(received);
    session->peer->Write(session->secured.Take());
    session->unread += std::exchange(session->secured.heard, {});
    if (fresh && session->secured.secured) {
      session->message.tls = session->secured.connection->facts().version;
      session->message.resumed = session->secured.connection->facts().resumed;
      if (implicit_tls) Say(session, "greeting", "", "220 hop.example ESMTP", nullptr);
    }
  } else if (session->secured.connection) {
    if (!received.empty()) session->peer->Write(spoiled_handshake);  // for the client's hello
  } else {
    session->unread += received;
  }
  if (session->mute) session->unread.clear();
  for (size_t end; !session->over && !session->mute &&
                   (end = session->unread.find("\r\n")) != std::string::npos;) {
    std::string line = session->unread.substr(0, end);
    session->unread.erase(0, end + 2);
    if (session->in_data) {
      OnDataLine(session, std::move(line));
    } else {
      OnLine(session, std::move(line));
    }
  }
  if (session->peer->ended() && !session->over) {
    session->over = true;
    session->peer->Close();
  }
}

void ScriptedHop::Say(Session* session, std::string_view command, std::string_view line,
                      const std::string& yes, const std::function<void()>& on_yes) {
  std::string said = answer(command, line);
  if (said == "silence") session->mute = true;
  if (session->mute) return;
  if (said == "garbage") {
    session->peer->Write(std::string(400, 'z'));
    return;
  }
  if (said == "drop") {
    session->over = true;
    session->peer->Close();
    return;
  }
  Write(session, (said.empty() ? yes : said) + "\r\n");
  if (said.empty() && on_yes) on_yes();
}

void ScriptedHop::OnLine(Session* session, std::string line) {
  std::string command = line.substr(0, 4);
  if (command == "EHLO") {
    std::string yes = "250-hop.example";
    if (tls && !session->secured.connection) yes += "\r\n250-STARTTLS";
    for (const std::string& extension : extensions) yes += "\r\n250-" + extension;
    Say(session, "EHLO", line, yes + "\r\n250 HELP", nullptr);
  } else if (line == "STARTTLS" && tls) {
    Say(session, "STARTTLS", line, "220 go ahead", [&] { BeginTls(session); });
  } else if (command == "AUTH") {
    Say(session, "AUTH", line, "235 2.7.0 welcome", nullptr);
  } else if (command == "MAIL") {
    ++transactions_begun;
    session->message.recipients.clear();
    session->message.content.clear();
    session->in_mail = false;
    Say(session, "MAIL", line, "250 2.1.0 ok", [&] {
      session->message.from = line.substr(10);
      session->in_mail = true;
    });
  } else if (!session->in_mail && (command == "RCPT" || command == "DATA")) {
    Write(session, "503 5.5.1 MAIL first\r\n");
  } else if (command == "RCPT") {
    std::string address = line.substr(9, line.find('>') - 9);
    Say(session, "RCPT", address, "250 2.1.5 ok",
        [&] { session->message.recipients.push_back(address); });
  } else if (command == "DATA") {
    if (session->message.recipients.empty()) {
      Write(session, "554 5.5.1 no recipients\r\n");
      return;
    }
    Say(session, "DATA", line, "354 go", [&] { session->in_data = true; });
  } else if (command == "QUIT") {
    Write(session, "221 bye\r\n");
    session->over = true;
    session->peer->Close();
  } else {
    Write(session, "250 ok\r\n");
  }
}

void ScriptedHop::OnDataLine(Session* session, std::string line) {
  if (line != ".") {
    session->message.content += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
    return;
  }
  session->in_data = session->in_mail = false;
  Say(session, ".", session->message.recipients[0], "250 2.0.0 queued", [&] {
    session->message.at = world_->wall_now();
    messages.push_back(session->message);
  });
}

DispatcherRig::DispatcherRig(uint64_t seed, reactor::SimFaults faults,
                             storage::MemorySpoolFaults spool_faults)
    : world(seed, faults), spool(seed, spool_faults) {
  config.hostname = "gw.example";
  config.connections_per_site = 4;
}

DispatcherRig::~DispatcherRig() {
  if (dispatcher) End();
}

void DispatcherRig::Route(std::vector<std::pair<std::string, std::vector<std::string>>> routes) {
  std::vector<delivery::Route> table;
  for (auto& [domain, hops] : routes) {
    delivery::Route& route = table.emplace_back();
    route.domain = domain;
    uint16_t preference = 0;
    for (const std::string& hop : hops) {
      route.next_hops.push_back(*delivery::NextHop::Parse(hop));
      route.next_hops.back().preference = preference++;
    }
  }
  UseRoutes(std::move(table));
}

void DispatcherRig::RouteTo(delivery::Route route) {
  std::vector<delivery::Route> table;
  table.push_back(std::move(route));
  UseRoutes(std::move(table));
}

void DispatcherRig::UseRoutes(std::vector<delivery::Route> table) {
  config.routes = *delivery::RouteTable::Make(std::move(table));
  if (dispatcher) {
    dispatcher->Reload(Snapshot());
  } else {
    Begin();
  }
}

void DispatcherRig::Begin() {
  io = std::make_unique<reactor::SimIo>(&world, 0);
  region.name = "test";
  region.hostname = "gw.example";
  region.io = io.get();
  region.spool = &spool;
  region.log = &log;
  region.signers = &signers;
  pace_ = std::make_unique<reactor::Timer>([](reactor::Timer*) {});
  dispatcher = std::make_unique<Dispatcher>(&region, Snapshot(), &budgets);
}

void DispatcherRig::End() {
  dispatcher->Abort();
  EXPECT_TRUE(RunUntil([&] { return dispatcher->drained(); }));
  dispatcher.reset();
  pace_.reset();
  io.reset();
}

void DispatcherRig::Restart(bool power_cut) {
  if (power_cut) {
    // What is in flight is never answered; the connections end with the process.
    spool.Crash();
    dispatcher->Abort();
    for (int i = 0; i < 2000; ++i) world.Step();
    dispatcher.reset();
    pace_.reset();
    io.reset();
  } else {
    dispatcher->BeginDrain();
    EXPECT_TRUE(RunUntil([&] { return dispatcher->drained(); }));
    End();
    spool.Crash();  // nothing is in flight: the store is only opened again
  }
  Begin();
  struct Page : storage::ScanPage {
    DispatcherRig* rig = nullptr;
    bool* over = nullptr;
  };
  static bool over;
  over = false;
  storage::ScanTarget target;
  target.inbox = &io->inbox();
  target.context = this;
  target.make_page = [](void* context) -> storage::ScanPage* {
    auto* page = new Page;
    page->rig = static_cast<DispatcherRig*>(context);
    page->run = [](Posted* posted) {
      std::unique_ptr<Page> own(static_cast<Page*>(posted));
      own->rig->dispatcher->Restore(own->messages);
      over |= own->last;
    };
    return page;
  };
  spool.StartScan({target});
  EXPECT_TRUE(RunUntil([&] { return over; }));
}

MessageId DispatcherRig::Send(const Sent& sent) {
  auto message = std::make_unique<storage::NewMessage>();
  message->id = MessageId::Make(world.wall_now(), 0, world.random());
  storage::StoredEnvelope& envelope = message->envelope;
  envelope.received = world.wall_now();
  envelope.deadline = envelope.received + sent.lifetime;
  envelope.reverse_path = sent.from;
  envelope.require_tls = sent.require_tls;
  envelope.bulk = sent.bulk;
  envelope.account = sent.account;
  envelope.credential = sent.credential;
  for (const std::string& to : sent.to) envelope.recipients.push_back({to, "", sent.notify});
  envelope.trace = "Received: by gw.example; now\r\n";
  envelope.body_bytes = sent.body.size();
  envelope.body_8bit = sent.body_8bit;
  envelope.body_type = static_cast<uint8_t>(sent.declared);
  if (!sent.signing_domain.empty()) {
    envelope.signing_domain = sent.signing_domain;
    envelope.header_bytes = static_cast<uint32_t>(sent.body.find("\r\n\r\n") + 4);
    mail::DkimBodyHash hash;
    hash.Update(std::string_view(sent.body).substr(envelope.header_bytes));
    envelope.dkim_body_hash = hash.Finish();
  }
  message->body.Append(Slice::Copy(sent.body));
  MessageId id = message->id;

  struct Accept : storage::CommitRequest {
    bool done = false;
  } accept;
  while (true) {
    accept.done = false;
    accept.durable.reset();
    accept.reply_to = &io->inbox();
    accept.id = id;
    accept.message = message.get();
    accept.run = [](Posted* posted) { static_cast<Accept*>(posted)->done = true; };
    spool.Submit(&accept);
    EXPECT_TRUE(RunUntil([&] { return accept.done; }));
    if (accept.status.ok()) break;
    id = message->id = MessageId::Make(world.wall_now(), 0, world.random());
  }
  dispatcher->Admit(std::move(message));
  return id;
}

QueueCommand DispatcherRig::Ask(QueueCommand command) {
  answered_ = false;
  static bool* answered;
  answered = &answered_;
  command.reply_to = &io->inbox();
  command.done = [](QueueCommand*) { *answered = true; };
  dispatcher->Handle(&command);
  EXPECT_TRUE(RunUntil([&] { return answered_; }));
  return command;
}

bool DispatcherRig::Step() {
  spool.Tick();
  if (!signers_busy) signers.RunOne();
  if (!spool.idle() && !pace_->scheduled()) {
    io->timers().Schedule(pace_.get(), io->now() + Millis(1));
  }
  return world.Step();
}

bool DispatcherRig::RunUntil(const std::function<bool()>& done, int steps) {
  for (int i = 0; i < steps; ++i) {
    if (done()) return true;
    Step();
  }
  return done();
}

void DispatcherRig::RunFor(Millis span) {
  MonoTime end = world.now() + span;
  while (world.now() < end) {
    MonoTime before = world.now();
    // Nothing to wait for: an idle gateway has no timer.
    if (!Step() && spool.idle() && world.now() == before) {
      world.RunFor(end - world.now());
      return;
    }
  }
}

bool DispatcherRig::Settled() { return dispatcher->queued_entries() == 0 && spool.idle(); }

}  // namespace ringpost::session
