#include "gateway/app/control_gateway.h"

namespace ringpost::app {

ConfigCheck GatewayControl::CheckConfig() {
  ConfigCheck check;
  check.path = gateway_->GetStatus().config_path;
  if (check.path.empty()) {
    check.errors.push_back(
        "the daemon runs without a configuration file (development mode): there is nothing to "
        "check; "
        "name a file: ringpost config check FILE");
    return check;
  }
  ConfigResult result = LoadConfig(check.path);
  for (const ConfigError& error : result.errors) check.errors.push_back(error.ToString(check.path));
  check.ok = result.config.has_value();
  return check;
}

Status GatewayControl::StartTrace(const TraceFilter& filter, TraceSink sink) {
  bool started = filter.client ? gateway_->StartTrace(*filter.client, std::move(sink))
                               : gateway_->StartOutboundTrace(filter.next_hop, std::move(sink));
  if (started) return OkStatus();
  return MakeStatus(StatusCode::kUnavailable,
                    "another trace is running; end it first (one trace at a time)");
}

}  // namespace ringpost::app
