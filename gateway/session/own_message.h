// MakeOwnMessage: what the gateway writes itself (reports, links), as the store takes it: to one
// recipient, with the null reverse-path, never reported on and not signed.
//
// Threads: a function over values.
#pragma once

#include <memory>
#include <string_view>

#include "storage/spool.h"

namespace ringpost::session {

// `text`: header section and body, CRLF. Where it or the recipient has bytes beyond ASCII it needs
// SMTPUTF8.
std::unique_ptr<storage::NewMessage> MakeOwnMessage(const MessageId& id, std::string_view recipient,
                                                    std::string_view text, WallTime now,
                                                    WallTime deadline);

}  // namespace ringpost::session
