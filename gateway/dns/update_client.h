// Sends an update to a server over TCP (RFC 7766) and waits for its answer.
//
// Threads: a function that blocks, for limits::kUpdateMillisMax at most: an operator's tool's, or a
// control thread's, never a shard's.
#pragma once

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/dns/tsig.h"
#include "gateway/dns/update_message.h"

namespace ringpost::dns {

// OK: the server, which has the key, says that it was done. UNAVAILABLE, DEADLINE_EXCEEDED: no
// connection or no answer; it may have been done all the same. Otherwise as UpdateMessage,
// VerifyTsig and ReadUpdateAnswer say. A refusal that is not signed is reported as one.
Status SendUpdate(const Endpoint& server, const Update& update, const TsigKey& key,
                  HmacFunction hmac);

}  // namespace ringpost::dns
