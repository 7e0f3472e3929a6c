#include "tests/sim/sim_next_hop.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace ringpost::sim {
namespace {

std::string PathIn(const std::string& line) {
  size_t from = line.find('<');
  return line.substr(from + 1, line.find('>') - from - 1);
}

}  // namespace

SimNextHop::SimNextHop(reactor::SimWorld* world, const Endpoint& local, SimLedger* ledger,
                       const TlsSetup* tls, uint64_t seed)
    : world_(world), local_(local), ledger_(ledger), tls_(tls), random_(seed) {
  Serve();
}

SimNextHop::~SimNextHop() { world_->StopServing(local_); }

void SimNextHop::Serve() {
  world_->Serve(local_, [this](std::unique_ptr<reactor::SimPeer> peer) {
    Session& session = sessions_.emplace_back();
    session.peer = std::make_unique<SimTalk>(std::move(peer));
    session.peer->SetReading(mood_ != Mood::kDeaf);
    session.peer->OnActivity([this, &session](reactor::SimPeer&) { OnActivity(&session); });
    Say(&session, Chance(40) ? "421 4.3.2 busy" : "220 hop.example.net ESMTP");
  });
}

void SimNextHop::SetMood(Mood mood) {
  if (kind_) return;
  mood_ = mood;
  world_->SetBlackHole(local_, mood == Mood::kLost);
  if (mood == Mood::kAway) {
    world_->StopServing(local_);
  } else {
    Serve();
  }
  for (Session& session : sessions_) session.peer->SetReading(mood != Mood::kDeaf);
}

void SimNextHop::BecomeKind() {
  if (kind_) return;
  SetMood(Mood::kUsual);
  kind_ = true;
}

void SimNextHop::Tidy() {
  sessions_.remove_if([](const Session& session) { return session.over; });
}

void SimNextHop::EndAll() {
  for (Session& session : sessions_) {
    if (!session.over) End(&session);
  }
}

void SimNextHop::Say(Session* session, const std::string& line) {
  if (mood_ == Mood::kSilent) return;
  session->peer->Write(line + "\r\n");
}

void SimNextHop::OnActivity(Session* session) {
  if (session->over) return;
  session->unread += session->peer->TakeReceived();
  if (Chance(600)) {
    session->peer->Reset();
    return End(session);
  }
  bool went_on = true;
  while (went_on && !session->over) {
    went_on = session->in_data         ? ConsumeData(session)
              : session->bdat_left > 0 ? ConsumeBdat(session)
                                       : ConsumeLine(session);
  }
  if (session->peer->ended() && !session->over) {
    session->peer->Close();
    End(session);
  }
}

void SimNextHop::End(Session* session) {
  session->over = true;
  ledger_->LeftInDoubt(std::exchange(session->in_doubt, {}));
}

bool SimNextHop::ConsumeLine(Session* session) {
  size_t end = session->unread.find("\r\n");
  if (end == std::string::npos) return false;
  std::string line = session->unread.substr(0, end);
  session->unread.erase(0, end + 2);
  OnCommand(session, line);
  return true;
}

void SimNextHop::OnCommand(Session* session, const std::string& line) {
  if (session->final_said) session->in_doubt.clear();
  if (Chance(800)) return Say(session, random_.OneIn(2) ? "what is this" : "999 no such code");
  if (Chance(800)) return Say(session, "250-" + std::string(6000, 'x'));
  if (line.starts_with("EHLO")) return OnHello(session);
  if (line.starts_with("MAIL")) return OnMail(session, line);
  if (line.starts_with("RCPT")) return OnRecipient(session, line);
  if (line.starts_with("BDAT ")) return OnBdat(session, line);
  if (line == "STARTTLS") return OnStartTls(session);
  if (line == "DATA") {
    session->content.clear();
    session->in_data = !session->recipients.empty() && !Chance(20);
    Say(session, session->in_data ? "354 go on" : "451 4.3.0 no data now");
  } else if (line == "RSET") {
    session->recipients.clear();
    session->content.clear();
    Say(session, "250 2.0.0 ok");
  } else if (line == "QUIT") {
    Say(session, "221 2.0.0 bye");
    session->peer->Close();
    session->over = true;
  } else {
    Say(session, "500 5.5.2 what");
  }
}

