// The codecs of records.h without their strings: what writes a record straight into a batch.
// Private to storage.
#pragma once

#include <cstddef>
#include <string_view>

#include "storage/records.h"

namespace ringpost::storage {

// How many bytes WriteEnvelope and WriteEvent will write; they return the end of what they wrote.
size_t EnvelopeBytes(const StoredEnvelope& envelope);
char* WriteEnvelope(const StoredEnvelope& envelope, char* at);
size_t EventBytes(const StoredEvent& event);
char* WriteEvent(const StoredEvent& event, char* at);

// The scan at start has no use for trace fields and does not copy them.
enum class Trace : bool { kKeep, kLeaveEmpty };
StatusOr<StoredEnvelope> DecodeEnvelope(std::string_view bytes, Trace trace);

}  // namespace ringpost::storage
