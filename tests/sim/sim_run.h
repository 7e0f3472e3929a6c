// SimRun: one seed, one run of the whole gateway on the simulated ring, clock and store.
//
// A run is one to three lives of the gateway, with one to three shards each. In a life clients send
// (sim_client.h), the network and the store fail now and then, next hops fail and change their
// moods (sim_next_hop.h), an operator interferes (sim_operator.h). A life ends by a power cut, in
// the middle of whatever happens, or by an orderly stop, with or without the time to drain; the
// next one begins on what the store has. In the last one the next hops become kind once all clients
// are done: everything must leave, unless the operator holds it, and the ledger (sim_ledger.h) is
// read.
//
// Threads: none. The same seed gives the same run, in any process: digest() tells.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/sim/memory_spool.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_gateway.h"
#include "tests/sim/sim_ledger.h"
#include "tests/sim/sim_next_hop.h"
#include "tests/sim/sim_operator.h"

namespace ringpost::sim {

// Bugs that are no part of the gateway but of what it stands on, seeded to see that a run notices
// them.
enum class Bug : uint8_t {
  kNone,
  kLostCompletion,  // the ring swallows the last Result of an operation
  kEarly250,        // the store answers durable before it is
  kDoubleFree,      // a receive buffer is given back twice
};

struct Totals {
  uint64_t acknowledged = 0, refused = 0, temp_failed = 0, temp_failed_but_out = 0, unanswered = 0;
  uint64_t unfinished = 0, held = 0, reports = 0, duplicates = 0, in_doubt = 0;
  uint64_t power_cuts = 0, restarts = 0, commands = 0, steps = 0;
};

class SimRun {
 public:
  SimRun(uint64_t seed, Bug bug);
  ~SimRun();

  // Empty where all is well; else what is wrong. Adds what was seen to `totals`.
  std::string Go(Totals* totals);
  // Of everything that happened.
  uint64_t digest() const { return digest_ * 31 + ledger_.digest(); }

 private:
  struct Machine;

  void Boot();
  bool Live(uint64_t steps, bool last);
  bool AllDone();
  std::string EndLife();
  void PowerCut();
  std::string Stop(uint64_t grace_steps);
  void LookAtStore();
  std::string Describe(const std::string& what);
  void Count(Totals* totals) const;
  bool Held(const std::string& recipient) const { return held_.contains(recipient); }
  void BuryMachine();

  uint64_t seed_;
  Bug bug_;
  Random random_;
  storage::MemorySpool spool_;
  SimLedger ledger_;
  TlsSetup tls_;
  GatewayPlan plan_;
  bool release_at_end_;
  int lives_begun_ = 0;
  WallTime now_;  // when the machine was last alive
  std::unique_ptr<Machine> machine_;
  std::set<std::string> held_;  // recipients that the store has as held
  uint64_t held_parts_ = 0;     // those of one message and domain as one
  std::vector<std::string> open_;
  Totals seen_;
  uint64_t digest_ = 0;
};

}  // namespace ringpost::sim
