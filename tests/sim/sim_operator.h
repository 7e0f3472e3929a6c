// SimOperator: somebody at the controls of the simulated gateway: looks at the queue, holds,
// releases, retries, bounces and deletes messages, suspends and resumes domains and next hops,
// reloads; by the seed's whims. The ledger learns what was asked. Every command must be answered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/inbox.h"
#include "tests/sim/sim_gateway.h"
#include "tests/sim/sim_ledger.h"

namespace ringpost::sim {

class SimOperator {
 public:
  SimOperator(reactor::SimWorld* world, SimGateway* gateway, SimLedger* ledger,
              std::vector<Endpoint> next_hops, uint64_t seed);

  // Takes answers, and now and then does something.
  void Act();
  void TakeAnswers() { inbox_.Drain(); }
  // Takes answers; resumes all that is suspended and, where `release`, releases all that is held,
  // again and again: no longer does anything else.
  void LetGo(bool release);
  // Commands without an answer.
  size_t waiting() const { return waiting_; }
  uint64_t commands() const { return commands_; }
  // Empty where every answer made sense.
  const std::string& wrong() const { return wrong_; }

 private:
  struct Command;
  using Op = session::QueueCommand::Op;

  void Draw();
  void Aim(session::QueueCommand* command, int number, const std::string& domain);
  std::string DrawDomain();
  session::QueueCommand New(Op op);
  void ToAll(const session::QueueCommand& model, int number = -1, const std::string& domain = "");
  void Done(Command* command);

  reactor::SimWorld* world_;
  SimGateway* gateway_;
  SimLedger* ledger_;
  std::vector<Endpoint> next_hops_;
  Random random_;
  Inbox inbox_;
  size_t waiting_ = 0;
  uint64_t commands_ = 0;
  std::string wrong_;
};

}  // namespace ringpost::sim
