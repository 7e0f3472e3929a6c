// What the committer does when a write or a sync failed.
//
// The group's requests come back UNAVAILABLE and nothing is accepted any more. Whether the group's
// records reached the disk is unknown: its new messages, answered 4xx, are suspects, and so are the
// rows of bodies that were streaming, since chunks written before the failed sync may be gone. The
// database is closed and opened again, with back-off; the first batch then deletes the suspects and
// is synced. Only when that has worked is mail accepted again, so no schedule can pick a suspect
// up, short of a crash in between: then it comes out although its client was told to try again,
// which is counted here. The report that an outcome brings is no suspect: see ExpectAgain.
//
// The kernel forgets what a failed sync could not write, but shows it until the power goes. So the
// logs are not kept: a reopening writes what it finds in them to table files.
#include <algorithm>

#include "gateway/base/limits.h"
#include "storage/committer.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {

void Committer::Fail(const Status& why, uint64_t outbox_row) {
  Count(Counter::kStoreErrors);
  RememberSuspects(outbox_row);
  std::string words(MessageOf(why));
  {
    std::lock_guard<std::mutex> lock(failure_mutex_);
    failure_ = words;
  }
  failed_.store(true, std::memory_order_relaxed);
  reopen_delay_ = Millis(limits::kReopenFirstMillis);
  reopen_at_ = ReadMonoClock() + reopen_delay_;
  LogLine(store_->engine().Now(), "store_failed")
      .Text("path", store_->engine().options.path)
      .Text("reason", words)
      .Number("suspects", static_cast<int64_t>(suspects_.size()))
      .To(store_->engine().log());
}

void Committer::RememberSuspects(uint64_t outbox_row) {
  size_t before = suspects_.size();
  for (CommitRequest* request : group_) {
    if (request->message && request->kind == CommitRequest::Kind::kOutcome) {
      builder_.ExpectAgain(request->message->id);
    } else if (request->message) {
      suspects_.push_back({request->message->id, request->message->envelope.body_chunks});
    }
    if (request->kind == CommitRequest::Kind::kDiscard) {
      suspects_.push_back({request->id, request->body_chunks});
    }
  }
  builder_.streams().ForEach([this](const MessageId& id, BodyStream& stream) {
    suspects_.push_back({id, stream.chunks});
    stream.refused = true;
    stream.chunks = 0;  // from now on its rows are the suspects' business
  });
  if (outbox_row != 0) suspect_outbox_rows_.push_back(outbox_row);
  Count(Counter::kStoreSuspects, suspects_.size() - before);
}

void Committer::RefuseEverything() {
  std::string words = failure();
  for (std::deque<CommitRequest*>* queue : {&ready_, &bulk_}) {
    for (CommitRequest* request : *queue) {
      // The client went away, or was refused: its stream is over too.
      bool ends_stream =
          request->kind == CommitRequest::Kind::kDiscard ||
          (request->kind == CommitRequest::Kind::kAccept && request->message->body_in_chunks);
      if (ends_stream) {
        builder_.streams().End(request->message ? request->message->id : request->id);
      }
      // One of its own each: threads share no count of references (TSan does not see abseil's).
      request->status = MakeStatus(StatusCode::kUnavailable, words);
      group_.push_back(request);
    }
    queue->clear();
  }
  lazy_waiting_ = 0;
  PostBack();
  FinishJobs(MakeStatus(StatusCode::kUnavailable, words));
}

void Committer::TryReopen() {
  store_->CloseDatabase();
  Status opened = store_->OpenDatabase();
  if (opened.ok()) opened = DeleteSuspects();
  if (!opened.ok()) {
    std::string words(MessageOf(opened));
    {
      std::lock_guard<std::mutex> lock(failure_mutex_);
      failure_ = words;
    }
    reopen_delay_ = std::min(reopen_delay_ * 2, Millis(limits::kReopenLastMillis));
    reopen_at_ = ReadMonoClock() + reopen_delay_;
    return;
  }
  Count(Counter::kStoreReopens);
  reopens_.fetch_add(1, std::memory_order_relaxed);
  {
    std::lock_guard<std::mutex> lock(failure_mutex_);
    failure_.clear();
  }
  failed_.store(false, std::memory_order_relaxed);
  LogLine(store_->engine().Now(), "store_reopened")
      .Text("path", store_->engine().options.path)
      .To(store_->engine().log());
}

Status Committer::DeleteSuspects() {
  Database& database = *store_->database();
  builder_.UseFamilies(database);
  database.OnBroken(Waker::WakeFn, &waker_);
  builder_.Begin(store_->engine().Now());
  for (const Suspect& suspect : suspects_) {
    builder_.DeleteMessageRows(suspect.id, 0);
    builder_.DeleteStream(suspect.id, suspect.chunks);
  }
  for (uint64_t row : suspect_outbox_rows_) builder_.DeleteOutboxRow(row);
  // Also where there is nothing to delete: a store that cannot write and sync is not open.
  builder_.TouchMeta();
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = builder_.batch().WriteWith(
      [&](rocksdb::WriteBatch* batch) { return database.db().Write(options, batch); });
  if (!status.ok()) return FromRocks(status, "writing to the reopened store");
  suspects_.clear();
  suspect_outbox_rows_.clear();
  return OkStatus();
}

}  // namespace ringpost::storage
