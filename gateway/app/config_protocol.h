// The keys of a [[listener]] that say which protocols it takes: `protocol` and `http_names`.
#pragma once

#include "gateway/app/config.h"
#include "gateway/app/config_reader.h"

namespace ringpost::app {

// After `tls` was read.
void ReadListenerProtocol(TableReader* table, ListenerConfig* listener);

}  // namespace ringpost::app
