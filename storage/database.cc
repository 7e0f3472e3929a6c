#include "storage/database.h"

#include <algorithm>

#include "storage/byte_codec.h"
#include "storage/database_options.h"
#include "storage/engine_logger.h"
#include "storage/log_tail.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

constexpr std::string_view kFamilyNames[kFamilies] = {"envelope", "rcpt", "body",
                                                      "outbox",   "key",  "meta"};

Status Refuse(const Engine& engine, std::string_view what) {
  std::string text = "the store " + engine.options.path + " ";
  text.append(what);
  return MakeStatus(StatusCode::kFailedPrecondition, text);
}

std::string Number(uint32_t value) {
  std::string bytes(4, '\0');
  ByteWriter(bytes.data()).U32(value);
  return bytes;
}

// A column family of a later version would make RocksDB refuse in words of its own.
Status CheckFamilies(const Engine& engine, const rocksdb::DBOptions& options) {
  std::vector<std::string> names;
  rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(options, engine.database_path(), &names);
  if (!listed.ok()) return FromRocks(listed, "opening the store " + engine.options.path);
  for (const std::string& name : names) {
    bool known =
        name == rocksdb::kDefaultColumnFamilyName ||
        std::find(std::begin(kFamilyNames), std::end(kFamilyNames), name) != std::end(kFamilyNames);
    if (!known) {
      return Refuse(engine,
                    "holds '" + name +
                        "', which this version does not know: it was written by a newer one; "
                        "start that one");
    }
  }
  return OkStatus();
}

std::string OpenAdvice(const Engine& engine, const rocksdb::Status& status) {
  std::string doing = "opening the store " + engine.options.path;
  if (status.IsCorruption()) {
    doing +=
        " (damaged: `ringpost store check` says what is wrong, `ringpost store salvage` saves what "
        "is "
        "whole)";
  }
  if (status.ToString().find("lock") != std::string::npos) {
    doing += " (is another ringpostd running on it?)";
  }
  return doing;
}

}  // namespace

std::string_view FamilyName(Family family) { return kFamilyNames[static_cast<size_t>(family)]; }

// Latches background errors. RocksDB calls it on its own threads.
class Database::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(std::shared_ptr<std::atomic<bool>> broken) : broken_(std::move(broken)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    if (error->ok()) return;
    broken_->store(true, std::memory_order_release);
    if (auto wake = wake_.load(std::memory_order_acquire)) wake(context_);
  }
  void SetWake(void (*wake)(void*), void* context) {
    context_ = context;
    wake_.store(wake, std::memory_order_release);
  }

 private:
  std::shared_ptr<std::atomic<bool>> broken_;
  std::atomic<void (*)(void*)> wake_{nullptr};
  void* context_ = nullptr;
};

bool Database::Exists(const Engine& engine) {
  return engine.file_system->FileExists(engine.database_path() + "/CURRENT", {}, nullptr).ok();
}

StatusOr<std::unique_ptr<Database>> Database::Open(const Engine& engine, Mode mode,
                                                   std::shared_ptr<rocksdb::Logger> logger) {
  std::unique_ptr<Database> database(new Database());
  rocksdb::DBOptions options = MakeDatabaseOptions(engine);
  options.info_log = logger ? std::move(logger) : std::make_shared<EngineLogger>(engine);
  if (mode == Mode::kSalvage) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    options.paranoid_checks = false;
  }
  database->env_ = EnvOver(engine.file_system);
  options.env = database->env_.get();
  if (Exists(engine)) {
    Status known = CheckFamilies(engine, options);
    if (!known.ok()) return known;
  } else if (mode != Mode::kServe) {
    return MakeStatus(StatusCode::kNotFound, "no store at " + engine.options.path);
  }
  database->broken_ = std::make_shared<std::atomic<bool>>(false);
  database->listener_ = std::make_shared<Listener>(database->broken_);
  database->statistics_ = options.statistics;
  options.listeners.push_back(database->listener_);
  rocksdb::Status opened = database->OpenWith(options, engine, mode);
  if (opened.IsCorruption() && mode == Mode::kServe) {
    StatusOr<bool> cut = CutTornTail(engine);
    if (!cut.ok()) return cut.status();
    if (*cut) opened = database->OpenWith(options, engine, mode);
  }
  if (!opened.ok()) return FromRocks(opened, OpenAdvice(engine, opened));
  for (size_t i = 0; i < kFamilies; ++i) database->handles_[i] = database->all_handles_[i];
  // In a damaged store the meta rows may be what is lost; each record still says its own format.
  Status ours = mode == Mode::kSalvage ? OkStatus() : database->CheckMeta(engine, mode);
  if (!ours.ok()) return ours;
  return database;
}

rocksdb::Status Database::OpenWith(const rocksdb::DBOptions& options, const Engine& engine,
                                   Mode mode) {
  rocksdb::DB* db = nullptr;
  rocksdb::Status opened =
      mode == Mode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(options, engine.database_path(), MakeFamilies(engine),
                                         &all_handles_, &db)
          : rocksdb::DB::Open(options, engine.database_path(), MakeFamilies(engine), &all_handles_,
                              &db);
  db_.reset(db);
  return opened;
}

