// Reads RocksDB's log format with its checksums. Private to storage. (ScanLog reads it without.)
//
// Format (RocksDB's db/log_format.h): blocks of 32 KiB; in them fragments: 4 bytes checksum (crc32c
// of type and bytes, masked), 2 bytes length, 1 byte type (1 full, 2 first, 3 middle, 4 last),
// little-endian, then the bytes. What is left of a block and too short for a head is zeros.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::storage {

struct LogShape {
  uint64_t records = 0;      // whole ones, wherever
  uint64_t whole_bytes = 0;  // up to the end of the last whole record before any damage
  // There is a fragment that does not check, or is missing from a record; as to RocksDB, one that
  // ends with the file and zeros between records are not damage.
  bool damaged = false;
  bool whole_after_damage = false;
};

LogShape ShapeOf(std::string_view log);

}  // namespace ringpost::storage
