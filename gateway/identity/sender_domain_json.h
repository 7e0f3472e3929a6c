// A SenderDomain as JSON: its record in the control store, and in exports.
//
// Strict: what is written today is read for ever, and nothing else is. A member that is unknown,
// missing, of another type or out of its range is refused in words that name it, and so is a whole
// that CheckSenderDomain refuses. Times are milliseconds since 1970, in members that end in "_ms".
//
// Threads: functions; any.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/identity/sender_domain.h"

namespace ringpost::identity {

// The version of the form; another one is refused.
inline constexpr uint32_t kSenderDomainVersion = 1;

// One line, without its end.
std::string SenderDomainToJson(const SenderDomain& domain);
// INVALID_ARGUMENT.
StatusOr<SenderDomain> SenderDomainFromJson(std::string_view json);

}  // namespace ringpost::identity
