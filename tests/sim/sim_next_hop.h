// SimNextHop: a simulated next hop that takes mail and fails by the seed: 4xx and 5xx at every
// command, drops at every state, with and without the extensions.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>

#include "gateway/reactor/sim_io.h"
#include "tests/sim/sim_ledger.h"

namespace ringpost::sim {

class SimNextHop {
 public:
  SimNextHop(reactor::SimWorld* world, const Endpoint& local, SimLedger* ledger, uint64_t seed);
  ~SimNextHop();

  // From now on it refuses nothing and breaks nothing: what is queued can leave.
  void BecomeKind() { kind_ = true; }
  void Tidy();  // forgets connections that have ended

 private:
  struct Session {
    std::unique_ptr<reactor::SimPeer> peer;
    std::string unread;
    std::string content;
    std::set<std::string> recipients;
    size_t bdat_left = 0;
    bool bdat_last = false;
    bool in_data = false;
    bool over = false;
    bool in_doubt = false;   // it took a message, and no command has shown yet that we know
    bool is_report = false;  // never refused for good: a report on a report would be lost by rule
  };

  void OnActivity(Session* session);
  bool ConsumeLine(Session* session);
  bool ConsumeData(Session* session);
  bool ConsumeBdat(Session* session);
  void OnCommand(Session* session, const std::string& line);
  void EndOfMessage(Session* session);
  void End(Session* session);
  void Say(Session* session, const std::string& line);
  bool Chance(uint64_t one_in) { return !kind_ && random_.OneIn(one_in); }

  reactor::SimWorld* world_;
  Endpoint local_;
  SimLedger* ledger_;
  Random random_;
  bool kind_ = false;
  std::list<Session> sessions_;
};

}  // namespace ringpost::sim
