// What a client may do, as replies: nothing where it may, the refusal where it may not.
//
// Each says what was refused, why and what to do. Trouble of our own (store, memory) is always 4xx.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/mail/header_scan.h"
#include "gateway/session/inbound_host.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::session {

// Whose mail it is: see inbound_sender.h.
std::optional<smtp::Reply> RefuseMail(const InboundHost& host, const smtp::Envelope& envelope);
// `address` may be the bare "postmaster" (RFC 5321 section 4.5.1), which is ours.
std::optional<smtp::Reply> RefuseRecipient(const ListenerPolicy& policy, std::string_view address);
std::optional<smtp::Reply> RefuseData(const InboundHost& host);
std::optional<smtp::Reply> RefuseHeaders(const mail::HeaderSummary& headers);

// The store could not take the message: 452 4.3.1 or 451 4.3.0.
smtp::Reply StoreTrouble(const Status& status);
smtp::Reply ShuttingDown(std::string_view hostname);
smtp::Reply KeysSpent(std::string_view hostname);
smtp::Reply MemoryShort(std::string_view hostname);
smtp::Reply TooManyConnections(std::string_view hostname, std::string_view whose);
smtp::Reply TooSlow(std::string_view hostname, std::string_view what);

}  // namespace ringpost::session
