// Accounts and credentials: how the IdentityService lives in the gateway.
#include <atomic>

#include "gateway/app/gateway_impl.h"

namespace ringpost::app {

Status GatewayImpl::OpenIdentity() {
  auto service = IdentityService::Open(control_store_.get());
  if (!service.ok()) return service.status();
  identity_ = std::move(*service);
  return OkStatus();
}

// Each shard takes the directory between two turns; the last one to have it says so.
void GatewayImpl::StartIdentity() {
  identity_->Start([this](const std::shared_ptr<const identity::Directory>& directory,
                          const std::function<void()>& all_have_it) {
    auto left = std::make_shared<std::atomic<size_t>>(shards_.size());
    for (auto& shard : shards_) {
      Shard* one = shard.get();
      one->Post([one, directory, left, all_have_it] {
        one->SetDirectory(directory);
        if (left->fetch_sub(1) == 1) all_have_it();
      });
    }
  });
}

void GatewayImpl::RequestIdentity(IdentityRequest request, uint32_t uid,
                                  std::function<void(const identity::Json&)> done) {
  identity_->Request(std::move(request), uid, std::move(done));
}

}  // namespace ringpost::app
