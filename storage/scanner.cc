#include "storage/scanner.h"

#include <sys/prctl.h>

#include "gateway/base/limits.h"
#include "storage/message_cursor.h"
#include "storage/record_encoding.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

// Rows looked at in one go, while the store cannot be closed.
constexpr size_t kRowsAtOnce = 4096;
constexpr Millis kStoreClosedPause{100};

}  // namespace

Scanner::~Scanner() { Stop(); }

void Scanner::Start(std::vector<ScanTarget> targets, std::atomic<int64_t>* found) {
  targets_ = std::move(targets);
  found_ = found;
  pending_.resize(targets_.size());
  flow_->in_flight.assign(targets_.size(), 0);
  thread_ = std::thread([this] { Run(); });
}

void Scanner::Stop() {
  {
    std::lock_guard<std::mutex> lock(flow_->mutex);
    flow_->stopping = true;
  }
  flow_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Scanner::Run() {
  prctl(PR_SET_NAME, "rp-scan");
  while (ReadSome()) {
    for (size_t shard = 0; shard < targets_.size(); ++shard) {
      if (pending_[shard].size() < limits::kScanPageMessagesMax) continue;
      if (!PostPage(shard, false)) return;
    }
  }
  for (size_t shard = 0; shard < targets_.size(); ++shard) {
    if (!PostPage(shard, true)) return;
  }
  finished_.store(true, std::memory_order_release);
}

bool Scanner::ReadSome() {
  {
    std::lock_guard<std::mutex> lock(flow_->mutex);
    if (flow_->stopping) return false;
  }
  Store::Use use = store_->Open();
  if (!use) return Pause(kStoreClosedPause);
  MessageCursor cursor(&*use, after_);
  for (size_t rows = 0; cursor.Valid() && rows < kRowsAtOnce; cursor.Next(), ++rows) {
    std::string_view key = cursor.key();
    if (key.size() != kMessageKeyBytes) continue;  // not ours; check names it
    MessageId id = MessageId::FromKey(key);
    after_ = id;
    TakeMessage(key, cursor.value(), cursor);
    if (pending_[id.HomeOf(static_cast<uint32_t>(targets_.size()))].size() >=
        limits::kScanPageMessagesMax) {
      return true;
    }
  }
  if (!cursor.status().ok()) {
    status_ = FromRocks(cursor.status(), "scanning the store " + store_->engine().options.path);
    LogLine(store_->engine().Now(), "store_scan_error")
        .Text("path", store_->engine().options.path)
        .Text("reason", MessageOf(status_))
        .To(store_->engine().log());
    return false;
  }
  return cursor.Valid();
}

void Scanner::TakeMessage(std::string_view key, std::string_view value, MessageCursor& cursor) {
  ScannedMessage message;
  message.id = MessageId::FromKey(key);
  Status status;
  StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(value);
  if (row.ok() && row->incarnation == store_->incarnation()) return;
  status = row.status();
  if (row.ok()) {
    StatusOr<StoredEnvelope> envelope = DecodeEnvelope(row->record, Trace::kLeaveEmpty);
    status = envelope.status();
    if (envelope.ok()) message.envelope = *std::move(envelope);
  }
  if (status.ok()) {
    message.recipients.resize(message.envelope.recipients.size());
    status = cursor.JoinStates(message.id, &message.recipients);
  }
  if (!status.ok()) {
    LogLine(store_->engine().Now(), "store_record_damaged")
        .Id(message.id)
        .Text("reason", MessageOf(status))
        .To(store_->engine().log());
    return;
  }
  found_->fetch_add(1, std::memory_order_relaxed);
  size_t shard = message.id.HomeOf(static_cast<uint32_t>(targets_.size()));
  pending_[shard].push_back(std::move(message));
}

ScanPage* Scanner::NewPage(size_t shard) {
  ScanPage* page = targets_[shard].make_page(targets_[shard].context);
  // Counts the page as gone when the shard deletes it.
  page->slot = std::shared_ptr<void>(nullptr, [flow = flow_, shard](void*) {
    {
      std::lock_guard<std::mutex> lock(flow->mutex);
      --flow->in_flight[shard];
    }
    flow->changed.notify_all();
  });
  return page;
}

bool Scanner::PostPage(size_t shard, bool last) {
  {
    std::unique_lock<std::mutex> lock(flow_->mutex);
    flow_->changed.wait(lock, [&] {
      return flow_->stopping || flow_->in_flight[shard] < limits::kScanPagesInFlightMax;
    });
    if (flow_->stopping) return false;
    ++flow_->in_flight[shard];
  }
  ScanPage* page = NewPage(shard);
  page->messages = std::move(pending_[shard]);
  pending_[shard].clear();
  page->last = last;
  if (last) page->status = status_;
  targets_[shard].inbox->Post(page);
  return true;
}

bool Scanner::Pause(Millis time) {
  std::unique_lock<std::mutex> lock(flow_->mutex);
  return !flow_->changed.wait_for(lock, time, [&] { return flow_->stopping; });
}

}  // namespace ringpost::storage
