#include "storage/rewrapper.h"

#include "gateway/base/limits.h"
#include "storage/message_cursor.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {
namespace {

Status Reopened() {
  return MakeStatus(StatusCode::kUnavailable, "the store was reopened meanwhile");
}

}  // namespace

Status Rewrapper::RetireOutlived() {
  std::vector<uint32_t> outlived = ring_->Outlived();
  if (outlived.empty()) return OkStatus();
  Status wrapped = WrapSurvivors(ring_->current_epoch());
  for (uint32_t epoch : outlived) {
    if (!wrapped.ok()) return wrapped;
    wrapped = ring_->Retire(epoch);
  }
  return wrapped.ok() && all_have_keys_ ? ring_->FreeDamaged() : wrapped;
}

Status Rewrapper::WrapSurvivors(uint32_t current) {
  uint64_t reopens = committer_->reopens();
  if (rows_safe_since_ != reopens) rows_safe_since_.reset();
  all_have_keys_ = true;
  std::optional<MessageId> after;
  for (bool last = false; !last;) {
    Status status = WrapPage(current, &after, &last);
    if (!status.ok()) return status;
  }
  // One sync for all pages, and for those of a pass that did not get to its end.
  Status synced = committer_->RunJob([](GroupBuilder& group) { group.TouchMeta(); }, true);
  if (!synced.ok()) return synced;
  if (committer_->reopens() != reopens) return Reopened();
  rows_safe_since_ = reopens;
  return OkStatus();
}

Status Rewrapper::WrapPage(uint32_t current, std::optional<MessageId>* after, bool* last) {
  Status status = committer_->RunJob([](GroupBuilder& group) { group.RecordCompletions(); }, false);
  if (!status.ok()) return status;
  StatusOr<Page> page = ReadPage(current, after);
  bool recorded = false;
  status = committer_->RunJob(
      [&](GroupBuilder& group) {
        recorded = group.recording();
        if (recorded && page.ok()) {
          for (const auto& [id, key] : page->keys) {
            if (!group.CompletedMeanwhile(id)) group.PutKeyRow(id, key);
          }
        }
        group.StopRecording();
      },
      false);
  if (!page.ok()) return page.status();
  if (!status.ok()) return status;
  *last = page->last;
  return recorded ? OkStatus() : Reopened();
}

StatusOr<Rewrapper::Page> Rewrapper::ReadPage(uint32_t current, std::optional<MessageId>* after) {
  Store::Use use = store_->Open();
  if (!use) return MakeStatus(StatusCode::kUnavailable, "the store is closed after a failure");
  Page page;
  MessageCursor cursor(&*use, *after);
  for (size_t rows = 0; cursor.Valid() && rows < limits::kRewrapPageRowsMax &&
                        page.keys.size() < limits::kRewrapPageKeysMax;
       cursor.Next(), ++rows) {
    if (cursor.key().size() != kMessageKeyBytes) continue;
    MessageId id = MessageId::FromKey(cursor.key());
    *after = id;
    Status considered = Consider(id, cursor, current, &page);
    if (!cursor.status().ok()) break;
    if (considered.ok()) continue;
    all_have_keys_ = false;
    LogLine(store_->engine().Now(), "store_record_damaged")
        .Id(id)
        .Text("reason", MessageOf(considered))
        .To(store_->engine().log());
  }
  if (!cursor.status().ok()) {
    return FromRocks(cursor.status(), "reading keys to wrap again (old keys stay until it works)");
  }
  page.last = !cursor.Valid();
  return page;
}

Status Rewrapper::Consider(const MessageId& id, MessageCursor& cursor, uint32_t current,
                           Page* page) {
  StatusOr<std::optional<WrappedKey>> row = cursor.JoinKey(id);
  if (!row.ok()) return row.status();
  WrappedKey wrapped;
  if (*row) {
    wrapped = **row;
  } else {
    StatusOr<EnvelopeRow> envelope = DecodeEnvelopeRow(cursor.value());
    if (!envelope.ok()) return envelope.status();
    wrapped = envelope->key;
  }
  bool safe = !*row || rows_safe_since_.has_value();
  if (!ring_->Knows(wrapped.epoch)) {
    return MakeStatus(StatusCode::kDataLoss, "its key is under epoch " +
                                                 std::to_string(wrapped.epoch) + ", which is gone");
  }
  if (wrapped.epoch + 1 >= current && safe) return OkStatus();
  tls::Key key;
  if (!ring_->Unwrap(id, wrapped, &key)) {
    return MakeStatus(StatusCode::kDataLoss, "its key does not open");
  }
  page->keys.emplace_back(id, ring_->Wrap(id, key));
  return OkStatus();
}

}  // namespace ringpost::storage
