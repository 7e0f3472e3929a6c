#include "gateway/app/control_ask.h"

#include <utility>
#include <variant>

#include "gateway/identity/records.h"

namespace ringpost::app {

std::optional<ControlError> AskTarget(ControlTarget* target, ControlRequest* request, uint32_t uid,
                                      ControlTarget::IdentityDone done) {
  ControlCommand command = request->command;
  identity::Json members = std::move(*request->identity);
  request->identity.reset();
  auto ask = [&](auto parsed, auto call) -> std::optional<ControlError> {
    if (auto* error = std::get_if<ControlError>(&parsed)) return std::move(*error);
    (target->*call)(std::move(std::get<0>(parsed)), uid, std::move(done));
    return std::nullopt;
  };
  if (IsSuppressionCommand(command)) {
    return ask(ParseSuppressionRequest(command, std::move(members)),
               &ControlTarget::RequestSuppression);
  }
  if (IsStsCommand(command)) {
    return ask(ParseStsRequest(std::move(members)), &ControlTarget::RequestSts);
  }
  if (IsTlsReportCommand(command)) {
    return ask(ParseTlsReportRequest(command, std::move(members)),
               &ControlTarget::RequestTlsReport);
  }
  if (IsDomainCommand(command)) {
    return ask(ParseDomainRequest(command, std::move(members)), &ControlTarget::RequestDomain);
  }
  if (IsLinkCommand(command)) {
    return ask(ParseLinkRequest(command, std::move(members)), &ControlTarget::RequestLink);
  }
  return ask(ParseIdentityRequest(command, std::move(members)), &ControlTarget::RequestIdentity);
}

}  // namespace ringpost::app
