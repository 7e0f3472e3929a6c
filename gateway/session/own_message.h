// MakeOwnMessage: what the gateway writes itself (reports, links), as the store takes it: to one
// recipient, with the null reverse-path, never reported on.
//
// Threads: a function over values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/spool.h"

namespace ringpost::session {

// `text`: header section and body, CRLF. Where it or the recipient has bytes beyond ASCII it needs
// SMTPUTF8. `signing_domain`: whose DKIM keys sign it when it leaves; empty: nobody's.
std::unique_ptr<storage::NewMessage> MakeOwnMessage(const MessageId& id, std::string_view recipient,
                                                    std::string_view text, WallTime now,
                                                    WallTime deadline,
                                                    std::string signing_domain = {});

}  // namespace ringpost::session
