// What the logins of all shards share: the control store, the passwords in it, the workers that
// verify them.
#include "gateway/app/gateway_impl.h"
#include "gateway/base/limits.h"

namespace ringpost::app {

Status GatewayImpl::OpenControlStore() {
  auto store = storage::ControlStore::Open(config_.store.path + "/control.store", log_);
  if (!store.ok()) return store.status();
  control_store_ = std::move(*store);
  return OkStatus();
}

Status GatewayImpl::PrepareLogins() {
  passwords_ = std::make_unique<PasswordStore>(control_store_.get());
  auto secret = passwords_->UnknownNamesSecret();
  if (!secret.ok()) return secret.status();
  unknown_names_ = std::make_unique<identity::UnknownNames>(*secret);
  workers_ = std::make_unique<WorkerPool>("rp-password", limits::kPasswordThreads,
                                          limits::kPasswordJobsMax, limits::kPasswordNice);
  logins_.passwords = passwords_.get();
  logins_.workers = workers_.get();
  logins_.unknown_names = unknown_names_.get();
  return OkStatus();
}

}  // namespace ringpost::app
