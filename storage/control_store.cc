#include "storage/control_store.h"

#include <rocksdb/table.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "gateway/base/limits.h"
#include "storage/byte_codec.h"
#include "storage/control_store_parts.h"
#include "storage/database_options.h"
#include "storage/engine_logger.h"
#include "storage/log_tail.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"
#include "storage/store_key.h"

namespace ringpost::storage {
namespace {

constexpr uint32_t kControlFormat = 1;
constexpr uint8_t kRecordFormat = 1;
constexpr std::string_view kFormatRow = "mformat", kCheckRow = "mcheck";
constexpr std::string_view kCheckContext = "check";
constexpr size_t kRecordHeadBytes = 1 + tls::kNonceBytes;

std::string RowOf(std::string_view key) { return "r" + std::string(key); }

Status Refuse(const Engine& engine, const std::string& what) {
  return MakeStatus(StatusCode::kFailedPrecondition,
                    "the control store " + engine.options.path + " " + what);
}

Status EnsureDirectory(const Engine& engine) {
  const std::string& path = engine.options.path;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Refuse(engine, std::string("cannot be made: ") + std::strerror(errno));
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Refuse(engine, std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) return Refuse(engine, "is not a directory");
  if ((info.st_mode & 077) != 0) return Refuse(engine, "is open to others; chmod 700 it");
  return OkStatus();
}

Status SyncDirectories(const Engine& engine) {
  const std::string& path = engine.options.path;
  for (const std::string& one : {path, path.substr(0, path.rfind('/') + 1)}) {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    rocksdb::IOStatus status = engine.file_system->NewDirectory(one, {}, &directory, nullptr);
    if (status.ok()) status = directory->Fsync({}, nullptr);
    if (!status.ok()) return FromRocks(status, "syncing the directory " + one);
  }
  return OkStatus();
}

// Small and seldom written: little memory, few files. What must be as it is in a spool is as there
// (database_options.cc says why).
rocksdb::Options MakeOptions(const Engine& engine) {
  rocksdb::Options options;
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.avoid_flush_during_recovery = false;
  options.max_bgerror_resume_count = 0;
  options.write_buffer_size = engine.options.memtable_bytes;
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<EngineLogger>(engine);
  return options;
}

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

ControlStore::ControlStore(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
ControlStore::~ControlStore() = default;

StatusOr<std::unique_ptr<ControlStore>> ControlStore::Open(const std::string& path, Log* log,
                                                           uint64_t memtable_bytes) {
  SpoolOptions options;
  options.memtable_bytes = memtable_bytes;
  options.path = path;
  options.log = log;
  return OpenWith(std::make_unique<Engine>(std::move(options)));
}

StatusOr<std::unique_ptr<ControlStore>> ControlStore::OpenWith(std::unique_ptr<Engine> engine) {
  std::unique_ptr<ControlStore> store(new ControlStore(std::move(engine)));
  Status opened = store->OpenDatabase();
  if (!opened.ok()) return opened;
  return store;
}

Status ControlStore::OpenDatabase() {
  Status status = EnsureDirectory(*engine_);
  if (!status.ok()) return status;
  bool fresh =
      !engine_->file_system->FileExists(engine_->database_path() + "/CURRENT", {}, nullptr).ok();
  if (fresh) status = EnsureStoreKey(engine_->options.key_file);
  if (!status.ok()) return status;
  database_ = std::make_unique<Database>();
  database_->env = EnvOver(engine_->file_system);
  rocksdb::Options options = MakeOptions(*engine_);
  options.env = database_->env.get();
  rocksdb::DB* db = nullptr;
  rocksdb::Status opened = rocksdb::DB::Open(options, engine_->database_path(), &db);
  if (opened.IsCorruption()) {
    StatusOr<bool> cut = CutTornTail(*engine_);
    if (!cut.ok()) status = cut.status();
    if (cut.ok() && *cut) opened = rocksdb::DB::Open(options, engine_->database_path(), &db);
  }
  database_->db.reset(db);
  if (status.ok() && !opened.ok()) {
    status = FromRocks(opened, "opening the control store " + engine_->options.path);
  }
  if (status.ok()) status = CheckFormat();
  if (status.ok()) status = CheckKey(fresh);
  if (status.ok()) status = SyncDirectories(*engine_);
  if (!status.ok()) database_.reset();
  return status;
}

Status ControlStore::CheckFormat() {
  std::string row;
  rocksdb::Status found = database_->db->Get({}, ToRocks(kFormatRow), &row);
  if (found.IsNotFound()) return OkStatus();  // CheckKey writes it, or refuses
  if (!found.ok()) return FromRocks(found, "reading the control store's format");
  ByteReader in(row);
  uint32_t format = in.U32();
  if (in.AtEnd() && format == kControlFormat) return OkStatus();
  return Refuse(*engine_,
                "is of a format that this version does not know: it was written by a "
                "newer one; start that one");
}

// A store that holds records and whose key is not there, or another store's, is to be told of, not
// papered over with a new key.
Status ControlStore::CheckKey(bool fresh) {
  tls::Key key, none;
  Status read = ReadStoreKey(engine_->options.key_file, &key);
  if (!read.ok()) return read;
  std::string row;
  rocksdb::Status found = database_->db->Get({}, ToRocks(kCheckRow), &row);
  if (!found.ok() && !found.IsNotFound()) {
    return FromRocks(found, "reading the control store's check");
  }
  aead_ = std::make_unique<tls::Aead>(key);
  if (found.ok() && tls::UnwrapKey(key, row, kCheckContext, &none)) return OkStatus();
  std::unique_ptr<rocksdb::Iterator> rows(database_->db->NewIterator(rocksdb::ReadOptions()));
  rows->Seek("r");
  if (rows->Valid() || !rows->status().ok()) {
    return Refuse(*engine_, "holds records, but " + engine_->options.key_file +
                                " is not the key it was made with: restore that file");
  }
  // An opening that did not get further than this leaves a database without these rows.
  if (found.ok() && !fresh) {
    return Refuse(*engine_, "was made with another key than " + engine_->options.key_file +
                                ": restore that file");
  }
  char format[4];
  ByteWriter(format).U32(kControlFormat);
  rocksdb::WriteBatch batch;
  batch.Put(ToRocks(kFormatRow), rocksdb::Slice(format, sizeof format));
  batch.Put(ToRocks(kCheckRow), ToRocks(View(tls::WrapKey(key, tls::Key(), kCheckContext))));
  return FromRocks(database_->db->Write(Synced(), &batch),
                   "writing the first rows of a new control store");
}

Status ControlStore::EnsureOpen() { return database_ ? OkStatus() : OpenDatabase(); }

Status ControlStore::Failed(const Status& status) {
  if (!status.ok()) database_.reset();
  return status;
}

std::string ControlStore::Seal(std::string_view key, std::string_view value) const {
  tls::Nonce nonce = tls::RandomNonce();
  std::string sealed(kRecordHeadBytes + value.size() + tls::kTagBytes, '\0');
  ByteWriter out(sealed.data());
  out.U8(kRecordFormat);
  out.Raw({reinterpret_cast<const char*>(nonce.data()), nonce.size()});
  aead_->Seal({&value, 1}, key, nonce, out.at());
  return sealed;
}

StatusOr<std::string> ControlStore::Unseal(std::string_view key, std::string_view sealed) const {
  std::string value;
  tls::Nonce nonce;
  if (sealed.size() >= kRecordHeadBytes + tls::kTagBytes &&
      static_cast<uint8_t>(sealed[0]) == kRecordFormat) {
    std::memcpy(nonce.data(), sealed.data() + 1, nonce.size());
    value.resize(sealed.size() - kRecordHeadBytes - tls::kTagBytes);
    if (aead_->Open(sealed.substr(kRecordHeadBytes), key, nonce, value.data())) return value;
  }
  return MakeStatus(StatusCode::kDataLoss, "the control store " + engine_->options.path +
                                               ": the record " + std::string(key) +
                                               " is damaged or not of this store");
}

StatusOr<std::optional<std::string>> ControlStore::Get(std::string_view key) {
  std::lock_guard lock(mutex_);
  Status open = EnsureOpen();
  if (!open.ok()) return open;
  std::string sealed;
  rocksdb::Status found = database_->db->Get({}, RowOf(key), &sealed);
  if (found.IsNotFound()) return std::optional<std::string>();
  if (!found.ok()) return FromRocks(found, "reading the control store");
  StatusOr<std::string> value = Unseal(key, sealed);
  if (!value.ok()) return value.status();
  return std::optional<std::string>(std::move(*value));
}

Status ControlStore::Put(std::string_view key, std::string_view value) {
  return Write({{std::string(key), std::string(value)}});
}

Status ControlStore::Delete(std::string_view key) {
  return Write({{std::string(key), std::nullopt}});
}

Status ControlStore::Write(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (!change.key.empty() && change.key.size() <= limits::kControlKeyBytesMax &&
        (!change.value || change.value->size() <= limits::kControlValueBytesMax)) {
      continue;
    }
    return MakeStatus(StatusCode::kInvalidArgument,
                      "a record of the control store has a key of 1 to " +
                          std::to_string(limits::kControlKeyBytesMax) + " bytes and at most " +
                          std::to_string(limits::kControlValueBytesMax) + " bytes besides");
  }
  std::lock_guard lock(mutex_);
  Status open = EnsureOpen();
  if (!open.ok()) return open;
  rocksdb::WriteBatch batch;
  for (const Change& change : changes) {
    std::string row = RowOf(change.key);
    if (change.value) {
      batch.Put(row, Seal(change.key, *change.value));
    } else {
      batch.Delete(row);
    }
  }
  return Failed(FromRocks(database_->db->Write(Synced(), &batch), "writing to the control store"));
}

Status ControlStore::ForEach(std::string_view prefix, const EachFn& each) {
  return ForEachUntil(prefix, "", Order::kForwards,
                      [&](std::string_view key, const std::string& value) {
                        each(key, value);
                        return true;
                      });
}

Status ControlStore::ForEachUntil(std::string_view prefix, std::string_view after, Order order,
                                  const EachUntilFn& each) {
  std::lock_guard lock(mutex_);
  Status open = EnsureOpen();
  if (!open.ok()) return open;
  std::unique_ptr<rocksdb::Iterator> rows(database_->db->NewIterator(rocksdb::ReadOptions()));
  const std::string all = RowOf(prefix), from = after.empty() ? all : RowOf(after);
  bool forwards = order == Order::kForwards;
  if (forwards) {
    rows->Seek(from);
  } else {
    rows->SeekForPrev(after.empty() ? all + std::string(limits::kControlKeyBytesMax, '\xff')
                                    : from);
  }
  if (!after.empty() && rows->Valid() && rows->key() == from)
    forwards ? rows->Next() : rows->Prev();
  for (; rows->Valid() && rows->key().starts_with(all); forwards ? rows->Next() : rows->Prev()) {
    std::string_view key = FromRocks(rows->key()).substr(1);
    StatusOr<std::string> value = Unseal(key, FromRocks(rows->value()));
    if (!value.ok()) return value.status();
    if (!each(key, *value)) return OkStatus();
  }
  return FromRocks(rows->status(), "reading the control store");
}

}  // namespace ringpost::storage
