// What a spool needs to be told; plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "gateway/base/limits.h"
#include "gateway/base/log.h"
#include "gateway/base/time.h"

namespace ringpost::storage {

struct SpoolOptions {
  // A directory of the spool's own, made (0700) where its parent exists: `db` (RocksDB), `epochs`
  // (the slots of the epoch keys) and, unless key_file says otherwise, `store.key`.
  std::string path;
  // The store's key: 32 bytes, 0600. Made with a new store; a store whose key is missing does not
  // open.
  std::string key_file;
  uint16_t partition = 0;  // must be that of the ids; kept in the store and compared
  // How much lies in the log and in memory before it is flushed to table and blob files. A message
  // that is delivered before this much more has come in never reaches them; a start after a crash
  // replays as much (and while a flush is under way, what came in meanwhile).
  uint64_t memtable_bytes = 128 * limits::kMiB;
  // How much more memory is taken where flushes fall behind, before writes wait for them. Of a
  // family: three memtables of twice that besides the one that is flushed, or one of 1.5 times
  // that.
  bool memory_is_scarce = false;
  uint64_t block_cache_bytes = 64 * limits::kMiB;
  uint64_t free_space_floor_bytes = limits::kFreeSpaceFloorBytesDefault;
  uint32_t reader_threads = 2;
  // How long an epoch's key wraps those of new messages. A message's body is out of everybody's
  // reach at most two epochs, and the wrapping of what survives them, after its end.
  Seconds key_epoch{limits::kKeyEpochSeconds};
  // Wall clock for key epochs; read on the store's own threads. Empty: the machine's.
  std::function<WallTime()> clock;
  Log* log = nullptr;  // state changes of the store; null: none. Outlives the spool.
};

}  // namespace ringpost::storage
