#include "storage/key_check.h"

#include "storage/key_ring.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"
#include "storage/store_key.h"

namespace ringpost::storage {
namespace {

constexpr std::string_view kMetaCheck = "check";
constexpr std::string_view kCheckContext = "check";

Status Refuse(const Engine& engine, const std::string& what) {
  return MakeStatus(StatusCode::kFailedPrecondition,
                    "the store " + engine.options.path + " holds messages, but " + what);
}

// What does not read counts as a message.
bool HoldsMessages(Database& database) {
  std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(rocksdb::ReadOptions(), database.handle(Family::kEnvelope)));
  rows->SeekToFirst();
  return rows->Valid() || !rows->status().ok();
}

Status CheckSlots(const Engine& engine) {
  if (!engine.file_system->FileExists(engine.slots_path(), {}, nullptr).ok()) {
    return Refuse(engine, engine.slots_path() + " with the keys to them is missing: restore it");
  }
  StatusOr<std::unique_ptr<KeyRing>> ring = KeyRing::Open(engine, KeyRing::Mode::kRead);
  if (!ring.ok()) return ring.status();
  if (!(*ring)->empty()) return OkStatus();
  if ((*ring)->damaged_slots() == 0) {
    return Refuse(engine, engine.slots_path() + " holds no key to them: restore that file");
  }
  return Refuse(engine, "none of the " + std::to_string((*ring)->damaged_slots()) + " keys in " +
                            engine.slots_path() + " opens under " + engine.options.key_file +
                            ": restore whichever of the two files is not this store's own");
}

Status WriteCheck(Database& database, const tls::Key& store_key) {
  auto check = tls::WrapKey(store_key, tls::Key(), kCheckContext);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocks(database.db().Put(synced, database.handle(Family::kMeta), ToRocks(kMetaCheck),
                                     ToRocks(View(check))),
                   "writing the check of the store's key");
}

}  // namespace

Status CheckKeys(const Engine& engine, Database& database) {
  tls::Key store_key, none;
  Status read = ReadStoreKey(engine.options.key_file, &store_key);
  if (!read.ok()) return read;
  rocksdb::PinnableSlice check;
  rocksdb::Status found = database.Get(Family::kMeta, kMetaCheck, &check);
  if (!found.ok() && !found.IsNotFound()) return FromRocks(found, "reading meta");
  bool ours = found.ok() && tls::UnwrapKey(store_key, FromRocks(check), kCheckContext, &none);
  if (HoldsMessages(database)) {
    if (found.ok() && !ours) {
      return Refuse(
          engine, engine.options.key_file + " is not the key it was made with: restore that file");
    }
    Status slots = CheckSlots(engine);
    if (!slots.ok()) return slots;
  }
  return ours ? OkStatus() : WriteCheck(database, store_key);
}

}  // namespace ringpost::storage
