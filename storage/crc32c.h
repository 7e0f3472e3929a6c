// CRC-32C (RFC 3720 appendix B.4), the checksum of RocksDB's files, by the processor's instruction
// where it has one. Private to storage.
//
// The engine uses it too: crc32c.cc defines rocksdb::crc32c::Extend, and a program's own definition
// comes before a shared library's. Debian builds RocksDB for any x86-64, so its own goes through
// tables, a tenth as fast, twice over every body (log, blob file): decisions/013.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::storage {

// The sum of all that `crc` is the sum of, followed by `bytes`. 0 is the sum of nothing.
uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes);

// The same without the instruction.
uint32_t ExtendCrc32cByTable(uint32_t crc, std::string_view bytes);

// As RocksDB stores it: masked, so that the sum of bytes that hold sums is not a special one.
uint32_t MaskedCrc32c(std::string_view bytes);

}  // namespace ringpost::storage
