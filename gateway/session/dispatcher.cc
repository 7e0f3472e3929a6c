#include "gateway/session/dispatcher.h"

#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {

struct Dispatcher::State {
  DispatcherCore core;
};

Dispatcher::Dispatcher(const RegionContext* region,
                       std::shared_ptr<const delivery::DeliveryConfig> config,
                       delivery::SiteBudgets* budgets)
    : state_(new State{DispatcherCore(region, std::move(config), budgets)}) {}
Dispatcher::~Dispatcher() = default;

void Dispatcher::Admit(std::unique_ptr<storage::NewMessage> message) {
  state_->core.Admit(std::move(message));
}
void Dispatcher::Originate(OwnMail mail, std::function<void(const Status&)> done) {
  state_->core.Originate(std::move(mail), std::move(done));
}
void Dispatcher::Restore(const std::vector<storage::ScannedMessage>& messages) {
  state_->core.Restore(messages);
}
void Dispatcher::Reload(std::shared_ptr<const delivery::DeliveryConfig> config) {
  state_->core.Reload(std::move(config));
}
void Dispatcher::Handle(QueueCommand* command) { state_->core.Handle(command); }
void Dispatcher::Trace(std::string_view next_hop, TraceSink sink) {
  state_->core.Trace(next_hop, std::move(sink));
}
void Dispatcher::Untrace() { state_->core.Untrace(); }
void Dispatcher::BeginDrain() { state_->core.BeginDrain(); }
bool Dispatcher::drained() const { return state_->core.drained(); }
void Dispatcher::Abort() { state_->core.Abort(); }
uint64_t Dispatcher::held_body_bytes() const { return state_->core.held_body_bytes(); }
uint64_t Dispatcher::queued_entries() const { return state_->core.queued_entries(); }

}  // namespace ringpost::session
