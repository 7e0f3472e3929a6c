#include "tests/sim/sim_run.h"

#include <algorithm>
#include <utility>

namespace ringpost::sim {
namespace {

constexpr int kClients = 6;
constexpr int kMessagesPerClient = 8;
constexpr int kLivesMax = 3;
constexpr uint64_t kStepsMax = 3'000'000;
// Steps in which nothing happened and nothing was asked for: it will stay so.
constexpr uint64_t kIdleStepsMax = 20'000;
constexpr uint64_t kLookSteps = 256;

// In some runs troubles of the store are short, in some they last until clients have heard of them.
storage::MemorySpoolFaults SpoolFaults(uint64_t seed, Bug bug) {
  bool lasting = seed % 3 == 0;
  storage::MemorySpoolFaults faults;
  faults.io_error_one_in = lasting ? 400 : 200;
  faults.io_error_lasts_ticks = lasting ? 3000 : 20;
  faults.no_space_one_in = 5000;
  faults.no_space_lasts_ticks = lasting ? 1000 : 20;
  faults.stall_one_in = 4000;
  faults.stall_lasts_ticks = lasting ? 1000 : 60;
  faults.crash_keeps_some = true;
  if (bug == Bug::kEarly250) faults.early_answer_ticks = 3000;  // a reply takes hundreds to arrive
  return faults;
}

reactor::SimFaults RingFaults(reactor::SimFaults faults, Bug bug) {
  if (bug == Bug::kLostCompletion) faults.lost_completion = 5000;
  if (bug == Bug::kDoubleFree) faults.released_twice = 2000;
  return faults;
}

bool IsOpen(storage::RecipientStatus status) {
  return status != storage::RecipientStatus::kDelivered &&
         status != storage::RecipientStatus::kBounced;
}

}  // namespace

struct SimRun::Machine {
  std::unique_ptr<reactor::SimWorld> world;
  std::vector<std::unique_ptr<SimNextHop>> next_hops;
  std::unique_ptr<SimGateway> gateway;
  std::unique_ptr<SimOperator> controls;
  std::vector<std::unique_ptr<SimClient>> clients;
};

SimRun::SimRun(uint64_t seed, Bug bug)
    : seed_(seed),
      bug_(bug),
      random_(seed * 7919 + 1),
      spool_(seed, SpoolFaults(seed, bug)),
      now_(reactor::SimWorld::DefaultStart()) {
  plan_.listen = *Endpoint::Parse("192.0.2.1:25");
  for (const char* hop : {"192.0.2.2:25", "192.0.2.3:25", "192.0.2.4:25"}) {
    plan_.next_hops.push_back(*Endpoint::Parse(hop));
  }
  plan_.tls = &tls_;
  plan_.lifetime = Seconds(random_.OneIn(3) ? 600 : 5 * 86'400);
  release_at_end_ = !random_.OneIn(4);
  plan_.signing = static_cast<Signing>(random_.Below(3));
  ledger_.Expect(plan_.signing);
}

SimRun::~SimRun() { BuryMachine(); }

// A machine that lost its power, or does not end: its objects are not destroyed in order, and never
// touched again.
void SimRun::BuryMachine() {
  static auto& graveyard = *new std::vector<std::unique_ptr<Machine>>;
  if (machine_) graveyard.push_back(std::move(machine_));
}

std::string SimRun::Go(Totals* totals) {
  auto lives = 1 + static_cast<int>(random_.Below(kLivesMax));
  for (int life = 0; life < lives; ++life) {
    bool last = life + 1 == lives;
    Boot();
    bool finished = Live(last ? kStepsMax : 2000 + random_.Below(60'000), last);
    if (last && !finished) return Describe("the queue did not empty");
    std::string wrong = last ? Stop(0) : EndLife();
    if (!wrong.empty()) return Describe(wrong);
  }
  LookAtStore();
  Count(totals);
  return ledger_.Verdict([this](const std::string& recipient) { return Held(recipient); }, now_);
}

void SimRun::Boot() {
  machine_ = std::make_unique<Machine>();
  uint64_t world_seed = seed_ * 31 + static_cast<uint64_t>(lives_begun_);
  machine_->world = std::make_unique<reactor::SimWorld>(
      world_seed, RingFaults(reactor::SimFaults::Hostile(), bug_), now_);
  reactor::SimWorld* world = machine_->world.get();
  for (const Endpoint& hop : plan_.next_hops) {
    machine_->next_hops.push_back(
        std::make_unique<SimNextHop>(world, hop, &ledger_, &tls_, random_.Next()));
  }
  auto shards = 1 + static_cast<uint32_t>(random_.Below(3));
  machine_->gateway = std::make_unique<SimGateway>(world, &spool_, plan_, shards, random_.Next());
  machine_->controls = std::make_unique<SimOperator>(world, machine_->gateway.get(), &ledger_,
                                                     plan_.next_hops, random_.Next());
  for (int i = 0; i < kClients; ++i) {
    SimClient::Task task{(lives_begun_ * kClients + i) * 1000, kMessagesPerClient, plan_.lifetime,
                         &tls_};
    machine_->clients.push_back(
        std::make_unique<SimClient>(world, plan_.listen, &ledger_, task, random_.Next()));
  }
  ++lives_begun_;
}

// True when, in the last life, everything that was promised has left or is held.
bool SimRun::Live(uint64_t steps, bool last) {
  uint64_t idle = 0;
  for (uint64_t step = 0; step < steps && idle < kIdleStepsMax; ++step) {
    bool moved = machine_->world->Step();
    moved |= machine_->gateway->Work();
    idle = moved || !spool_.idle() ? 0 : idle + 1;
    spool_.Tick();
    bool clients_done = true;
    for (auto& client : machine_->clients) {
      client->Act();
      clients_done &= client->done();
    }
    if (step % kLookSteps == 0) {
      for (auto& hop : machine_->next_hops) hop->Tidy();
    }
    if (random_.OneIn(4000)) {
      auto mood = static_cast<SimNextHop::Mood>(random_.Below(SimNextHop::kMoods));
      machine_->next_hops[random_.Below(machine_->next_hops.size())]->SetMood(mood);
    }
    if (!last || !clients_done) {
      machine_->controls->Act();
      continue;
    }
    for (auto& hop : machine_->next_hops) hop->BecomeKind();
    machine_->world->faults() = RingFaults(reactor::SimFaults::Rough(), bug_);
    machine_->controls->LetGo(release_at_end_);
    if (step % kLookSteps == 0 && AllDone()) return true;
  }
  return false;
}

bool SimRun::AllDone() {
  if (machine_->controls->waiting() > 0) return false;
  LookAtStore();
  if (open_.size() != held_.size()) return false;
  // Recipients of one message and domain that had different answers are entries of their own.
  uint64_t queued = machine_->gateway->queued();
  return queued >= held_parts_ && queued <= held_.size() &&
         ledger_.Settled([this](const std::string& recipient) { return Held(recipient); },
                         machine_->world->wall_now());
}

// What the store has of messages that clients sent: what is open, what is held.
void SimRun::LookAtStore() {
  open_.clear();
  held_.clear();
  held_parts_ = 0;
  spool_.ForEach([this](const storage::StoredEnvelope& envelope,
                        const std::vector<storage::RecipientState>& states) {
    std::set<std::string> domains;
    for (size_t i = 0; i < states.size(); ++i) {
      const std::string& address = envelope.recipients[i].address;
      if (IsOpen(states[i].status)) open_.push_back(address);
      if (states[i].status != storage::RecipientStatus::kHeld) continue;
      held_.insert(address);
      domains.insert(SimLedger::DomainOf(address));
    }
    held_parts_ += domains.size();
  });
}

std::string SimRun::EndLife() {
  if (random_.OneIn(3)) {
    ++seen_.restarts;
    return Stop(random_.OneIn(2) ? random_.Below(3000) : 0);
  }
  PowerCut();
  return "";
}

void SimRun::PowerCut() {
  ++seen_.power_cuts;
  spool_.Crash();
  for (auto& client : machine_->clients) client->ServerDied();
  for (auto& hop : machine_->next_hops) hop->EndAll();
  LookAtStore();
  ledger_.PowerCut(open_);
  now_ = machine_->world->wall_now();
  digest_ = digest_ * 31 + machine_->world->history_digest();
  seen_.steps += machine_->world->steps();
  seen_.commands += machine_->controls->commands();
  BuryMachine();
}

// Drains; after `grace_steps`, where it is not 0, without regard to what is in hand. Empty, or what
// did not end.
std::string SimRun::Stop(uint64_t grace_steps) {
  machine_->gateway->BeginDrain();
  uint64_t idle = 0;
  for (uint64_t step = 0; !machine_->gateway->drained(); ++step) {
    if (step >= kStepsMax || idle >= kIdleStepsMax) return "it did not drain";
    if (grace_steps > 0 && step == grace_steps) machine_->gateway->Abort();
    bool moved = machine_->world->Step();
    moved |= machine_->gateway->Work();
    idle = moved || !spool_.idle() ? 0 : idle + 1;
    spool_.Tick();
    for (auto& client : machine_->clients) client->Act();
  }
  machine_->controls->TakeAnswers();
  for (auto& client : machine_->clients) client->ServerDied();
  for (auto& hop : machine_->next_hops) hop->EndAll();
  now_ = machine_->world->wall_now();
  digest_ = digest_ * 31 + machine_->world->history_digest();
  seen_.steps += machine_->world->steps();
  seen_.commands += machine_->controls->commands();
  std::string wrong = machine_->controls->wrong();
  if (machine_->controls->waiting() > 0) wrong = "an operator's command was never answered";
  if (!wrong.empty()) return wrong;
  machine_.reset();
  spool_.Restart();
  return "";
}

// What is wrong, with what can be seen of the machine, which is not touched again.
std::string SimRun::Describe(const std::string& what) {
  LookAtStore();
  std::string verdict =
      ledger_.Verdict([this](const std::string& recipient) { return Held(recipient); },
                      machine_->world->wall_now());
  std::string left = std::to_string(machine_->gateway->queued()) + " entries left, " +
                     std::to_string(held_parts_) + " of them held, " +
                     std::to_string(machine_->controls->waiting()) + " commands not answered";
  BuryMachine();
  return what + ", " + left + (verdict.empty() ? "" : "; " + verdict);
}

void SimRun::Count(Totals* totals) const {
  totals->acknowledged += ledger_.Count(Told::kAcknowledged);
  totals->refused += ledger_.Count(Told::kRefused);
  totals->temp_failed += ledger_.Count(Told::kTempFailed);
  totals->temp_failed_but_out += ledger_.temp_failed_but_out();
  totals->unanswered += ledger_.Count(Told::kNothing);
  totals->unfinished += ledger_.Count(Told::kUnfinished);
  totals->held += held_.size();
  totals->reports += ledger_.reports();
  totals->duplicates += ledger_.duplicates();
  totals->in_doubt += ledger_.in_doubt();
  totals->power_cuts += seen_.power_cuts;
  totals->restarts += seen_.restarts;
  totals->commands += seen_.commands;
  totals->steps += seen_.steps;
}

}  // namespace ringpost::sim
