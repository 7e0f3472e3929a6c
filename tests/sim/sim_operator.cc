#include "tests/sim/sim_operator.h"

#include <utility>

#include "tests/sim/sim_client.h"

namespace ringpost::sim {

// One for a shard; deleted when it is answered.
struct SimOperator::Command : session::QueueCommand {
  SimOperator* owner = nullptr;
  int number = -1;     // kDelete: of which message
  std::string domain;  // and which of its parts
};

SimOperator::SimOperator(reactor::SimWorld* world, SimGateway* gateway, SimLedger* ledger,
                         std::vector<Endpoint> next_hops, uint64_t seed)
    : world_(world),
      gateway_(gateway),
      ledger_(ledger),
      next_hops_(std::move(next_hops)),
      random_(seed) {}

void SimOperator::Act() {
  TakeAnswers();
  if (random_.OneIn(1500)) Draw();
}

void SimOperator::LetGo(bool release) {
  TakeAnswers();
  if (waiting_ > 0 || !random_.OneIn(500)) return;
  ToAll(New(Op::kResume));
  if (release) ToAll(New(Op::kRelease));
}

session::QueueCommand SimOperator::New(Op op) {
  session::QueueCommand command;
  command.op = op;
  return command;
}

std::string SimOperator::DrawDomain() {
  return "d" + std::to_string(random_.Below(kDomains)) + ".example.net";
}

void SimOperator::Aim(session::QueueCommand* command, int number, const std::string& domain) {
  command->filter.sender = SimLedger::SenderOf(number);
  command->filter.recipient_domain = domain;
}

void SimOperator::Draw() {
  int number = ledger_->SomeOpen(random_.Next());
  std::string domain = DrawDomain();
  switch (random_.Below(10)) {
    case 0: {
      auto command = New(Op::kSuspend);
      if (random_.OneIn(2)) {
        command.suspension.domain = domain;
      } else {
        command.suspension.next_hop = next_hops_[random_.Below(next_hops_.size())].ToString();
      }
      if (random_.OneIn(2)) command.suspension.until = world_->wall_now() + Seconds(30);
      return ToAll(command);
    }
    case 1:
      return ToAll(New(Op::kResume));
    case 2:
    case 3: {
      auto command = New(random_.OneIn(2) ? Op::kHold : Op::kRelease);
      command.filter.recipient_domain = domain;
      return ToAll(command);
    }
    case 4:
      return ToAll(New(Op::kRetry));
    case 5:
      return gateway_->Reload();
    case 6: {
      auto command = New(random_.OneIn(2) ? Op::kList : Op::kSummary);
      command.limit = 10;
      return ToAll(command);
    }
    case 7:
    case 8: {
      if (number < 0 || !random_.OneIn(3)) return;
      auto command = New(Op::kBounce);
      Aim(&command, number, "");
      ledger_->AskedToBounce(number);
      return ToAll(command);
    }
    default: {
      if (number < 0 || !random_.OneIn(3)) return;
      auto command = New(Op::kDelete);
      Aim(&command, number, domain);
      ledger_->AskedToDelete(number);
      return ToAll(command, number, domain);
    }
  }
}

void SimOperator::ToAll(const session::QueueCommand& model, int number, const std::string& domain) {
  for (uint32_t shard = 0; shard < gateway_->shards(); ++shard) {
    auto* command = new Command;
    static_cast<session::QueueCommand&>(*command) = model;
    command->owner = this;
    command->number = number;
    command->domain = domain;
    command->reply_to = &inbox_;
    command->done = [](session::QueueCommand* answered) {
      auto* own = static_cast<Command*>(answered);
      own->owner->Done(own);
      delete own;
    };
    ++waiting_;
    ++commands_;
    gateway_->Handle(shard, command);
  }
}

void SimOperator::Done(Command* command) {
  --waiting_;
  if (command->op == Op::kDelete && command->affected > 0) {
    ledger_->Deleted(command->number, command->domain);
  }
  bool too_many = command->entries.size() > size_t{command->limit} * next_hops_.size() * kDomains;
  if (too_many) wrong_ = "a list of " + std::to_string(command->entries.size()) + " entries";
  if (command->op == Op::kSuspend && command->affected != 1) wrong_ = "nothing was suspended";
}

}  // namespace ringpost::sim
