// Accounts, credentials and sender domains: how the IdentityService lives in the gateway.
#include <atomic>
#include <future>

#include "gateway/app/gateway_impl.h"
#include "gateway/app/policies.h"
#include "gateway/base/counters.h"

namespace ringpost::app {

Status GatewayImpl::OpenIdentity() {
  auto service = IdentityService::Open(control_store_.get(), MakeDomainOptions(config_));
  if (!service.ok()) return service.status();
  identity_ = std::move(*service);
  identity_->SetLinkOptions(MakeLinkOptions());
  link_desk_ = std::make_unique<LinkDesk>(identity_.get());
  OpenLimits();
  return OkStatus();
}

// Each shard takes it between two turns; the last one to have it says so.
Status GatewayImpl::StartIdentity() {
  auto hand_out = [this](const IdentityView& view, const std::function<void()>& all_have_it) {
    auto left = std::make_shared<std::atomic<size_t>>(shards_.size());
    for (auto& shard : shards_) {
      Shard* one = shard.get();
      one->Post([one, view, left, all_have_it] {
        one->SetIdentity(view);
        if (left->fetch_sub(1) == 1) all_have_it();
      });
    }
  };
  hand_out(identity_->view(), [] {});
  identity_->Start(hand_out);
  StartLimits();
  if (config_.dns.zone.empty()) return OkStatus();
  auto resolver = dns::Resolver::Create(MakeResolverOptions(config_));
  if (!resolver.ok()) return resolver.status();
  domains_ = std::make_unique<DomainKeeper>(identity_.get(), std::move(*resolver));
  return OkStatus();
}

LinkOptions GatewayImpl::MakeLinkOptions() {
  LinkOptions options;
  options.hostname = hostname_;
  options.base = [this] {
    std::lock_guard lock(mutex_);
    return web_base_;
  };
  options.queue = [this](std::string_view region, session::OwnMail mail) {
    return QueueOwnMail(region, std::move(mail));
  };
  return options;
}

// On the identity service's thread, which ends before the shards do. Where the store takes too
// long, the shard may say it when nobody listens any more.
Status GatewayImpl::QueueOwnMail(std::string_view region, session::OwnMail mail) {
  size_t index = RegionIndex(region);
  if (index == std::string::npos) index = 0;  // of accounts that have none
  Shard* shard = shards_[mail.id.HomeOf(shard_count_)].get();
  auto said = std::make_shared<std::promise<Status>>();
  auto held = std::make_shared<session::OwnMail>(std::move(mail));
  shard->Post([shard, index, said, held] {
    shard->dispatcher(index).Originate(std::move(*held),
                                       [said](const Status& status) { said->set_value(status); });
  });
  auto answer = said->get_future();
  if (answer.wait_for(Seconds(limits::kLinkMailSeconds)) == std::future_status::ready) {
    return answer.get();
  }
  return MakeStatus(
      StatusCode::kDeadlineExceeded,
      "the store has not taken it within " + std::to_string(limits::kLinkMailSeconds) + " seconds");
}

void GatewayImpl::OpenLimits() {
  limits_ = std::make_unique<LimitKeeper>(
      control_store_.get(),
      LimitKeeper::Tables{&inbound_.rates, &inbound_.quotas, &inbound_.outcomes}, log_);
  limits_->SetRule(config_.brake);
  limits_->Load(ReadWallClock());
  identity_->ShowUses({&inbound_.quotas, &inbound_.outcomes});
  identity_->OnUnblocked([this](uint32_t credential) { limits_->Forget(credential); });
}

void GatewayImpl::StartLimits() {
  limits_->Start([this](uint32_t credential, const std::string& why) {
    auto braked = identity_->Brake(credential, why);
    if (!braked.ok()) return false;
    if (!*braked) return true;
    Count(Counter::kBraked);
    LogLine(ReadWallClock(), "braked")
        .Text("account", (*braked)->account)
        .Text("credential", (*braked)->name)
        .Text("words", why)
        .To(*log_);
    return true;
  });
}

void GatewayImpl::StopIdentity() {
  if (identity_) identity_->Stop();  // what the keeper waits for there is answered
  domains_.reset();
}

void GatewayImpl::RequestIdentity(IdentityRequest request, uint32_t uid,
                                  std::function<void(const identity::Json&)> done) {
  identity_->Request(std::move(request), uid, std::move(done));
}

void GatewayImpl::RequestLink(LinkRequest request, uint32_t uid,
                              std::function<void(const identity::Json&)> done) {
  identity_->Request(std::move(request), uid, std::move(done));
}

// The account is looked up first, on the identity service's thread.
void GatewayImpl::RequestSuppression(SuppressionRequest request, uint32_t uid,
                                     std::function<void(const identity::Json&)> done) {
  auto held = std::make_shared<SuppressionRequest>(std::move(request));
  if (held->account.empty()) return suppression_desk_.Answer(std::move(*held), "", uid, done);
  auto found = [this, held, uid, done](const std::optional<FoundAccount>& account,
                                       const identity::Json& answer) {
    if (!account) return done(answer);
    for (session::SuppressionStore::Change& change : held->changes) change.account = account->id;
    held->account_id = account->id;
    suppression_desk_.Answer(std::move(*held), account->region, uid, done);
  };
  identity_->FindAccount(held->account, std::move(found));
}

void GatewayImpl::RequestDomain(DomainRequest request, uint32_t uid,
                                std::function<void(const identity::Json&)> done) {
  bool asks = request.command == ControlCommand::kDomainCheck ||
              request.command == ControlCommand::kDomainRotate;
  if (domains_ && asks) {
    domains_->CheckNow(std::move(request), uid, std::move(done));
    return;
  }
  bool added = request.command == ControlCommand::kDomainAdd ||
               request.command == ControlCommand::kDomainImport;
  identity_->Request(std::move(request), uid, std::move(done));
  if (added && domains_) domains_->Wake();
}

}  // namespace ringpost::app
