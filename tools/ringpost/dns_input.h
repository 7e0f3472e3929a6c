// What `ringpost dns push` is given: the daemon's records, and the key that a server knows.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/dns/tsig.h"
#include "gateway/dns/update_message.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

// The answer to "dns records" as one update. INVALID_ARGUMENT, in words that name the record: it is
// none that can be sent, or not in the zone.
StatusOr<dns::Update> ReadZoneRecords(const Json& answer);

// The key in a file's text: its first line that is no comment, as "hmac-sha256:NAME:BASE64". What
// `keymgr -t` prints is read as well, which has that line as a comment at its head.
StatusOr<dns::TsigKey> ReadTsigKey(std::string_view text);
// PERMISSION_DENIED: others than its owner may read or write it.
StatusOr<dns::TsigKey> ReadTsigKeyFile(const std::string& path);

}  // namespace ringpost::cli
