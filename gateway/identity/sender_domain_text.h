// A sender domain in words, for an operator's terminal and a customer's page.
//
// Threads: functions; any.
#pragma once

#include <string>
#include <string_view>

#include "gateway/identity/sender_domain.h"

namespace ringpost::identity {

// "verified since 2026-11-24T07:16:24.000Z".
std::string StateText(const SenderDomain& domain);
// One line for each thing there is to know: the state, when it was looked at and will be again,
// what was found, and each selector's key. Ends in a line feed.
std::string DomainText(const SenderDomain& domain);
// The records to publish, each with its reason, to be copied into a form or a zone file.
std::string PublishText(const SenderDomain& domain, std::string_view operator_zone);

}  // namespace ringpost::identity
