// Accounts, credentials and sender domains: how the IdentityService lives in the gateway.
#include <atomic>

#include "gateway/app/gateway_impl.h"
#include "gateway/app/policies.h"

namespace ringpost::app {

Status GatewayImpl::OpenIdentity() {
  auto service = IdentityService::Open(control_store_.get(), MakeDomainOptions(config_));
  if (!service.ok()) return service.status();
  identity_ = std::move(*service);
  return OkStatus();
}

// Each shard takes it between two turns; the last one to have it says so.
Status GatewayImpl::StartIdentity() {
  auto hand_out = [this](const IdentityService::View& view,
                         const std::function<void()>& all_have_it) {
    auto left = std::make_shared<std::atomic<size_t>>(shards_.size());
    for (auto& shard : shards_) {
      Shard* one = shard.get();
      one->Post([one, view, left, all_have_it] {
        one->SetDirectory(view.directory);
        one->SetSigningKeys(view.keys);
        one->SetReturnPaths(view.return_paths);
        if (left->fetch_sub(1) == 1) all_have_it();
      });
    }
  };
  hand_out(identity_->view(), [] {});
  identity_->Start(hand_out);
  if (config_.dns.zone.empty()) return OkStatus();
  auto resolver = dns::Resolver::Create(MakeResolverOptions(config_));
  if (!resolver.ok()) return resolver.status();
  domains_ = std::make_unique<DomainKeeper>(identity_.get(), std::move(*resolver));
  return OkStatus();
}

void GatewayImpl::StopIdentity() {
  if (identity_) identity_->Stop();  // what the keeper waits for there is answered
  domains_.reset();
}

void GatewayImpl::RequestIdentity(IdentityRequest request, uint32_t uid,
                                  std::function<void(const identity::Json&)> done) {
  identity_->Request(std::move(request), uid, std::move(done));
}

void GatewayImpl::RequestDomain(DomainRequest request, uint32_t uid,
                                std::function<void(const identity::Json&)> done) {
  if (domains_ && request.command == ControlCommand::kDomainCheck) {
    domains_->CheckNow(std::move(request), uid, std::move(done));
    return;
  }
  bool added = request.command == ControlCommand::kDomainAdd;
  identity_->Request(std::move(request), uid, std::move(done));
  if (added && domains_) domains_->Wake();
}

}  // namespace ringpost::app
