// The commands of a transaction as ClientSession writes them: MAIL and RCPT with their parameters.
//
// Nothing that comes from a message can add a line or a parameter: a path that could is refused
// before it is written (IsWireSafePath), and ENVID and ORCPT travel as xtext (RFC 3461 section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/smtp/client_session.h"

namespace ringpost::smtp {

// True where `path` may stand between "<" and ">": printable, no angle bracket or space outside a
// quoted string, UTF-8 only where allowed. Empty is the null reverse-path. It is no check of the
// address grammar.
bool IsWireSafePath(std::string_view path, bool allow_utf8);

// What stands against the whole transaction before MAIL is sent: size, a missing extension, a
// reverse-path that is not safe.
std::optional<Reply> RefuseMail(const OutgoingMail& mail, const Capabilities& capabilities);
// The same for one recipient.
std::optional<Reply> RefuseRecipient(const Recipient& recipient, const OutgoingMail& mail,
                                     const Capabilities& capabilities);

// Append the command, CRLF included.
void AppendMail(const OutgoingMail& mail, const Capabilities& capabilities, std::string* out);
void AppendRcpt(const Recipient& recipient, const OutgoingMail& mail,
                const Capabilities& capabilities, std::string* out);

}  // namespace ringpost::smtp
