// The open RocksDB of a ControlStore. Private to storage.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <memory>

#include "storage/control_store.h"
#include "storage/engine.h"

namespace ringpost::storage {

struct ControlStore::Database {
  std::shared_ptr<rocksdb::Env> env;  // outlives db
  std::unique_ptr<rocksdb::DB> db;

  ~Database() {
    if (db) db->Close().PermitUncheckedError();  // after a failed write it says so again
  }
};

}  // namespace ringpost::storage
