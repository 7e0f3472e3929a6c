// What the control socket asks of accounts, credentials, links, domains and suppressions: read, and
// handed to the gateway.
//
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/app/control_request.h"
#include "gateway/app/control_target.h"

namespace ringpost::app {

// `members`: the whole request object. An error: nothing was asked, and `done` is not called.
std::optional<ControlError> AskRecords(ControlCommand command, identity::Json members, uint32_t uid,
                                       ControlTarget* target, ControlTarget::IdentityDone done);

}  // namespace ringpost::app
