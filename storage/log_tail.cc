#include "storage/log_tail.h"

#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "storage/rocks_status.h"
#include "storage/wal_reader.h"

namespace ringpost::storage {
namespace {

constexpr std::string_view kLogSuffix = ".log";

// By their numbers, which is their order.
StatusOr<std::map<uint64_t, std::string>> FindLogs(const Engine& engine) {
  std::vector<std::string> names;
  rocksdb::IOStatus status =
      engine.file_system->GetChildren(engine.database_path(), {}, &names, nullptr);
  std::map<uint64_t, std::string> logs;
  if (status.IsNotFound()) return logs;  // a new store
  if (!status.ok()) return FromRocks(status, "listing " + engine.database_path());
  for (const std::string& name : names) {
    if (!name.ends_with(kLogSuffix)) continue;
    uint64_t number = 0;
    const char* end = name.data() + name.size() - kLogSuffix.size();
    if (std::from_chars(name.data(), end, number).ptr != end) continue;
    logs[number] = engine.database_path() + "/" + name;
  }
  return logs;
}

// Another file takes its place: RocksDB's file systems do not truncate.
Status Replace(const Engine& engine, const std::string& path, std::string_view log) {
  rocksdb::FileSystem* files = engine.file_system.get();
  std::string made = engine.options.path + "/log.new";
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus status = rocksdb::WriteStringToFile(files, ToRocks(log), made, true);
  if (status.ok()) status = files->RenameFile(made, path, {}, nullptr);
  if (status.ok()) status = files->NewDirectory(engine.database_path(), {}, &directory, nullptr);
  if (status.ok()) status = directory->Fsync({}, nullptr);
  return FromRocks(status, "cutting off the end of " + path);
}

}  // namespace

StatusOr<bool> CutTornTail(const Engine& engine) {
  StatusOr<std::map<uint64_t, std::string>> logs = FindLogs(engine);
  if (!logs.ok()) return logs.status();
  std::string torn, kept;
  uint64_t cut_bytes = 0;
  for (const auto& [number, path] : *logs) {
    std::string log;
    rocksdb::IOStatus read = rocksdb::ReadFileToString(engine.file_system.get(), path, &log);
    if (!read.ok()) return FromRocks(read, "reading " + path);
    LogShape shape = ShapeOf(log);
    if (shape.whole_after_damage || (!torn.empty() && shape.records > 0)) return false;
    if (!shape.damaged || !torn.empty()) continue;
    torn = path;
    cut_bytes = log.size() - shape.whole_bytes;
    kept = log.substr(0, shape.whole_bytes);
  }
  if (torn.empty()) return false;
  LogLine(engine.Now(), "store_log_end_cut")
      .Text("path", torn)
      .Number("bytes_kept", static_cast<int64_t>(kept.size()))
      .Number("bytes_cut", static_cast<int64_t>(cut_bytes))
      .To(engine.log());
  Status replaced = Replace(engine, torn, kept);
  if (!replaced.ok()) return replaced;
  return true;
}

}  // namespace ringpost::storage
