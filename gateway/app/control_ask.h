// AskTarget: requests whose members are read elsewhere (accounts, links, domains, TLS reports),
// from the control server to its target.
//
// Threads: the control server's own.
#pragma once

#include <optional>

#include "gateway/app/control_request.h"
#include "gateway/app/control_target.h"

namespace ringpost::app {

// `request.identity` is there, and taken. An error: nothing was asked, and `done` is never called.
std::optional<ControlError> AskTarget(ControlTarget* target, ControlRequest* request, uint32_t uid,
                                      ControlTarget::IdentityDone done);

}  // namespace ringpost::app
