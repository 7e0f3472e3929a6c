#include "storage/rewrapper.h"

#include "gateway/base/limits.h"
#include "storage/message_cursor.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {

Status Rewrapper::RetireOutlived() {
  std::vector<uint32_t> outlived = ring_->Outlived();
  if (outlived.empty()) return OkStatus();
  Status wrapped = WrapSurvivors(ring_->current_epoch());
  for (uint32_t epoch : outlived) {
    if (!wrapped.ok()) return wrapped;
    wrapped = ring_->Retire(epoch);
  }
  return wrapped;
}

Status Rewrapper::WrapSurvivors(uint32_t current) {
  std::optional<MessageId> after;
  bool wrote = false;
  for (bool last = false; !last;) {
    Status status =
        committer_->RunJob([](GroupBuilder& group) { group.RecordCompletions(); }, false);
    if (!status.ok()) return status;
    StatusOr<Page> page = ReadPage(current, &after);
    if (!page.ok()) return page.status();
    last = page->last;
    wrote |= !page->keys.empty();
    status = committer_->RunJob(
        [&page](GroupBuilder& group) {
          for (const auto& [id, key] : page->keys) {
            if (!group.CompletedMeanwhile(id)) group.PutKeyRow(id, key);
          }
          group.StopRecording();
        },
        false);
    if (!status.ok()) return status;
  }
  if (!wrote) return OkStatus();
  // One sync for all pages: the log keeps their order.
  return committer_->RunJob([](GroupBuilder& group) { group.TouchMeta(); }, true);
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
    if (considered.ok()) continue;
    LogLine(store_->engine().Now(), "store_record_damaged")
        .Id(id)
        .Text("reason", MessageOf(considered))
        .To(store_->engine().log());
  }
  if (!cursor.status().ok()) return FromRocks(cursor.status(), "reading keys to wrap again");
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
  if (wrapped.epoch + 1 >= current) return OkStatus();
  tls::Key key;
  if (!ring_->Unwrap(id, wrapped, &key)) {
    return MakeStatus(StatusCode::kDataLoss, "its key does not open");
  }
  page->keys.emplace_back(id, ring_->Wrap(id, key));
  return OkStatus();
}

}  // namespace ringpost::storage
