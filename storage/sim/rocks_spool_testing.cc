#include "storage/sim/rocks_spool_testing.h"

#include "gateway/base/check.h"
#include "storage/rocks_spool_parts.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {

StatusOr<std::unique_ptr<RocksSpool>> RocksSpoolTesting::Open(SpoolOptions options,
                                                              SpoolTestHooks hooks) {
  Engine engine(std::move(options));
  if (hooks.file_system) engine.file_system = hooks.file_system;
  engine.sync = hooks.sync;
  if (hooks.stall_limit) engine.stall_limit = *hooks.stall_limit;
  return RocksSpool::OpenParts(std::make_unique<RocksSpool::Parts>(std::move(engine)));
}

namespace {

Family FamilyOf(std::string_view name) {
  for (size_t i = 0; i < kFamilies; ++i) {
    if (FamilyName(static_cast<Family>(i)) == name) return static_cast<Family>(i);
  }
  CheckFailed(__FILE__, __LINE__, "there is a family of that name");
}

}  // namespace

uint64_t RocksSpoolTesting::CountRows(RocksSpool* spool, std::string_view family) {
  Store::Use use = spool->parts_->store.Open();
  RP_CHECK(static_cast<bool>(use));
  std::unique_ptr<rocksdb::Iterator> rows(
      use->db().NewIterator(rocksdb::ReadOptions(), use->handle(FamilyOf(family))));
  uint64_t count = 0;
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) ++count;
  return count;
}

Status RocksSpoolTesting::PutRow(RocksSpool* spool, std::string_view family, std::string_view key,
                                 std::string_view value) {
  Store::Use use = spool->parts_->store.Open();
  RP_CHECK(static_cast<bool>(use));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocks(
      use->db().Put(synced, use->handle(FamilyOf(family)), ToRocks(key), ToRocks(value)),
      "writing a row");
}

Status RocksSpoolTesting::Flush(RocksSpool* spool) {
  Store::Use use = spool->parts_->store.Open();
  RP_CHECK(static_cast<bool>(use));
  for (size_t i = 0; i < kFamilies; ++i) {
    rocksdb::Status status =
        use->db().Flush(rocksdb::FlushOptions(), use->handle(static_cast<Family>(i)));
    if (!status.ok()) return FromRocks(status, "flushing");
  }
  return OkStatus();
}

const FlushPace& RocksSpoolTesting::Pace(RocksSpool* spool) { return *spool->parts_->engine.pace; }

uint32_t RocksSpoolTesting::CurrentEpoch(RocksSpool* spool) {
  return spool->parts_->ring->current_epoch();
}

size_t RocksSpoolTesting::OutlivedEpochs(RocksSpool* spool) {
  return spool->parts_->ring->Outlived().size();
}

StatusOr<WrappedKey> RocksSpoolTesting::WrappedKeyOf(RocksSpool* spool, const MessageId& id) {
  Store::Use use = spool->parts_->store.Open();
  RP_CHECK(static_cast<bool>(use));
  rocksdb::PinnableSlice value;
  rocksdb::Status status = use->Get(Family::kEnvelope, id.key(), &value);
  if (!status.ok()) return FromRocks(status, "reading an envelope");
  StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(FromRocks(value));
  if (!row.ok()) return row.status();
  return row->key;
}

Status RocksSpoolTesting::WriteMeta(RocksSpool* spool, std::string_view name, uint32_t value) {
  char bytes[4];
  ByteWriter(bytes).U32(value);
  return PutRow(spool, "meta", name, {bytes, sizeof bytes});
}

}  // namespace ringpost::storage
