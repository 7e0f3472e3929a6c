// SimClient: a simulated sender: one connection at a time, several messages, by the seed's whims:
// pipelined or not, DATA or BDAT, resets and disappearances at any state, rubbish now and then.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "gateway/reactor/sim_io.h"
#include "tests/sim/sim_ledger.h"

namespace ringpost::sim {

class SimClient {
 public:
  SimClient(reactor::SimWorld* world, const Endpoint& server, SimLedger* ledger, int first_number,
            int messages, uint64_t seed);

  // Acts on what has come; called again and again.
  void Act();
  bool done() const { return left_ == 0 && !peer_; }
  // The server's process is gone: what was not answered never will be.
  void ServerDied();

 private:
  enum class Phase : uint8_t { kGreeting, kEhlo, kEnvelope, kData, kFinal, kQuit };

  void Connect();
  void HangUp();
  void Begin();
  void SendBody();
  bool TakeReply(std::string* reply);
  void OnReply(const std::string& reply);
  void OnEnvelopeReply(const std::string& reply);
  void Finish(Told told);
  static std::string Stuff(const std::string& body);

  reactor::SimWorld* world_;
  Endpoint server_;
  SimLedger* ledger_;
  Random random_;
  std::unique_ptr<reactor::SimPeer> peer_;
  std::string unread_;
  Phase phase_ = Phase::kGreeting;
  int number_;
  int left_;
  bool use_bdat_ = false;
  bool refused_ = false;  // MAIL or every RCPT was
  int replies_due_ = 0;   // of the envelope's group
  int recipients_accepted_ = 0;
  std::string body_;
  std::set<std::string> recipients_;
};

}  // namespace ringpost::sim
