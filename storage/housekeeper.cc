#include "storage/housekeeper.h"

#include <sys/prctl.h>

#include <algorithm>

#include "gateway/base/limits.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

constexpr Seconds kReportEvery{60};
constexpr Seconds kRetireRetry{2};
constexpr Seconds kForgetEvery{6 * 3600};

}  // namespace

Housekeeper::Housekeeper(Store* store, KeyRing* ring, Committer* committer, SpaceGuard* space)
    : store_(store),
      ring_(ring),
      committer_(committer),
      space_(space),
      rewrapper_(store, ring, committer) {}

Housekeeper::~Housekeeper() { Stop(); }

void Housekeeper::Start(std::vector<MessageId> orphans) {
  orphans_ = std::move(orphans);
  thread_ = std::thread([this] { Run(); });
}

void Housekeeper::Stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.Signal();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::Run() {
  prctl(PR_SET_NAME, "rp-housekeeper");
  while (!stopping_.load(std::memory_order_acquire)) {
    space_->Check();
    store_->engine().pace->Look(committer_->counters().Get(Counter::kCommitBytes), ReadMonoClock());
    MoveOutbox();
    TurnKeys();
    SweepOrphans();
    ForgetOrigins();
    waker_.Wait(Millis(std::min(limits::kOutboxMoveMillis, limits::kFreeSpaceCheckMillis)));
  }
}

void Housekeeper::MoveOutbox() {
  if (uint64_t reopens = committer_->reopens(); reopens != seen_reopens_) {
    // Deletes that were not synced may be undone: look again from the start.
    seen_reopens_ = reopens;
    outbox_from_ = 0;
  }
  while (!stopping_.load(std::memory_order_acquire) && MovePage()) {
  }
}

bool Housekeeper::MovePage() {
  uint64_t end = committer_->outbox_end();
  if (outbox_from_ >= end) return false;
  std::vector<uint64_t> rows;
  {
    Store::Use use = store_->Open();
    if (!use) return false;
    auto first = OutboxKey(outbox_from_), last = OutboxKey(end);
    rocksdb::Slice lower = ToRocks(View(first)), upper = ToRocks(View(last));
    rocksdb::ReadOptions options = ReadOnce();
    options.iterate_lower_bound = &lower;
    options.iterate_upper_bound = &upper;
    std::unique_ptr<rocksdb::Iterator> outbox(
        use->db().NewIterator(options, use->handle(Family::kOutbox)));
    for (outbox->Seek(lower); outbox->Valid() && rows.size() < limits::kOutboxPageRowsMax;
         outbox->Next()) {
      rows.push_back(ByteReader(FromRocks(outbox->key())).U64());
    }
    if (!outbox->status().ok()) {
      Report("store_outbox_error", FromRocks(outbox->status(), "reading the outbox"));
      return false;
    }
  }
  bool more = rows.size() == limits::kOutboxPageRowsMax;
  if (!rows.empty()) {
    // Not synced: a crash brings rows back, and they are dropped again.
    Status deleted = committer_->RunJob(
        [&rows](GroupBuilder& group) {
          for (uint64_t row : rows) group.DeleteOutboxRow(row);
        },
        false);
    if (!deleted.ok()) return false;
  }
  outbox_from_ = more ? rows.back() + 1 : end;
  return more;
}

void Housekeeper::TurnKeys() {
  WallTime now = store_->engine().Now();
  if (ring_->EpochOver(now)) {
    Status begun = ring_->BeginEpoch(now);
    if (!begun.ok()) Report("store_key_epoch_error", begun);
  }
  if (!committer_->failure().empty() || ReadMonoClock() < retire_at_) return;
  Status retired = rewrapper_.RetireOutlived();
  if (retired.ok()) return;
  // It reads every message: not as often as all else here.
  retire_at_ = ReadMonoClock() + kRetireRetry;
  Report("store_key_retire_error", retired);
}

void Housekeeper::SweepOrphans() {
  while (!orphans_.empty() && !stopping_.load(std::memory_order_acquire)) {
    MessageId id = orphans_.back();
    std::optional<uint32_t> chunks = CountChunks(id);
    if (!chunks) return;
    Status swept =
        committer_->RunJob([&](GroupBuilder& group) { group.DeleteStream(id, *chunks); }, false);
    if (!swept.ok()) return;
    orphans_.pop_back();
  }
}

void Housekeeper::ForgetOrigins() {
  if (ReadMonoClock() < origins_at_) return;
  WallTime before = store_->engine().Now() - Seconds(limits::kOriginKeptSeconds);
  Status forgotten = committer_->RunJob(
      [before](GroupBuilder& group) { group.DeleteOriginsBefore(before); }, false);
  // Where it failed the store is closed, and opened again within moments.
  origins_at_ = ReadMonoClock() + (forgotten.ok() ? kForgetEvery : kRetireRetry);
}

std::optional<uint32_t> Housekeeper::CountChunks(const MessageId& id) {
  Store::Use use = store_->Open();
  if (!use) return std::nullopt;
  auto first = IndexedKey(id, 0), last = IndexedKey(id, UINT32_MAX);
  rocksdb::Slice upper = ToRocks(View(last));
  rocksdb::ReadOptions options = ReadOnce();
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> rows(
      use->db().NewIterator(options, use->handle(Family::kBody)));
  uint32_t chunks = 0;
  for (rows->Seek(ToRocks(View(first))); rows->Valid(); rows->Next()) {
    std::optional<IndexedId> key = ParseIndexedKey(FromRocks(rows->key()));
    if (key) chunks = key->index + 1;
  }
  if (!rows->status().ok()) return std::nullopt;
  return chunks;
}

void Housekeeper::Report(std::string_view event, const Status& status) {
  MonoTime now = ReadMonoClock();
  auto [last, first_time] = reported_.try_emplace(std::string(event), now);
  if (!first_time && now - last->second < kReportEvery) return;
  last->second = now;
  LogLine(store_->engine().Now(), event)
      .Text("path", store_->engine().options.path)
      .Text("reason", MessageOf(status))
      .To(store_->engine().log());
}

}  // namespace ringpost::storage
