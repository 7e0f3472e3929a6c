// The lines of an EHLO reply, read into Capabilities (client_session.h).
#pragma once

#include <string_view>

#include "gateway/smtp/client_session.h"

namespace ringpost::smtp {

// Takes one line of the reply after the first (which names the server and offers nothing), without
// its code: "SIZE 52428800". Keywords of any case; those unknown, and values that make no sense,
// change nothing.
void AddCapability(std::string_view ehlo_line, Capabilities* capabilities);

// BINARYMIME without CHUNKING is worth nothing (RFC 3030 section 3): called after the last line.
void FinishCapabilities(Capabilities* capabilities);

}  // namespace ringpost::smtp
