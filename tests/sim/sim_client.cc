#include "tests/sim/sim_client.h"

#include <utility>

namespace ringpost::sim {

SimClient::SimClient(reactor::SimWorld* world, const Endpoint& server, SimLedger* ledger,
                     int first_number, int messages, uint64_t seed)
    : world_(world),
      server_(server),
      ledger_(ledger),
      random_(seed),
      number_(first_number),
      left_(messages) {}

void SimClient::Connect() {
  peer_ = world_->Connect(server_);
  phase_ = Phase::kGreeting;
  unread_.clear();
}

void SimClient::Act() {
  if (!peer_) {
    if (left_ > 0 && random_.OneIn(8)) Connect();
    return;
  }
  if (random_.OneIn(4000)) {  // gone, at whatever state
    if (random_.OneIn(2)) peer_->Reset();
    HangUp();
    return;
  }
  unread_ += peer_->TakeReceived();
  std::string reply;
  while (peer_ && TakeReply(&reply)) OnReply(reply);
  if (peer_ && peer_->ended()) HangUp();
}

bool SimClient::TakeReply(std::string* reply) {
  size_t at = 0;
  while (true) {
    size_t end = unread_.find("\r\n", at);
    if (end == std::string::npos) return false;
    bool last = end < at + 4 || unread_[at + 3] != '-';
    if (last) {
      *reply = unread_.substr(at, end - at);
      unread_.erase(0, end + 2);
      return true;
    }
    at = end + 2;
  }
}

void SimClient::OnReply(const std::string& reply) {
  if (reply.starts_with("421")) {
    // The server ends the session. A message that waited for its reply may or may not be taken.
    if (phase_ == Phase::kFinal) Finish(Told::kTempFailed);
    HangUp();
    return;
  }
  switch (phase_) {
    case Phase::kGreeting:
      phase_ = Phase::kEhlo;
      peer_->Write("EHLO client.example.com\r\n");
      return;
    case Phase::kEhlo:
      Begin();
      return;
    case Phase::kEnvelope:
      OnEnvelopeReply(reply);
      return;
    case Phase::kData:
      if (reply[0] == '3') {
        SendBody();
      } else {
        Finish(reply[0] == '4' ? Told::kTempFailed : Told::kRefused);
        Begin();
      }
      return;
    case Phase::kFinal:
      Finish(reply[0] == '2'   ? Told::kAcknowledged
             : reply[0] == '4' ? Told::kTempFailed
                               : Told::kRefused);
      Begin();
      return;
    case Phase::kQuit:
      HangUp();
      return;
  }
}

void SimClient::Begin() {
  if (left_ == 0) {
    phase_ = Phase::kQuit;
    peer_->Write("QUIT\r\n");
    return;
  }
  if (random_.OneIn(20)) peer_->Reset();
  size_t size = random_.OneIn(12) ? 20'000 + random_.Below(400'000) : random_.Below(6000);
  body_ = "Subject: n\r\nX-Sim: " + std::to_string(number_) + "\r\n\r\n";
  while (body_.size() < size) {
    body_ += random_.OneIn(5) ? ".\r\n" : random_.OneIn(5) ? "..x.\r\n" : "a line of text\r\n";
  }
  recipients_.clear();
  for (uint64_t n = 1 + random_.Below(4); n > 0; --n) {
    recipients_.insert("r" + std::to_string(random_.Below(50)) + "@d" +
                       std::to_string(random_.Below(5)) + ".example.net");
  }
  std::string group = "MAIL FROM:<s" + std::to_string(number_) + "@example.com>\r\n";
  for (const std::string& recipient : recipients_) group += "RCPT TO:<" + recipient + ">\r\n";
  use_bdat_ = random_.OneIn(3);
  refused_ = false;
  replies_due_ = static_cast<int>(1 + recipients_.size());
  recipients_accepted_ = 0;
  phase_ = Phase::kEnvelope;
  peer_->Write(group);
}

void SimClient::OnEnvelopeReply(const std::string& reply) {
  bool is_mail = replies_due_ == static_cast<int>(1 + recipients_.size());
  if (reply[0] != '2' && is_mail) refused_ = true;
  if (reply[0] == '2' && !is_mail) ++recipients_accepted_;
  if (--replies_due_ > 0) return;
  if (refused_ || recipients_accepted_ != static_cast<int>(recipients_.size())) {
    // Refused before any data; try the same number again with a new envelope.
    peer_->Write("RSET\r\n");
    phase_ = Phase::kEhlo;
    return;
  }
  ledger_->Sent(number_, body_, recipients_);
  ledger_->Heard(number_, Told::kUnfinished);
  if (use_bdat_) {
    SendBody();
  } else {
    phase_ = Phase::kData;
    peer_->Write("DATA\r\n");
  }
}

void SimClient::SendBody() {
  phase_ = Phase::kFinal;
  if (random_.OneIn(15)) {  // half of it, then gone
    if (use_bdat_) {
      peer_->Write("BDAT " + std::to_string(body_.size()) + " LAST\r\n");
      peer_->Write(body_.substr(0, body_.size() / 2));
    } else {
      std::string stuffed = Stuff(body_);
      peer_->Write(stuffed.substr(0, stuffed.size() / 2));
    }
    Finish(Told::kUnfinished);
    HangUp();
    return;
  }
  // From here on the server may have all of it.
  ledger_->Heard(number_, Told::kNothing);
  if (use_bdat_) {
    peer_->Write("BDAT " + std::to_string(body_.size()) + " LAST\r\n" + body_);
  } else {
    peer_->Write(Stuff(body_) + ".\r\n");
  }
}

std::string SimClient::Stuff(const std::string& body) {
  std::string out;
  bool line_start = true;
  for (char c : body) {
    if (line_start && c == '.') out += '.';
    out += c;
    line_start = c == '\n';
  }
  return out;
}

void SimClient::Finish(Told told) {
  ledger_->Heard(number_, told);
  ++number_;
  --left_;
}

void SimClient::HangUp() {
  bool open = phase_ == Phase::kFinal || phase_ == Phase::kData;
  // What was sent whole and not answered is told nothing; its number is not used again.
  if (open && left_ > 0) {
    ++number_;
    --left_;
  }
  phase_ = Phase::kGreeting;
  peer_.reset();
}

void SimClient::ServerDied() {
  if (peer_) HangUp();
}

}  // namespace ringpost::sim
