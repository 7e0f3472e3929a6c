// RocksDB's log files: how records lie in them, read past any damage, and written. Private to
// storage; used by the tools alone (a database reads its logs itself).
//
// Why not RocksDB's own reader: where a fragment in the middle of a record is damaged, 7.8's
// joins what is before and behind it, takes that for the record, and refuses to go on.
//
// Format (RocksDB wiki, "Write Ahead Log File Format"): blocks of 32 KiB; in them fragments, each
// with a masked CRC-32C of type and payload (4), the payload's size (2, little-endian) and its type
// (1: all of a record, first, middle or last part). Fewer than 7 bytes left in a block are zeros;
// so is what was reserved behind the end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ringpost::storage {

struct LogRecord {
  bool whole = false;
  std::string head;  // all of a whole one; else what reads from its beginning, perhaps nothing
  std::string tail;  // not of a whole one: what reads up to its end, behind the damage
};

// Bytes of the file in which no fragment reads, and what is in them.
struct LogGap {
  uint64_t begin = 0;
  std::string_view bytes;
};

// Both in the order of the file. A record that just ends with the file is no damage: it was being
// written, and is left out.
void ReadLog(std::string_view log, const std::function<void(const LogRecord&)>& on_record,
             const std::function<void(const LogGap&)>& on_gap);

class LogWriter {
 public:
  void Add(std::string_view record);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace ringpost::storage
