// What only tests may do to a RocksSpool: another file system under it, and no sync (to show that
// the crash tests notice). The daemon does not link this library.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <optional>
#include <string>

#include "storage/flush_pace.h"
#include "storage/rocks_spool.h"
#include "storage/rows.h"

namespace ringpost::storage {

struct SpoolTestHooks {
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the machine's
  bool sync = true;
  std::optional<Millis> stall_limit;
};

class RocksSpoolTesting {
 public:
  static StatusOr<std::unique_ptr<RocksSpool>> Open(SpoolOptions options, SpoolTestHooks hooks);

  // Rows there are now, tombstones left out.
  static uint64_t CountRows(RocksSpool* spool, std::string_view family);
  // Writes every memtable to table and blob files.
  static Status Flush(RocksSpool* spool);
  static const FlushPace& Pace(RocksSpool* spool);
  static uint32_t CurrentEpoch(RocksSpool* spool);
  static size_t OutlivedEpochs(RocksSpool* spool);  // not retired yet
  // As the envelope row has it.
  static StatusOr<WrappedKey> WrappedKeyOf(RocksSpool* spool, const MessageId& id);
  // Puts a row, whatever it says.
  static Status PutRow(RocksSpool* spool, std::string_view family, std::string_view key,
                       std::string_view value);
  // Sets a number of `meta`, as another version might have left it.
  static Status WriteMeta(RocksSpool* spool, std::string_view name, uint32_t value);
};

}  // namespace ringpost::storage
