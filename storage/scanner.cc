#include "storage/scanner.h"

#include <sys/prctl.h>

#include "gateway/base/limits.h"
#include "storage/message_cursor.h"
#include "storage/message_walk.h"
#include "storage/record_encoding.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

// Rows looked at in one go, while the store cannot be closed.
constexpr size_t kRowsAtOnce = 4096;
// While the store is closed, and after an error.
constexpr Millis kPause{100};
// Errors in a row, half a minute of them, after which a place counts as damaged.
constexpr uint32_t kErrorsMax = 300;

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
  for (Step step = Step::kMore; step != Step::kEnd;) {
    step = ReadSome();
    if (step == Step::kWait && !Pause(kPause)) return;
    for (size_t shard = 0; shard < targets_.size(); ++shard) {
      if (pending_[shard].size() < limits::kScanPageMessagesMax) continue;
      if (!PostPage(shard, false)) return;
    }
  }
  for (size_t shard = 0; shard < targets_.size(); ++shard) {
    if (!PostPage(shard, true)) return;
  }
}

Scanner::Step Scanner::ReadSome() {
  {
    std::lock_guard<std::mutex> lock(flow_->mutex);
    if (flow_->stopping) return Step::kEnd;
  }
  Store::Use use = store_->Open();
  if (!use) return Step::kWait;
  MessageCursor cursor(&*use, from_);
  Status unread;
  for (size_t rows = 0; cursor.Valid() && rows < kRowsAtOnce; cursor.Next(), ++rows) {
    if (cursor.key().size() != kMessageKeyBytes) continue;  // not ours; check names it
    MessageId id = MessageId::FromKey(cursor.key());
    unread = TakeMessage(id, cursor);
    if (!unread.ok()) break;
    last_ = cursor.key();
    from_ = last_ + '\0';
    if (pending_[id.HomeOf(static_cast<uint32_t>(targets_.size()))].size() >=
        limits::kScanPageMessagesMax) {
      return Step::kMore;
    }
  }
  if (unread.ok() && cursor.status().ok()) return cursor.Valid() ? Step::kMore : Step::kEnd;
  ++errors_;
  if (!cursor.status().ok()) return AfterError(*use, cursor.status());
  if (errors_ == 1) LogError("store_scan_waits", MessageOf(unread));
  return Step::kWait;
}

Scanner::Step Scanner::AfterError(Database& database, const rocksdb::Status& error) {
  std::string words(MessageOf(FromRocks(error, "reading envelopes")));
  bool damaged = error.IsCorruption();
  if (damaged || errors_ % kErrorsMax == 0) {
    bool unsure = false;
    std::optional<std::string> readable = NextReadable(database, last_, &unsure);
    // An I/O error may pass, and one that covers all that is left is no damaged place.
    if (damaged ? !unsure || errors_ >= kErrorsMax : readable.has_value()) {
      words += "; messages after " + MessageId::FromKey(last_).ToString();
      if (readable) words += " up to " + MessageId::FromKey(*readable).ToString();
      words += " are left out: `ringpost store check` says what is damaged";
      status_ = MakeStatus(StatusCode::kDataLoss, words);
      LogError("store_scan_gap", words);
      if (!readable) return Step::kEnd;
      from_ = last_ = *readable;
      errors_ = 0;
      return Step::kMore;
    }
  }
  if (errors_ == 1) LogError("store_scan_waits", words);
  return Step::kWait;
}

Status Scanner::TakeMessage(const MessageId& id, MessageCursor& cursor) {
  ScannedMessage message;
  message.id = id;
  StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(cursor.value());
  if (row.ok() && row->incarnation == store_->incarnation()) return OkStatus();
  StatusOr<StoredEnvelope> envelope =
      row.ok() ? DecodeEnvelope(row->record, Trace::kLeaveEmpty) : row.status();
  if (!envelope.ok()) {
    LogDamage(id, envelope.status());
    return OkStatus();
  }
  message.envelope = *std::move(envelope);
  message.recipients.resize(message.envelope.recipients.size());
  Status joined = cursor.JoinStates(id, &message.recipients);
  if (joined.ok()) {
    errors_ = 0;
  } else {
    if (joined.code() != StatusCode::kDataLoss && errors_ < kErrorsMax) return joined;
    LogDamage(id, joined);
  }
  found_->fetch_add(1, std::memory_order_relaxed);
  pending_[id.HomeOf(static_cast<uint32_t>(targets_.size()))].push_back(std::move(message));
  return OkStatus();
}

void Scanner::LogDamage(const MessageId& id, const Status& status) {
  LogLine(store_->engine().Now(), "store_record_damaged")
      .Id(id)
      .Text("reason", MessageOf(status))
      .To(store_->engine().log());
}

void Scanner::LogError(std::string_view event, std::string_view reason) {
  LogLine(store_->engine().Now(), event)
      .Text("path", store_->engine().options.path)
      .Text("reason", reason)
      .To(store_->engine().log());
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
