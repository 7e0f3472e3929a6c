// Reads the ids of messages out of a RocksDB log that may be damaged, without minding checksums, so
// that the tools can name what a damaged record held. Private to storage.
//
// Only names come of it, never messages: bytes whose checksum is wrong are not trusted with
// anything else.
//
// Format (RocksDB's db/log_format.h): blocks of 32 KiB; in them fragments: 4 bytes checksum, 2
// bytes length, 1 byte type (1 full, 2 first, 3 middle, 4 last), little-endian, then the bytes. A
// record is a write batch.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "gateway/base/message_id.h"

namespace ringpost::storage {

// Calls `visit` for each row of `family` with a key of 16 bytes that is put or deleted, in order.
// What cannot be followed is passed over, at most to the end of its block.
void ScanLog(std::string_view log, uint32_t family,
             const std::function<void(const MessageId&, bool deleted)>& visit);

}  // namespace ringpost::storage
