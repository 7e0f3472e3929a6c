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
  if (!filter.client) {
    return MakeStatus(StatusCode::kUnimplemented,
                      "sessions to next hops cannot be traced by this version; trace clients with "
                      "--client NETWORK");
  }
  if (!gateway_->StartTrace(*filter.client, std::move(sink))) {
    return MakeStatus(StatusCode::kUnavailable,
                      "another trace is running; end it first (one trace at a time)");
  }
  return OkStatus();
}

}  // namespace ringpost::app
