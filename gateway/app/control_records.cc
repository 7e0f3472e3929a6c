#include "gateway/app/control_records.h"

#include <utility>
#include <variant>

namespace ringpost::app {

std::optional<ControlError> AskRecords(ControlCommand command, identity::Json members, uint32_t uid,
                                       ControlTarget* target, ControlTarget::IdentityDone done) {
  auto ask = [&](auto parsed, auto call) -> std::optional<ControlError> {
    if (auto* error = std::get_if<ControlError>(&parsed)) return std::move(*error);
    (target->*call)(std::move(std::get<0>(parsed)), uid, std::move(done));
    return std::nullopt;
  };
  if (IsDomainCommand(command)) {
    return ask(ParseDomainRequest(command, std::move(members)), &ControlTarget::RequestDomain);
  }
  if (IsLinkCommand(command)) {
    return ask(ParseLinkRequest(command, std::move(members)), &ControlTarget::RequestLink);
  }
  if (IsSuppressionCommand(command)) {
    return ask(ParseSuppressionRequest(command, std::move(members)),
               &ControlTarget::RequestSuppression);
  }
  return ask(ParseIdentityRequest(command, std::move(members)), &ControlTarget::RequestIdentity);
}

}  // namespace ringpost::app
