#include "tests/sim/sim_client.h"

#include <algorithm>
#include <utility>

#include "gateway/base/limits.h"

namespace ringpost::sim {

SimClient::SimClient(reactor::SimWorld* world, const Endpoint& server, SimLedger* ledger,
                     const Task& task, uint64_t seed)
    : world_(world),
      server_(server),
      ledger_(ledger),
      task_(task),
      random_(seed),
      number_(task.first_number),
      left_(task.messages) {}

void SimClient::Connect() {
  std::unique_ptr<reactor::SimPeer> peer = world_->Connect(server_);
  if (!peer) return;
  peer_ = std::make_unique<SimTalk>(std::move(peer));
  phase_ = Phase::kGreeting;
  silent_ = false;
  unread_.clear();
}

void SimClient::Act() {
  if (!peer_) {
    if (left_ > 0 && random_.OneIn(8)) Connect();
    return;
  }
  if (Misbehave()) return;
  unread_ += peer_->TakeReceived();
  std::string reply;
  while (peer_ && TakeReply(&reply)) OnReply(reply);
  if (peer_ && peer_->ended()) HangUp();
}

// True where there is nothing more to do this time.
bool SimClient::Misbehave() {
  if (random_.OneIn(4000)) {  // gone, at whatever state
    if (random_.OneIn(2)) peer_->Reset();
    HangUp();
    return true;
  }
  if (random_.OneIn(8000)) silent_ = true;
  if (random_.OneIn(3000)) peer_->SetReading(false);
  if (random_.OneIn(300)) peer_->SetReading(true);
  if (!silent_) return false;
  peer_->SetReading(true);
  if (peer_->ended()) silent_ = false;  // reads what was said, and goes
  return silent_;
}

bool SimClient::TakeReply(std::string* reply) {
  size_t at = 0;
  while (true) {
    size_t end = unread_.find("\r\n", at);
    if (end == std::string::npos) return false;
    bool last = end < at + 4 || unread_[at + 3] != '-';
    if (last) {
      *reply = unread_.substr(0, end);
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
    return HangUp();
  }
  switch (phase_) {
    case Phase::kGreeting:
      phase_ = Phase::kHello;
      peer_->Write("EHLO client.example.com\r\n");
      return;
    case Phase::kHello:
      return OnHello(reply);
    case Phase::kStartTls:
      if (reply[0] != '2') return Begin();
      phase_ = Phase::kHello;
      peer_->Connect(*task_.tls, "gateway");
      peer_->Write("EHLO client.example.com\r\n");
      return;
    case Phase::kReady:
      return Begin();
    case Phase::kEnvelope:
      return OnEnvelopeReply(reply);
    case Phase::kData:
      if (reply[0] == '3') return SendBody();
      Finish(reply[0] == '4' ? Told::kUnfinished : Told::kRefused);
      return Begin();
    case Phase::kFinal:
      return OnFinalReply(reply);
    case Phase::kQuit:
      return HangUp();
  }
}

void SimClient::OnHello(const std::string& reply) {
  bool secures = !peer_->under_tls() && reply.find("STARTTLS") != std::string::npos;
  if (!secures || random_.OneIn(3)) {
    phase_ = Phase::kReady;
    return Begin();
  }
  phase_ = Phase::kStartTls;
  peer_->Write("STARTTLS\r\n");
}

// The last chunk's reply is the message's.
void SimClient::OnFinalReply(const std::string& reply) {
  if (use_bdat_ && --chunks_due_ > 0) return;
  Finish(reply[0] == '2'   ? Told::kAcknowledged
         : reply[0] == '4' ? Told::kTempFailed
                           : Told::kRefused);
  Begin();
}

void SimClient::Begin() {
  if (left_ == 0) {
    phase_ = Phase::kQuit;
    peer_->Write("QUIT\r\n");
    return;
  }
  if (random_.OneIn(30)) {
    // Rubbish: one reply comes to it, then we go on.
    phase_ = Phase::kReady;
    std::string rubbish = random_.OneIn(3)   ? std::string(3000, 'y')
                          : random_.OneIn(2) ? std::string("NO\0OP\xFF", 6)
                                             : std::string("RCPT TO:<before@mail.example>");
    peer_->Write(rubbish + "\r\n");
    return;
  }
  if (random_.OneIn(20)) peer_->Reset();
  DrawMessage();
  std::string group = "MAIL FROM:<" + message_.sender + ">";
  if (random_.OneIn(3)) group += " SIZE=" + std::to_string(message_.body.size());
  group += "\r\n";
  AddRecipients(&group);
  replies_ = 0;
  sender_refused_ = false;
  phase_ = Phase::kEnvelope;
  peer_->Write(group);
}

void SimClient::DrawMessage() {
  message_ = SentMessage{};
  message_.deadline = world_->wall_now() + task_.lifetime;
  message_.body = DrawBody();
  message_.sender = random_.OneIn(15) ? std::string() : SimLedger::SenderOf(number_);
  use_bdat_ = random_.OneIn(3);
}

void SimClient::AddRecipients(std::string* group) {
  asked_.clear();
  std::string middle = "." + std::to_string(number_) + "@";
  for (uint64_t n = 1 + random_.Below(4); n > 0; --n) {
    bool stray = random_.OneIn(25);
    std::string domain = stray ? std::string(kUnroutableDomain)
                               : "d" + std::to_string(random_.Below(kDomains)) + ".example.net";
    std::string address = "r" + std::to_string(n) + middle + domain;
    asked_.push_back(address);
    *group += "RCPT TO:<" + address + ">";
    bool never = random_.OneIn(12);
    if (never) *group += " NOTIFY=NEVER";
    if (!never && random_.OneIn(8)) *group += " NOTIFY=SUCCESS,FAILURE,DELAY";
    *group += "\r\n";
    message_.recipients[address] = never;
  }
}

// Lines, some of which begin with dots. One in a while is one that no server may take.
std::string SimClient::DrawBody() {
  std::string body = "From: somebody@example.com\r\nSubject: n\r\nX-Sim: ";
  body += std::to_string(number_) + "\r\n\r\n";
  uint64_t kind = random_.Below(60);
  size_t size = random_.OneIn(12) ? 20'000 + random_.Below(250'000) : random_.Below(6000);
  if (kind == 0) size = kMessageBytesMax + 1 + random_.Below(50'000);
  while (body.size() < size) {
    body += random_.OneIn(5) ? ".\r\n" : random_.OneIn(5) ? "..x.\r\n" : "a line of text\r\n";
  }
  if (kind == 1) body += random_.OneIn(2) ? "bare\n.\nnewline\r\n" : "bare\r.\rreturn\r\n";
  if (kind == 2) body += std::string("a NUL \0 here\r\n", 14);
  if (kind == 3) {
    std::string trace;
    for (uint32_t n = 0; n <= limits::kReceivedFieldsMax; ++n) trace += "Received: from loop\r\n";
    body.insert(0, trace);
  }
  message_.must_be_refused = kind < 4;
  return body;
}

void SimClient::OnEnvelopeReply(const std::string& reply) {
  size_t at = replies_++;
  if (at == 0) {
    sender_refused_ = reply[0] != '2';
  } else if (reply[0] != '2') {
    message_.recipients.erase(asked_[at - 1]);
  } else if (asked_[at - 1].ends_with(kUnroutableDomain)) {
    message_.must_be_refused = true;  // the ledger will say so
  }
  if (replies_ <= asked_.size()) return;
  if (sender_refused_ || message_.recipients.empty()) {
    // Refused before any data; the same number once more with a new envelope.
    peer_->Write("RSET\r\n");
    phase_ = Phase::kReady;
    return;
  }
  ledger_->Sent(number_, message_);
  if (use_bdat_) return SendBody();
  phase_ = Phase::kData;
  peer_->Write("DATA\r\n");
}

void SimClient::SendBody() {
  phase_ = Phase::kFinal;
  if (random_.OneIn(15)) return SendHalf();
  // From here on the server may have all of it.
  ledger_->Heard(number_, Told::kNothing);
  peer_->Write(use_bdat_ ? AsChunks() : Stuff(message_.body) + ".\r\n");
  if (random_.OneIn(20)) peer_->HalfClose();
}

// Half of it, then gone.
void SimClient::SendHalf() {
  if (use_bdat_) {
    peer_->Write("BDAT " + std::to_string(message_.body.size()) + " LAST\r\n");
    peer_->Write(message_.body.substr(0, message_.body.size() / 2));
  } else {
    std::string stuffed = Stuff(message_.body);
    peer_->Write(stuffed.substr(0, stuffed.size() / 2));
  }
  Finish(Told::kUnfinished);
  HangUp();
}

std::string SimClient::AsChunks() {
  std::string wire;
  size_t size = message_.body.size();
  size_t most = random_.OneIn(2) ? size : 1 + size / (1 + random_.Below(6));
  chunks_due_ = 0;
  for (size_t at = 0; at < size; ++chunks_due_) {
    size_t count = std::min(most, size - at);
    bool last = at + count == size;
    wire += "BDAT " + std::to_string(count) + (last ? " LAST\r\n" : "\r\n");
    wire += message_.body.substr(at, count);
    at += count;
  }
  return wire;
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
  phase_ = Phase::kReady;
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
