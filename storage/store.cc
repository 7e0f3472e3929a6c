#include "storage/store.h"

#include "storage/byte_codec.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {

Status Store::OpenDatabase() {
  StatusOr<std::unique_ptr<Database>> database =
      Database::Open(engine_, incarnation_ == 0 ? Database::Mode::kServe : Database::Mode::kReopen);
  if (!database.ok()) return database.status();
  if (incarnation_ == 0) {
    Status counted = CountIncarnation(**database);
    if (!counted.ok()) return counted;
  }
  std::unique_lock<std::shared_mutex> lock(gate_);
  database_ = *std::move(database);
  return OkStatus();
}

void Store::CloseDatabase() {
  if (database_) database_->CancelReclaim();  // the one use of it that takes long
  std::unique_ptr<Database> closing;
  {
    std::unique_lock<std::shared_mutex> lock(gate_);
    closing = std::move(database_);
  }
}

Status Store::CountIncarnation(Database& database) {
  StatusOr<uint32_t> last = database.ReadMeta(kMetaIncarnation);
  if (!last.ok()) return last.status();
  char bytes[4];
  ByteWriter(bytes).U32(*last + 1);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status written =
      database.db().Put(synced, database.handle(Family::kMeta), ToRocks(kMetaIncarnation),
                        rocksdb::Slice(bytes, sizeof bytes));
  if (written.ok()) incarnation_ = *last + 1;
  return FromRocks(written, "counting the opening of the store");
}

}  // namespace ringpost::storage
