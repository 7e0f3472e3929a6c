// RocksDB's options for the spool: each one with its reason. Private to storage.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <memory>
#include <vector>

#include "storage/database.h"
#include "storage/engine.h"

namespace ringpost::storage {

// Process-wide RocksDB environment over `file_system`.
std::shared_ptr<rocksdb::Env> EnvOver(const std::shared_ptr<rocksdb::FileSystem>& file_system);

rocksdb::DBOptions MakeDatabaseOptions(const Engine& engine);
// In the order of Family, the mandatory "default" (unused) last.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const Engine& engine);

}  // namespace ringpost::storage
