// The parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (6152), SMTPUTF8 (6531), RET, ENVID,
// NOTIFY and ORCPT (3461). Private to gateway/smtp.
#pragma once

#include <string_view>

#include "gateway/smtp/envelope.h"
#include "gateway/smtp/server_session.h"

namespace ringpost::smtp {

// Fills `*envelope` from "KEYWORD[=value] ..." separated by white space. Returns the refusal as a
// line of a reply ("501 5.5.4 ...\r\n", a literal), or nothing where all is well.
// `secured`: under TLS, where REQUIRETLS may be said (RFC 8689 section 3).
std::string_view ParseMailParameters(std::string_view text, const ServerOptions& options,
                                     bool secured, Envelope* envelope);
// `smtputf8`: the transaction has declared it, so ORCPT may hold UTF-8.
std::string_view ParseRecipientParameters(std::string_view text, const ServerOptions& options,
                                          bool smtputf8, Recipient* recipient);

}  // namespace ringpost::smtp
