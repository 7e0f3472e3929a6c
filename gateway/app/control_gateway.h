// GatewayControl: the running Gateway as the control server sees it.
//
//   GatewayControl target(gateway.get());
//   auto control = ControlServer::Start(config.control.socket, &target, log);
//   ... (*control)->Stop() before gateway->Stop()
//
// Threads: as ControlTarget; it uses only the calls of Gateway that any thread may make.
#pragma once

#include "gateway/app/control_target.h"
#include "gateway/app/gateway.h"

namespace ringpost::app {

class GatewayControl final : public ControlTarget {
 public:
  explicit GatewayControl(Gateway* gateway) : gateway_(gateway) {}

  GatewayStatus GetStatus() override { return gateway_->GetStatus(); }
  std::vector<std::string> regions() override { return gateway_->regions(); }
  uint32_t shards() override { return gateway_->shards(); }
  bool PostQueueCommand(std::string_view region, uint32_t shard,
                        session::QueueCommand* command) override {
    return gateway_->PostQueueCommand(region, shard, command);
  }
  void RequestReload(ReloadDone done) override { gateway_->RequestReload(std::move(done)); }
  void RequestIdentity(IdentityRequest request, uint32_t uid, IdentityDone done) override {
    gateway_->RequestIdentity(std::move(request), uid, std::move(done));
  }
  void RequestDomain(DomainRequest request, uint32_t uid, IdentityDone done) override {
    gateway_->RequestDomain(std::move(request), uid, std::move(done));
  }
  void RequestLink(LinkRequest request, uint32_t uid, IdentityDone done) override {
    gateway_->RequestLink(std::move(request), uid, std::move(done));
  }
  void RequestTlsReport(TlsReportRequest request, uint32_t, IdentityDone done) override {
    gateway_->RequestTlsReport(std::move(request), std::move(done));
  }
  void RequestSts(StsRequest request, uint32_t uid, IdentityDone done) override {
    gateway_->RequestSts(std::move(request), uid, std::move(done));
  }
  void RequestSuppression(SuppressionRequest request, uint32_t uid, IdentityDone done) override {
    gateway_->RequestSuppression(std::move(request), uid, std::move(done));
  }
  ConfigCheck CheckConfig() override;
  void RequestDrain() override { gateway_->RequestDrain(); }
  Status StartTrace(const TraceFilter& filter, TraceSink sink) override;
  void StopTrace() override { gateway_->StopTrace(); }

 private:
  Gateway* gateway_;
};

}  // namespace ringpost::app
