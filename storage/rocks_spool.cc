#include "storage/rocks_spool.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "gateway/base/check.h"
#include "storage/key_check.h"
#include "storage/rocks_spool_parts.h"
#include "storage/rocks_status.h"
#include "storage/store_key.h"
#include "storage/swap_check.h"

namespace ringpost::storage {
namespace {

Status EnsureDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return OkStatus();
  std::string text = "the store " + path + " cannot be made: " + std::strerror(errno);
  if (errno == ENOENT) text += "; make its parent directory, or mount its disk";
  return MakeStatus(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kFailedPrecondition,
                    text);
}

// The store's key comes before the database and the slots after it, so that whatever a crash during
// the first opening leaves behind is completed by the next one.
Status PrepareNewStore(const Engine& engine) {
  if (engine.file_system->FileExists(engine.slots_path(), {}, nullptr).ok()) {
    return MakeStatus(
        StatusCode::kFailedPrecondition,
        "the store " + engine.options.path +
            " has keys but no database: is a disk not mounted? To begin anew, remove " +
            engine.slots_path());
  }
  return EnsureStoreKey(engine.options.key_file);
}

// A new store's directories are to be there after a power cut too.
Status SyncDirectories(const Engine& engine) {
  std::string parent = engine.options.path.substr(0, engine.options.path.rfind('/') + 1);
  for (const std::string& path :
       {engine.options.path, parent.empty() ? std::string(".") : parent}) {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    rocksdb::IOStatus status = engine.file_system->NewDirectory(path, {}, &directory, nullptr);
    if (status.ok()) status = directory->Fsync({}, nullptr);
    if (!status.ok()) return FromRocks(status, "syncing the directory " + path);
  }
  return OkStatus();
}

uint64_t OutboxNext(Database& database) {
  std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(rocksdb::ReadOptions(), database.handle(Family::kOutbox)));
  rows->SeekToLast();
  return rows->Valid() ? ByteReader(FromRocks(rows->key())).U64() + 1 : 1;
}

std::vector<MessageId> FindOpenStreams(Database& database) {
  std::vector<MessageId> streams;
  std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(rocksdb::ReadOptions(), database.handle(Family::kMeta)));
  std::string_view prefix(&kMetaStreamPrefix, 1);
  for (rows->Seek(ToRocks(prefix)); rows->Valid(); rows->Next()) {
    std::string_view key = FromRocks(rows->key());
    if (!key.starts_with(kMetaStreamPrefix) || key.size() != 1 + kMessageKeyBytes) break;
    streams.push_back(MessageId::FromKey(key.substr(1)));
  }
  return streams;
}

void WarnOfSwap(const Engine& engine, bool locked) {
  std::string swap = UnencryptedSwap();
  if (swap.empty()) return;
  std::string text = "swap on this machine is not encrypted (" + swap +
                     "): mail in memory may be written to its disk in clear";
  if (!locked) text += ", and so may keys, since RLIMIT_MEMLOCK is too low to lock them";
  text += "; encrypt the swap, use zram, or turn it off";
  LogLine(engine.Now(), "store_swap_unencrypted")
      .Text("path", engine.options.path)
      .Text("reason", text)
      .To(engine.log());
}

void LogOpened(const Engine& engine, Store& store, const KeyRing& ring, bool locked,
               size_t orphans) {
  LogLine(engine.Now(), "store_open")
      .Text("path", engine.options.path)
      .Number("incarnation", store.incarnation())
      .Text("options", store.database()->EffectiveOptions())
      .Number("orphan_streams", static_cast<int64_t>(orphans))
      .Number("damaged_key_slots", ring.damaged_slots())
      .Flag("key_memory_locked", locked)
      .To(engine.log());
}

}  // namespace

RocksSpool::RocksSpool(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

StatusOr<std::unique_ptr<RocksSpool>> RocksSpool::Open(SpoolOptions options) {
  return OpenParts(std::make_unique<Parts>(Engine(std::move(options))));
}

StatusOr<std::unique_ptr<RocksSpool>> RocksSpool::OpenParts(std::unique_ptr<Parts> parts) {
  const Engine& engine = parts->engine;
  Status status = EnsureDirectory(engine.options.path);
  if (status.ok() && !Database::Exists(engine)) status = PrepareNewStore(engine);
  if (status.ok()) status = parts->store.OpenDatabase();
  if (status.ok()) status = CheckKeys(engine, *parts->store.database());
  if (status.ok()) status = SyncDirectories(engine);
  if (!status.ok()) return status;
  StatusOr<std::unique_ptr<KeyRing>> ring = KeyRing::Open(engine, KeyRing::Mode::kServe);
  if (!ring.ok()) return ring.status();
  parts->ring = *std::move(ring);

  Database& database = *parts->store.database();
  std::vector<MessageId> orphans = FindOpenStreams(database);
  parts->space.Check();
  parts->committer.emplace(&parts->store, parts->ring.get(), &parts->space);
  bool locked = parts->ring->memory_locked() && parts->committer->key_memory_locked();
  LogOpened(engine, parts->store, *parts->ring, locked, orphans.size());
  WarnOfSwap(engine, locked);
  parts->committer->Start(OutboxNext(database));
  parts->readers.emplace(&parts->store, parts->ring.get(), engine.options.reader_threads);
  parts->housekeeper.emplace(&parts->store, parts->ring.get(), &*parts->committer, &parts->space);
  parts->housekeeper->Start(std::move(orphans));
  parts->reclaim.emplace(&parts->store, &*parts->committer, &parts->space);
  parts->reclaim->Start();
  return std::unique_ptr<RocksSpool>(new RocksSpool(std::move(parts)));
}

RocksSpool::~RocksSpool() {
  StopScan();
  parts_->reclaim->Stop();
  parts_->housekeeper->Stop();  // before the committer, which it may wait for
  parts_->readers->Stop();
  parts_->committer->Stop();
}

void RocksSpool::Submit(CommitRequest* request) { parts_->committer->Submit(request); }

void RocksSpool::Read(ReadRequest* request) { parts_->readers->Read(request); }

void RocksSpool::StartScan(std::vector<ScanTarget> targets) {
  RP_CHECK(!parts_->scanner);
  parts_->scanner.emplace(&parts_->store);
  parts_->scanner->Start(std::move(targets), &parts_->scanned);
}

void RocksSpool::StopScan() {
  if (parts_->scanner) parts_->scanner->Stop();
}

bool RocksSpool::accepting() const { return parts_->committer->accepting(); }

uint64_t RocksSpool::free_bytes() const { return parts_->space.free_bytes(); }

SpoolHealth RocksSpool::health() const {
  SpoolHealth health;
  const Committer& committer = *parts_->committer;
  health.accepting = committer.accepting();
  health.reason = committer.reason();
  health.free_bytes = parts_->space.free_bytes();
  int64_t messages = committer.messages() + parts_->scanned.load(std::memory_order_relaxed);
  health.messages = messages > 0 ? static_cast<uint64_t>(messages) : 0;
  health.backlog_requests = committer.backlog();
  health.commit_p50_micros = committer.latency().Percentile(50);
  health.commit_p99_micros = committer.latency().Percentile(99);
  health.key_memory_locked = parts_->ring->memory_locked() && committer.key_memory_locked();
  if (Store::Use use = parts_->store.Open()) use->AddMemory(&health);
  return health;
}

const Counters& RocksSpool::counters() const { return parts_->committer->counters(); }

}  // namespace ringpost::storage