void SimNextHop::OnHello(Session* session) {
  Say(session, "250-hop.example.net");
  if (!random_.OneIn(4)) Say(session, "250-PIPELINING");
  if (random_.OneIn(2)) Say(session, "250-CHUNKING");
  if (random_.OneIn(3)) Say(session, "250-LIMITS RCPTMAX=2");
  if (random_.OneIn(3)) Say(session, "250-DSN");
  if (!session->peer->under_tls() && !random_.OneIn(3)) Say(session, "250-STARTTLS");
  Say(session, "250 8BITMIME");
}

void SimNextHop::OnStartTls(Session* session) {
  if (Chance(20)) return Say(session, "454 4.7.0 not now");
  Say(session, "220 2.0.0 go ahead");
  if (Chance(20)) return session->peer->Write("and no handshake");
  session->peer->Accept(*tls_);
}

void SimNextHop::OnMail(Session* session, const std::string& line) {
  session->recipients.clear();
  session->reverse_path = PathIn(line);
  session->refused_sender = !session->reverse_path.empty() && Chance(60);
  if (session->refused_sender) {
    ledger_->RefusedSender(session->reverse_path, world_->wall_now());
    return Say(session, "550 5.7.1 not from you");
  }
  bool busy = mood_ == Mood::kBusy || Chance(15);
  Say(session, busy ? "451 4.3.0 not now" : "250 2.1.0 ok");
}

// A report is never refused for good: one on a report would be lost, by rule.
void SimNextHop::OnRecipient(Session* session, const std::string& line) {
  if (session->refused_sender) return Say(session, "503 5.5.1 no sender");
  if (Chance(10)) return Say(session, "450 4.2.1 greylisted");
  if (Chance(15)) return Say(session, "452 4.5.3 too many recipients");
  std::string recipient = PathIn(line);
  if (!session->reverse_path.empty() && Chance(25)) {
    ledger_->RefusedForGood(recipient, world_->wall_now());
    return Say(session, "550 5.1.1 no such user");
  }
  session->recipients.insert(recipient);
  Say(session, "250 2.1.5 ok");
}

void SimNextHop::OnBdat(Session* session, const std::string& line) {
  session->bdat_left = std::strtoull(line.c_str() + 5, nullptr, 10);
  session->bdat_last = line.ends_with(" LAST");
  if (session->bdat_left > 0) return;
  if (session->bdat_last) {
    EndOfMessage(session);
  } else {
    Say(session, "250 2.0.0 ok");
  }
}

bool SimNextHop::ConsumeData(Session* session) {
  size_t end = session->unread.starts_with(".\r\n") ? 0 : session->unread.find("\r\n.\r\n");
  if (end == std::string::npos) return false;
  std::string stuffed = session->unread.substr(0, end == 0 ? 0 : end + 2);
  session->unread.erase(0, end == 0 ? 3 : end + 5);
  for (size_t i = 0; i < stuffed.size(); ++i) {
    bool line_start = i == 0 || stuffed[i - 1] == '\n';
    if (!(line_start && stuffed[i] == '.')) session->content += stuffed[i];
  }
  session->in_data = false;
  EndOfMessage(session);
  return true;
}

bool SimNextHop::ConsumeBdat(Session* session) {
  size_t take = std::min(session->bdat_left, session->unread.size());
  if (take == 0) return false;
  session->content += session->unread.substr(0, take);
  session->unread.erase(0, take);
  session->bdat_left -= take;
  if (session->bdat_left > 0) return false;
  if (session->bdat_last) {
    EndOfMessage(session);
  } else {
    Say(session, "250 2.0.0 ok");
  }
  return true;
}

void SimNextHop::EndOfMessage(Session* session) {
  std::set<std::string> recipients = std::exchange(session->recipients, {});
  std::string content = std::exchange(session->content, {});
  if (Chance(20)) return Say(session, "451 4.3.0 try later");
  if (recipients.empty()) return Say(session, "554 5.5.1 no recipients");
  if (!session->reverse_path.empty() && Chance(40)) {
    for (const std::string& recipient : recipients)
      ledger_->RefusedForGood(recipient, world_->wall_now());
    return Say(session, "554 5.7.1 not wanted");
  }
  ledger_->Arrived(content, session->reverse_path, recipients, world_->wall_now());
  session->in_doubt.insert(recipients.begin(), recipients.end());
  session->final_said = mood_ != Mood::kSilent;
  if (Chance(60)) {  // it has the message, and we never learn
    if (random_.OneIn(2)) session->peer->Write("25");
    if (random_.OneIn(2)) {
      session->peer->Close();
    } else {
      session->peer->Reset();
    }
    return End(session);
  }
  Say(session, "250 2.0.0 taken");
}

}  // namespace ringpost::sim
