// `ringpost-bench commit`: what the disk and RocksDB alone take to make a group of messages
// durable, for a server's final reply to be held against. One thread writes batches of values, each
// batch synced, at a fixed pace; nothing is sealed, received or answered.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "bench/load/commands.h"
#include "bench/load/histogram.h"
#include "bench/load/net.h"

namespace ringpost::bench {
namespace {

struct CommitOptions {
  std::string path;
  unsigned group = 16;
  size_t size = 4096;
  double rate = 1000;
  double warm_up = 1;
  double seconds = 5;
};

// As a queue of its size would have it: see storage/database_options.cc.
constexpr size_t kMemtableBytes = size_t{256} << 20;

std::unique_ptr<rocksdb::DB> OpenDatabase(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 4;
  options.enable_blob_files = true;
  options.min_blob_size = 1024;
  options.allow_concurrent_memtable_write = false;
  rocksdb::DB* database = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, path, &database);
  if (!status.ok()) std::fprintf(stderr, "%s: %s\n", path.c_str(), status.ToString().c_str());
  return std::unique_ptr<rocksdb::DB>(database);
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, 0);
  for (size_t at = 0; at < count; at += 256) {
    if (getrandom(bytes.data() + at, std::min<size_t>(256, count - at), 0) < 0) break;
  }
  return bytes;
}

class Committer {
 public:
  Committer(const CommitOptions& options, rocksdb::DB* database)
      : options_(options), database_(database), value_(RandomBytes(options.size)) {
    write_.sync = true;
  }

  // Groups at a pace, `rate` messages a second, until `seconds` are over; false when one failed.
  bool Run(double rate, double seconds, Histogram* out) {
    const double pace_nanos = options_.group / rate * 1e9;
    const uint64_t begin = NowNanos();
    const uint64_t end = begin + static_cast<uint64_t>(seconds * 1e9);
    for (uint64_t number = 0;; ++number) {
      const uint64_t due = begin + static_cast<uint64_t>(static_cast<double>(number) * pace_nanos);
      if (due >= end || NowNanos() >= end) return true;
      const uint64_t now = NowNanos();
      if (due > now) std::this_thread::sleep_for(std::chrono::nanoseconds(due - now));
      const uint64_t start = NowNanos();
      if (!Commit()) return false;
      out->Record(NowNanos() - start);
    }
  }

 private:
  bool Commit() {
    batch_.Clear();
    for (unsigned i = 0; i < options_.group; ++i) {
      std::array<char, 24> key;
      const int length =
          std::snprintf(key.data(), key.size(), "%016llx", static_cast<unsigned long long>(++key_));
      batch_.Put(rocksdb::Slice(key.data(), static_cast<size_t>(length)), value_);
    }
    const rocksdb::Status status = database_->Write(write_, &batch_);
    if (!status.ok()) std::fprintf(stderr, "commit: %s\n", status.ToString().c_str());
    return status.ok();
  }

  const CommitOptions options_;
  rocksdb::DB* const database_;
  rocksdb::WriteOptions write_;
  rocksdb::WriteBatch batch_;
  std::string value_;
  uint64_t key_ = 0;
};

int RunCommit(const CommitOptions& options) {
  const std::unique_ptr<rocksdb::DB> database = OpenDatabase(options.path);
  if (database == nullptr) return 2;
  Committer committer(options, database.get());
  Histogram warm_up, seen;
  // As fast as it goes, so that memory and files are as they are in a store that is in use.
  if (!committer.Run(1e9, options.warm_up, &warm_up)) return 2;
  if (!committer.Run(options.rate, options.seconds, &seen)) return 2;
  const auto micros = [&seen](double q) { return static_cast<double>(seen.Quantile(q)) / 1e3; };
  std::printf(
      "{\"commits\":%llu,\"rate\":%.0f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}\n",
      static_cast<unsigned long long>(seen.count()),
      static_cast<double>(seen.count()) * options.group / options.seconds, micros(0.5), micros(0.9),
      micros(0.99), static_cast<double>(seen.max()) / 1e3);
  return 0;
}

}  // namespace

void AddCommitCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<CommitOptions>();
  CLI::App* const commit = app->add_subcommand(
      "commit",
      "Write groups of messages to a RocksDB of its own, each group synced. Prints the latency of "
      "a group in microseconds as a line of JSON.");
  commit->add_option("--path", options->path, "A folder that does not exist yet")->required();
  commit->add_option("--group", options->group, "Messages of a group")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  commit->add_option("--size", options->size, "Bytes of a message")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  commit->add_option("--rate", options->rate, "Messages a second")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  commit->add_option("--warm-up", options->warm_up, "Seconds at full speed that are not counted")
      ->capture_default_str();
  commit->add_option("--seconds", options->seconds, "Seconds that are")->capture_default_str();
  commit->callback([options, exit_code] { *exit_code = RunCommit(*options); });
}

}  // namespace ringpost::bench
