// simulate FIRST COUNT: runs the whole gateway on the simulated ring, clock and store, one seed one
// run.
//
// A run: clients send (sim_client.h), the store fails now and then, next hops fail
// (sim_next_hop.h); by the seed the power goes once or twice in the middle and the gateway starts
// again on what was synced. Then the next hop becomes kind, everything that is queued must leave,
// and the ledger (sim_ledger.h) is read.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sim_client.h"
#include "tests/sim/sim_gateway.h"
#include "tests/sim/sim_ledger.h"
#include "tests/sim/sim_next_hop.h"

namespace ringpost::sim {
namespace {

constexpr int kClients = 6;
constexpr int kMessagesPerClient = 8;
constexpr int kStepsMax = 3'000'000;

struct Totals {
  uint64_t acknowledged = 0, reports = 0, duplicates = 0, temp_failed_but_out = 0, crashes = 0;
};

// A machine that lost its power: its objects are never destroyed in order, and never touched again.
struct Machine {
  std::unique_ptr<reactor::SimWorld> world;
  std::unique_ptr<SimNextHop> next_hop;
  std::unique_ptr<SimGateway> gateway;
  std::vector<std::unique_ptr<SimClient>> clients;
};
auto& graveyard = *new std::vector<std::unique_ptr<Machine>>;

class Run {
 public:
  explicit Run(uint64_t seed)
      : seed_(seed), random_(seed * 7919 + 1), spool_(seed, SpoolFaults()) {}

  std::string Go(Totals* totals) {
    int lives = 1 + static_cast<int>(random_.Below(3));
    for (int life = 0; life < lives; ++life) {
      bool last = life + 1 == lives;
      Boot(life);
      int steps = last ? kStepsMax : static_cast<int>(2000 + random_.Below(60'000));
      bool finished = Live(steps, last);
      if (last && !finished) return Describe("the queue did not empty");
      if (!last) PowerCut();
    }
    std::string drained = Drain();
    if (!drained.empty()) return Describe(drained);
    std::string verdict = ledger_.Verdict();
    totals->acknowledged += ledger_.acknowledged();
    totals->reports += ledger_.reports();
    totals->duplicates += ledger_.duplicates();
    totals->temp_failed_but_out += ledger_.temp_failed_but_out();
    totals->crashes += static_cast<uint64_t>(lives - 1);
    return verdict;
  }

 private:
  static storage::MemorySpoolFaults SpoolFaults() {
    storage::MemorySpoolFaults faults;
    faults.io_error_one_in = 200;
    faults.no_space_one_in = 5000;
    return faults;
  }

  void Boot(int life) {
    machine_ = std::make_unique<Machine>();
    machine_->world = std::make_unique<reactor::SimWorld>(seed_ * 31 + static_cast<uint64_t>(life),
                                                          reactor::SimFaults::Hostile());
    reactor::SimWorld* world = machine_->world.get();
    machine_->next_hop = std::make_unique<SimNextHop>(world, kNextHop, &ledger_, random_.Next());
    machine_->gateway = std::make_unique<SimGateway>(world, &spool_, kListen, kNextHop);
    for (int i = 0; i < kClients; ++i) {
      int first = (life * kClients + i) * 1000;
      machine_->clients.push_back(std::make_unique<SimClient>(world, kListen, &ledger_, first,
                                                              kMessagesPerClient, random_.Next()));
    }
  }

  // True when, in the last life, everything that was promised has left.
  bool Live(int steps, bool last) {
    for (int step = 0; step < steps; ++step) {
      machine_->world->Step();
      spool_.Tick();
      bool clients_done = true;
      for (auto& client : machine_->clients) {
        client->Act();
        clients_done &= client->done();
      }
      if (step % 256 == 0) machine_->next_hop->Tidy();
      if (!last || !clients_done) continue;
      machine_->next_hop->BecomeKind();
      machine_->world->faults() = reactor::SimFaults::Rough();
      if (ledger_.Settled() && machine_->gateway->queued() == 0) return true;
    }
    return false;
  }

  void PowerCut() {
    spool_.Crash();
    ledger_.NoteCrash();
    for (auto& client : machine_->clients) client->ServerDied();
    graveyard.push_back(std::move(machine_));
  }

  std::string Drain() {
    machine_->clients.clear();
    machine_->gateway->BeginDrain();
    for (int step = 0; step < kStepsMax; ++step) {
      if (machine_->gateway->drained()) return "";
      machine_->world->Step();
      spool_.Tick();
    }
    return "it did not drain";
  }

  // What is wrong; the machine as it stands goes to the graveyard.
  std::string Describe(const std::string& what) {
    std::string verdict = ledger_.Verdict();
    std::string left = std::to_string(machine_->gateway->queued()) + " entries left";
    graveyard.push_back(std::move(machine_));
    return what + ", " + left + (verdict.empty() ? "" : "; " + verdict);
  }

  const Endpoint kListen = *Endpoint::Parse("192.0.2.1:25");
  const Endpoint kNextHop = *Endpoint::Parse("192.0.2.2:25");
  uint64_t seed_;
  Random random_;
  storage::MemorySpool spool_;
  SimLedger ledger_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace
}  // namespace ringpost::sim

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: simulate FIRST_SEED COUNT\n");
    return 2;
  }
  uint64_t first = std::strtoull(argv[1], nullptr, 10);
  uint64_t count = std::strtoull(argv[2], nullptr, 10);
  ringpost::sim::Totals totals;
  int failures = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    std::string error = ringpost::sim::Run(seed).Go(&totals);
    if (error.empty()) continue;
    ++failures;
    std::printf("seed %llu: %s\n  again: simulate %llu 1\n", static_cast<unsigned long long>(seed),
                error.c_str(), static_cast<unsigned long long>(seed));
  }
  std::printf(
      "%llu seeds, %d failed: %llu acknowledged, %llu reports, %llu duplicates, %llu power cuts, "
      "%llu out though answered 4xx\n",
      static_cast<unsigned long long>(count), failures,
      static_cast<unsigned long long>(totals.acknowledged),
      static_cast<unsigned long long>(totals.reports),
      static_cast<unsigned long long>(totals.duplicates),
      static_cast<unsigned long long>(totals.crashes),
      static_cast<unsigned long long>(totals.temp_failed_but_out));
  return failures == 0 ? 0 : 1;
}
