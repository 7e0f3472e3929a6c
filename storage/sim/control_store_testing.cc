#include "storage/sim/control_store_testing.h"

#include <rocksdb/db.h>

#include "gateway/base/check.h"
#include "storage/control_store_parts.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {

StatusOr<std::unique_ptr<ControlStore>> ControlStoreTesting::Open(
    const std::string& path, std::shared_ptr<rocksdb::FileSystem> file_system) {
  SpoolOptions options;
  options.path = path;
  options.memtable_bytes = ControlStore::kMemtableBytes;
  auto engine = std::make_unique<Engine>(std::move(options));
  engine->file_system = std::move(file_system);
  return ControlStore::OpenWith(std::move(engine));
}

std::string ControlStoreTesting::Row(ControlStore* store, std::string_view row) {
  std::string value;
  store->database_->db->Get({}, ToRocks(row), &value).PermitUncheckedError();
  return value;
}

void ControlStoreTesting::PutRow(ControlStore* store, std::string_view row,
                                 std::string_view value) {
  RP_CHECK(store->database_->db->Put({}, ToRocks(row), ToRocks(value)).ok());
}

}  // namespace ringpost::storage
