// What only tests may do to a ControlStore: another file system under it, and rows as they lie
// there. The daemon does not link this library.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/control_store.h"

namespace ringpost::storage {

class ControlStoreTesting {
 public:
  static StatusOr<std::unique_ptr<ControlStore>> Open(
      const std::string& path, std::shared_ptr<rocksdb::FileSystem> file_system);
  // A row as it lies in RocksDB, its leading letter included; empty: there is none.
  static std::string Row(ControlStore* store, std::string_view row);
  static void PutRow(ControlStore* store, std::string_view row, std::string_view value);
};

}  // namespace ringpost::storage
