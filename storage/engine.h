// What the parts of RocksSpool share beyond SpoolOptions. Private to storage; the fields that
// weaken or replace something are reachable only from storage/sim (tests).
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

#include "gateway/base/limits.h"
#include "storage/flush_pace.h"
#include "storage/spool_options.h"

namespace ringpost::storage {

struct Engine {
  SpoolOptions options;
  std::shared_ptr<rocksdb::FileSystem> file_system;  // under RocksDB and the key slots
  bool sync = true;  // false: says durable what is not; there to show that the crash tests notice

  std::shared_ptr<FlushPace> pace = std::make_shared<FlushPace>();
  Millis stall_limit{int64_t{limits::kStoreStallSeconds} * 1000};

  explicit Engine(SpoolOptions spool_options)
      : options(std::move(spool_options)), file_system(rocksdb::FileSystem::Default()) {
    if (!options.clock) options.clock = ReadWallClock;
    if (options.key_file.empty()) options.key_file = options.path + "/store.key";
  }
  WallTime Now() const { return options.clock(); }
  std::string database_path() const { return options.path + "/db"; }
  std::string slots_path() const { return options.path + "/epochs"; }
  Log& log() const {
    static NullLog none;
    return options.log ? *options.log : none;
  }
};

}  // namespace ringpost::storage
