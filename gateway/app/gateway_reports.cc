// Reports on TLS with mail exchangers: how the TlsReportService lives in the gateway.
#include "gateway/app/gateway_impl.h"
#include "gateway/app/policies.h"
#include "gateway/app/version.h"

namespace ringpost::app {

// Before the shards are made, which record.
void GatewayImpl::OpenTlsReports(std::shared_ptr<const tls::ClientContext> verifies_nobody) {
  TlsReportSender::Setup setup;
  setup.log = log_;
  setup.hostname = hostname_;
  setup.user_agent = "ringpost/" + std::string(kVersion);
  setup.resolver = MakeResolverOptions(config_);
  setup.allowed_targets = config_.dns.allowed_networks;
  setup.tls = std::move(verifies_nobody);
  setup.queue = [this](session::OwnMail mail) { return QueueOwnMail("", std::move(mail)); };
  tls_reports_ = std::make_unique<TlsReportService>(control_store_.get(), std::move(setup),
                                                    config_.tls_reports);
  tls_reports_->Load(ReadWallClock());
}

void GatewayImpl::RequestTlsReport(TlsReportRequest request,
                                   std::function<void(const identity::Json&)> done) {
  tls_reports_->Answer(request, ReadWallClock(), done);
}

}  // namespace ringpost::app
