// The keys of a connection, out of BoringSSL. Private to gateway/tls.
#pragma once

#include <openssl/base.h>

#include <optional>

#include "gateway/tls/record_keys.h"

namespace ringpost::tls {

// Of `ssl`, whose handshake is done, as it is now. None where version or cipher are not among those
// of RecordKeys.
std::optional<RecordKeys> ExportRecordKeys(const SSL* ssl, RecordDirection direction);

}  // namespace ringpost::tls
