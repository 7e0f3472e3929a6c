#include "storage/damaged_store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>

#include "gateway/base/limits.h"
#include "storage/database_options.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

namespace fs = std::filesystem;

// Collects what RocksDB says it left out of a damaged log. It says that nowhere else.
class DropCollector : public rocksdb::Logger {
 public:
  DropCollector() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    std::string_view text(line);
    if (text.find("dropping") == std::string_view::npos) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (lines_.size() < limits::kStoreDamageListMax) lines_.emplace_back(text);
  }
  std::vector<std::string> lines() {
    std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

bool IsLog(const fs::path& file) { return file.extension() == ".log"; }

bool IsImmutable(const fs::path& file) {
  return file.extension() == ".sst" || file.extension() == ".blob";
}

}  // namespace

void AddDamage(StoreReport* report, std::string where, std::string_view what) {
  ++report->damage_total;
  if (report->damage.size() >= limits::kStoreDamageListMax) return;
  report->damage.push_back({std::move(where), std::string(what)});
}

DamagedStore::~DamagedStore() {
  database_.reset();
  std::error_code ignored;
  if (!copy_.empty()) fs::remove_all(copy_, ignored);
}

Status DamagedStore::Open(const std::string& work_dir, StoreReport* report) {
  if (!Database::Exists(engine_)) {
    return MakeStatus(StatusCode::kNotFound, "no store at " + engine_.options.path);
  }
  StatusOr<std::unique_ptr<KeyRing>> ring = KeyRing::Open(engine_, KeyRing::Mode::kRead);
  if (!ring.ok()) return ring.status();
  ring_ = *std::move(ring);
  if (ring_->damaged_slots() > 0) {
    AddDamage(
        report, engine_.slots_path(),
        std::to_string(ring_->damaged_slots()) + " key slots do not open under the store's key");
  }
  auto collector = std::make_shared<DropCollector>();
  StatusOr<std::unique_ptr<Database>> database =
      Database::Open(engine_, Database::Mode::kReadOnly, collector);
  report->opens = database.ok();
  if (database.ok()) {
    database_ = *std::move(database);
    return OkStatus();
  }
  // A newer version's store is not damaged, and not ours to take apart.
  if (database.status().code() == StatusCode::kFailedPrecondition) return database.status();
  AddDamage(report, engine_.database_path(), MessageOf(database.status()));
  return work_dir.empty() ? database.status() : OpenCopy(work_dir, report);
}

Status DamagedStore::OpenCopy(const std::string& work_dir, StoreReport* report) {
  copy_ = work_dir;
  LogRepair repair;
  Status copied = CopyFiles(copy_ + "/db");
  if (copied.ok()) copied = RepairLogs(copy_ + "/db", &repair, report);
  if (!copied.ok()) return copied;
  engine_.options.path = copy_;
  auto collector = std::make_shared<DropCollector>();
  StatusOr<std::unique_ptr<Database>> database =
      Database::Open(engine_, Database::Mode::kSalvage, collector);
  if (!database.ok()) {
    AddDamage(report, copy_,
              "rebuilding the list of files: " + std::string(MessageOf(database.status())));
    rocksdb::DBOptions options = MakeDatabaseOptions(engine_);
    options.info_log = collector;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    rocksdb::Status repaired =
        rocksdb::RepairDB(engine_.database_path(), options, MakeFamilies(engine_));
    if (!repaired.ok()) return FromRocks(repaired, "repairing a copy of the store");
    database = Database::Open(engine_, Database::Mode::kSalvage, collector);
  }
  for (const std::string& line : collector->lines()) AddDamage(report, "log", line);
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  return NameLostMessages(repair, report);
}

Status DamagedStore::NameLostMessages(const LogRepair& repair, StoreReport* report) {
  std::set<MessageId> suspects = repair.touched();
  std::unique_ptr<rocksdb::Iterator> states(
      database_->db().NewIterator(ReadOnce(), database_->handle(Family::kRcpt)));
  for (states->SeekToFirst(); states->Valid(); states->Next()) {
    std::optional<IndexedId> key = ParseIndexedKey(FromRocks(states->key()));
    if (key && !repair.ended().contains(key->id) && !HasEnvelope(key->id)) suspects.insert(key->id);
  }
  for (const MessageId& id : suspects) {
    if (HasEnvelope(id)) continue;
    AddDamage(report, id.ToString(), "its record in the log is damaged or was left out with one");
  }
  // Where they do not read to their end the walk over the messages says so of what it needs.
  return states->status().IsCorruption() ? OkStatus()
                                         : FromRocks(states->status(), "reading recipients");
}

// True also where it does not read: the walk over the messages names it.
bool DamagedStore::HasEnvelope(const MessageId& id) {
  rocksdb::PinnableSlice row;
  return !database_->Get(Family::kEnvelope, id.key(), &row).IsNotFound();
}

// The logs are read in the order they were written: their names are numbers of one width.
Status DamagedStore::RepairLogs(const std::string& to, LogRepair* repair, StoreReport* report) {
  std::vector<fs::path> logs;
  std::error_code error;
  for (fs::directory_iterator file(engine_.database_path(), error), end; !error && file != end;
       file.increment(error)) {
    if (IsLog(file->path())) logs.push_back(file->path());
  }
  std::sort(logs.begin(), logs.end());
  for (const fs::path& path : logs) {
    std::ifstream stream(path, std::ios::binary);
    std::string log((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    std::string repaired = repair->Repair(log, [&](uint64_t begin, uint64_t end) {
      AddDamage(report, path,
                "bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                    " are damaged and were left out");
    });
    std::ofstream out(fs::path(to) / path.filename(), std::ios::binary);
    if (!stream.bad() && out << repaired << std::flush) continue;
    error = std::error_code(errno, std::generic_category());
    break;
  }
  if (!error) return OkStatus();
  return MakeStatus(StatusCode::kUnavailable,
                    "making a working copy of the logs at " + to + ": " + error.message());
}

Status DamagedStore::CopyFiles(const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (!error) fs::permissions(copy_, fs::perms::owner_all, error);
  for (fs::directory_iterator file(engine_.database_path(), error), end; !error && file != end;
       file.increment(error)) {
    std::string name = file->path().filename();
    // The info log and the lock are the original's own.
    if (!file->is_regular_file() || name == "LOCK" || name.starts_with("LOG")) continue;
    if (IsLog(file->path())) continue;
    fs::path target = fs::path(to) / name;
    // Files that are never written again are linked; where that cannot be, copied like the rest.
    std::error_code linked;
    if (IsImmutable(file->path())) fs::create_hard_link(file->path(), target, linked);
    if (!IsImmutable(file->path()) || linked) fs::copy_file(file->path(), target, error);
  }
  if (!error) return OkStatus();
  return MakeStatus(StatusCode::kUnavailable,
                    "making a working copy of the store at " + copy_ + ": " + error.message());
}

}  // namespace ringpost::storage
