// XCLIENT (Postfix XCLIENT_README): a trusted proxy says who its client is. Private to
// gateway/smtp.
#pragma once

#include <string_view>

#include "gateway/smtp/server_session.h"

namespace ringpost::smtp {

// Merges "NAME=value ..." into `*xclient`: an attribute that is not named keeps its value, one that
// is [UNAVAILABLE] or [TEMPUNAVAIL] becomes empty. DESTADDR and DESTPORT are understood and
// ignored. False, and
// `*xclient` as it was, where any attribute is unknown or breaks its grammar.
bool ParseXclient(std::string_view argument, ServerSession::Xclient* xclient);

}  // namespace ringpost::smtp