Database::~Database() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : all_handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();  // after a failed write it says so again
}

rocksdb::Status Database::Get(Family family, std::string_view key, rocksdb::PinnableSlice* value) {
  return db_->Get(rocksdb::ReadOptions(), handle(family), ToRocks(key), value);
}

void Database::OnBroken(void (*wake)(void*), void* context) { listener_->SetWake(wake, context); }

StatusOr<uint32_t> Database::ReadMeta(std::string_view name) {
  rocksdb::PinnableSlice value;
  rocksdb::Status status = Get(Family::kMeta, name, &value);
  if (!status.ok()) return FromRocks(status, "reading meta");
  ByteReader in(FromRocks(value));
  uint32_t number = in.U32();
  if (!in.AtEnd()) return MakeStatus(StatusCode::kDataLoss, "meta: its lengths do not add up");
  return number;
}

Status Database::CheckMeta(const Engine& engine, Mode mode) {
  StatusOr<uint32_t> format = ReadMeta(kMetaFormat);
  if (format.status().code() == StatusCode::kNotFound && mode == Mode::kServe) {
    return WriteFirstMeta(engine);
  }
  if (!format.ok()) return format.status();
  if (*format > kFormatVersion) {
    return Refuse(engine, "is of format " + std::to_string(*format) + ", newer than " +
                              std::to_string(kFormatVersion) +
                              ", which this version writes: start the newer ringpostd");
  }
  StatusOr<uint32_t> partition = ReadMeta(kMetaPartition);
  if (!partition.ok()) return partition.status();
  if (*partition != engine.options.partition && mode == Mode::kServe) {
    return Refuse(engine, "is partition " + std::to_string(*partition) + ", not " +
                              std::to_string(engine.options.partition));
  }
  return OkStatus();
}

Status Database::WriteFirstMeta(const Engine& engine) {
  rocksdb::WriteBatch batch;
  rocksdb::ColumnFamilyHandle* meta = handle(Family::kMeta);
  batch.Put(meta, ToRocks(kMetaFormat), Number(kFormatVersion));
  batch.Put(meta, ToRocks(kMetaPartition), Number(engine.options.partition));
  batch.Put(meta, ToRocks(kMetaIncarnation), Number(0));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocks(db_->Write(synced, &batch), "writing the first rows of a new store");
}

uint64_t Database::SumOf(const std::string& property) const {
  uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* handle : all_handles_) {
    uint64_t bytes = 0;
    if (db_->GetIntProperty(handle, property, &bytes)) sum += bytes;
  }
  return sum;
}

uint64_t Database::ReclaimNeedsBytes() const {
  return SumOf(rocksdb::DB::Properties::kSizeAllMemTables) +
         SumOf(rocksdb::DB::Properties::kTotalSstFilesSize);
}

uint64_t Database::FileBytes() const {
  return SumOf(rocksdb::DB::Properties::kTotalSstFilesSize) +
         SumOf(rocksdb::DB::Properties::kTotalBlobFileSize);
}

rocksdb::Status Database::Reclaim() {
  rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), all_handles_);
  rocksdb::CompactRangeOptions options;
  // The last level, too: files may come there by a move, a row and its delete side by side.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  // Blobs that are still wanted stay where they are: moving them takes space first.
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kDisable;
  for (rocksdb::ColumnFamilyHandle* handle : all_handles_) {
    if (status.ok()) status = db_->CompactRange(options, handle, nullptr, nullptr);
  }
  return status;
}

void Database::AddMemory(SpoolHealth* health) const {
  health->memtable_bytes += SumOf(rocksdb::DB::Properties::kSizeAllMemTables);
  // One cache serves all families: any of them knows it.
  db_->GetIntProperty(all_handles_[0], rocksdb::DB::Properties::kBlockCacheUsage,
                      &health->block_cache_bytes);
  health->flushed_bytes = statistics_->getTickerCount(rocksdb::FLUSH_WRITE_BYTES) +
                          statistics_->getTickerCount(rocksdb::COMPACT_WRITE_BYTES) +
                          statistics_->getTickerCount(rocksdb::BLOB_DB_BLOB_FILE_BYTES_WRITTEN);
  health->wal_bytes = statistics_->getTickerCount(rocksdb::WAL_FILE_BYTES);
}

std::string Database::EffectiveOptions() const {
  rocksdb::DBOptions taken = db_->GetDBOptions();
  std::string text =
      "wal_recovery_mode=" + std::to_string(static_cast<int>(taken.wal_recovery_mode));
  text += " recycle_log_file_num=" + std::to_string(taken.recycle_log_file_num);
  text += " max_total_wal_size=" + std::to_string(taken.max_total_wal_size);
  text += " max_bgerror_resume_count=" + std::to_string(taken.max_bgerror_resume_count);
  text += " avoid_flush_during_recovery=" + std::to_string(taken.avoid_flush_during_recovery);
  return text;
}

}  // namespace ringpost::storage
