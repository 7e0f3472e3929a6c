#include "storage/database_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <thread>

#include "gateway/base/limits.h"

namespace ringpost::storage {
namespace {

using limits::kMiB;

rocksdb::ColumnFamilyOptions MakeFamily(Family family, const Engine& engine,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;  // what both Debian 12's and 13's RocksDB read: a store can go back
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // so that the cache's bound is the bound
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Bodies are sealed and the rest is small: compression finds nothing to do.
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;

  // A row and its delete that meet in a memtable never reach a table file. What bounds the
  // memtables is the log (max_total_wal_size): it has all of them flushed together, and is deleted.
  // Each could hold twice as much: were one to fill up during a recovery, RocksDB would flush all
  // of them before it opens, and the start would wait for that. Where memory is scarce they are
  // small, and it would not wait long: there it is half as much again, since one that filled up
  // before the log did would be flushed alone, and its log kept for the others.
  bool scarce = engine.options.memory_is_scarce;
  options.max_write_buffer_number = scarce ? 2 : 4;
  options.write_buffer_size = engine.options.memtable_bytes / 2 * (scarce ? 3 : 4);
  // A memtable takes memory in blocks, the last of which is half empty, and every family has
  // memtables: of a few MiB in blocks of RocksDB's own choice (1 MiB) they held twice as much.
  options.arena_block_size =
      std::clamp<uint64_t>(engine.options.memtable_bytes / 32, 64 * limits::kKiB, 1 * kMiB);

  // Keys begin with a time or count up: the place of the last one is near that of the next, and is
  // found from there. One hint for all keys of a family: two bytes of a time last for weeks.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(2));

  if (family == Family::kBody) {
    // What does outlive the memtable is written once, to a blob file, and not again by each
    // compaction.
    options.enable_blob_files = true;
    options.min_blob_size = 1024;
    options.blob_file_size = 64 * kMiB;
    options.enable_blob_garbage_collection = true;  // off by default: files would stay for ever
    options.blob_garbage_collection_age_cutoff = 0.5;
    options.blob_garbage_collection_force_threshold = 0.5;
  }
  return options;
}

}  // namespace

std::shared_ptr<rocksdb::Env> EnvOver(const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  if (file_system == rocksdb::FileSystem::Default()) {
    return std::shared_ptr<rocksdb::Env>(rocksdb::Env::Default(), [](rocksdb::Env*) {});
  }
  return rocksdb::NewCompositeEnv(file_system);
}

rocksdb::DBOptions MakeDatabaseOptions(const Engine& engine) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // decisions/010: acknowledged records are not to be dropped silently, and a power cut tears only
  // the tail.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // No log of before an opening is kept behind it: what a program wrote into it before its sync, or
  // before one that failed, can be read for as long as the power stays, and no longer.
  options.avoid_flush_during_recovery = false;
  options.max_total_wal_size = engine.options.memtable_bytes;
  // Never resumed by itself: after a failed write the store is closed and opened again.
  options.max_bgerror_resume_count = 0;
  // One writer thread: what RocksDB does to merge writers is only overhead.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.max_background_jobs =
      static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2u, 4u));
  options.bytes_per_sync = 1 * kMiB;  // background files go to the disk as they are written
  options.rate_limiter = engine.pace->limiter();
  options.max_open_files = 4096;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = 4 * kMiB;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.statistics = rocksdb::CreateDBStatistics();
  options.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const Engine& engine) {
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(engine.options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < kFamilies; ++i) {
    auto family = static_cast<Family>(i);
    families.emplace_back(std::string(FamilyName(family)), MakeFamily(family, engine, cache));
  }
  families.emplace_back(rocksdb::kDefaultColumnFamilyName,
                        MakeFamily(Family::kMeta, engine, cache));
  return families;
}

}  // namespace ringpost::storage
