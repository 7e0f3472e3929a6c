// Database: one opened RocksDB with the spool's column families, checked to be ours and of a
// version we know. Private to storage.
//
// After a failed write it is closed and opened again, never resumed: Resume() may report success
// while the log behind it stays broken.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/statistics.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/status.h"
#include "storage/engine.h"
#include "storage/spool.h"

namespace ringpost::storage {

enum class Family : uint8_t { kEnvelope, kRcpt, kBody, kOutbox, kKey, kMeta };
inline constexpr size_t kFamilies = 6;
std::string_view FamilyName(Family family);

class Database {
 public:
  // How: kServe makes a store where there is none, and cuts a torn log; kReopen is after a failure.
  // The tools read a store without changing it, and a working copy of a damaged one with every
  // record left out that does not read.
  enum class Mode : uint8_t { kServe, kReopen, kReadOnly, kSalvage };

  // `logger` takes RocksDB's words instead of its info log; may be null.
  static StatusOr<std::unique_ptr<Database>> Open(
      const Engine& engine, Mode mode, std::shared_ptr<rocksdb::Logger> logger = nullptr);
  // A store is there (CURRENT exists), whatever state it is in.
  static bool Exists(const Engine& engine);
  ~Database();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) {
    return handles_[static_cast<size_t>(family)];
  }
  uint32_t id(Family family) { return handle(family)->GetID(); }

  rocksdb::Status Get(Family family, std::string_view key, rocksdb::PinnableSlice* value);

  // A background job (flush, compaction) failed; every later write would.
  bool broken() const { return broken_->load(std::memory_order_acquire); }
  // Called on RocksDB's threads when that happens. Set before the first write.
  void OnBroken(void (*wake)(void*), void* context);

  // Flushes the memtables and compacts the table files, so that deleted rows leave the disk, and
  // with them the blob files in which nothing else is. Takes seconds; CancelReclaim ends it, and
  // every later one.
  rocksdb::Status Reclaim();
  void CancelReclaim() { db_->DisableManualCompaction(); }
  uint64_t ReclaimNeedsBytes() const;  // of free space, at most
  uint64_t FileBytes() const;          // of table and blob files

  // Memory, log and flushed bytes, for the status page.
  void AddMemory(SpoolHealth* health) const;
  // The options RocksDB took for real, for the log: it silently changes some.
  std::string EffectiveOptions() const;

  // Numbers of `meta`, four bytes each; NOT_FOUND where there is none.
  StatusOr<uint32_t> ReadMeta(std::string_view name);

 private:
  class Listener;
  Database() = default;
  rocksdb::Status OpenWith(const rocksdb::DBOptions& options, const Engine& engine, Mode mode);
  Status CheckMeta(const Engine& engine, Mode mode);
  Status WriteFirstMeta(const Engine& engine);
  uint64_t SumOf(const std::string& property) const;  // over the families

  std::shared_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> all_handles_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  std::shared_ptr<std::atomic<bool>> broken_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<rocksdb::Statistics> statistics_;
};

// For walks over rows that nobody reads again soon: the block cache is left to what deliveries
// read.
inline rocksdb::ReadOptions ReadOnce() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

inline constexpr std::string_view kMetaFormat = "format";
inline constexpr std::string_view kMetaPartition = "partition";
inline constexpr std::string_view kMetaIncarnation = "incarnation";
// `meta` row of a body that streams: this byte, then the id. A store that opens with one has orphan
// chunks.
inline constexpr char kMetaStreamPrefix = 's';
// `meta` row of a message that is over, and whose bounces may come: this byte, then the id.
inline constexpr char kMetaOriginPrefix = 'o';

}  // namespace ringpost::storage
