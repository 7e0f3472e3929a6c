// Policies of MTA-STS: how the StsService lives in the gateway.
#include <algorithm>
#include <exception>

#include "gateway/app/gateway_impl.h"
#include "gateway/app/policies.h"
#include "gateway/app/version.h"

namespace ringpost::app {

// Before the lookups, which ask it.
Status GatewayImpl::PrepareSts(const ClientTlsContexts& tls) {
  http::StsService::Setup setup;
  setup.store = control_store_.get();
  setup.log = log_;
  setup.user_agent = "ringpost/" + std::string(kVersion);
  sts_ = http::StsService::Make(std::move(setup));
  return TrustForSts(tls);
}

// The authorities of next hops are those of web servers, too. A session that is taken up again
// would not be verified again.
Status GatewayImpl::TrustForSts(const ClientTlsContexts& tls) {
  tls::ClientContext::Options options;
  options.same_authorities_as = tls.verified;
  options.resume = false;
  options.application_protocols = {"http/1.1"};
  auto context = tls::ClientContext::Make(std::move(options));
  if (!context.ok()) return context.status();
  sts_->Trust(std::move(*context));
  return OkStatus();
}

// Once a route goes by MX; nobody asks before.
Status GatewayImpl::StartSts() {
  bool by_mx = std::any_of(config_.routes.begin(), config_.routes.end(),
                           [](const delivery::Route& route) { return route.by_mx; });
  if (!by_mx) return OkStatus();
  try {  // Asio's and the thread's: descriptors or threads may be short
    sts_->Start(mail_lookup_.get());
  } catch (const std::exception& error) {
    return MakeStatus(StatusCode::kResourceExhausted, error.what());
  }
  return OkStatus();
}

void GatewayImpl::RequestSts(StsRequest request, uint32_t,
                             std::function<void(const identity::Json&)> done) {
  done(StsAnswer(request, request.domain.empty() ? sts_->List(request.after, request.limit + 1)
                                                 : sts_->Show(request.domain)));
}

}  // namespace ringpost::app
