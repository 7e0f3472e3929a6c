#include "gateway/session/suppression_list.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "gateway/base/counters.h"
#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"
#include "gateway/session/suppression_limits.h"

namespace ringpost::session {
namespace {

using identity::Suppression;
using identity::SuppressionTable;

void NameThread(const char* name) {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), name);
}

SuppressionList::Outcome OutcomeOf(SuppressionTable::Added added) {
  switch (added) {
    case SuppressionTable::Added::kNew:
      return SuppressionList::Outcome::kAdded;
    case SuppressionTable::Added::kStronger:
      return SuppressionList::Outcome::kChanged;
    case SuppressionTable::Added::kFull:
      return SuppressionList::Outcome::kFull;
    default:
      return SuppressionList::Outcome::kUnchanged;
  }
}

bool IsWritten(SuppressionList::Outcome outcome) {
  return outcome != SuppressionList::Outcome::kUnchanged &&
         outcome != SuppressionList::Outcome::kFull;
}

}  // namespace

StatusOr<std::unique_ptr<SuppressionList>> SuppressionList::Open(const std::string& path,
                                                                 Log* log) {
  auto store = SuppressionStore::Open(path, log);
  if (!store.ok()) return store.status();
  MonoTime began = ReadMonoClock();
  std::unique_ptr<SuppressionList> list(new SuppressionList(std::move(*store), log));
  Status loaded = list->store_->Load(&list->table_);
  if (!loaded.ok()) return loaded;
  LogLine(ReadWallClock(), "suppressions_loaded")
      .Number("entries", static_cast<int64_t>(list->table_.size()))
      .Number("bytes", static_cast<int64_t>(list->table_.bytes()))
      .Number("ms", (ReadMonoClock() - began).count())
      .To(*log);
  SuppressionList* one = list.get();
  one->table_thread_ = std::thread([one] { one->ApplyAll(); });
  one->store_thread_ = std::thread([one] { one->WriteAll(); });
  return list;
}

SuppressionList::SuppressionList(std::unique_ptr<SuppressionStore> store, Log* log)
    : store_(std::move(store)), log_(log), dropped_told_(MonoTime::min()) {
  inbox_.SetWake([](void* list) { static_cast<SuppressionList*>(list)->Wake(); }, this);
}

SuppressionList::~SuppressionList() { Stop(); }

void SuppressionList::Wake() {
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_one();
}

// --- Any thread

bool SuppressionList::Add(Suppression suppression) {
  if (suppression.account == 0 || stopping_.load(std::memory_order_acquire)) return false;
  auto key = identity::ListKey(suppression.entry);
  if (!key || key->size() > identity::limits::kSuppressionKeyBytesMax) return false;
  auto there = table_.FindKey(suppression.account, *key);
  if (there && there->reason >= suppression.reason) return true;
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= limits::kSuppressionsWaitingMax) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    CountDropped();
    return false;
  }
  suppression.detail = Printable(suppression.detail, identity::limits::kSuppressionDetailBytesMax);
  auto item = std::make_unique<Item>();
  uint32_t account = suppression.account;
  item->changes.push_back({account, std::move(*key), std::move(suppression)});
  Post(std::move(item));
  return true;
}

void SuppressionList::CountDropped() {
  Count(Counter::kSuppressionsDropped);
  dropped_.fetch_add(1, std::memory_order_relaxed);
}

void SuppressionList::Post(std::unique_ptr<Item> item) { inbox_.Post(item.release()); }

void SuppressionList::Change(std::vector<SuppressionStore::Change> changes, Done done) {
  if (stopping_.load(std::memory_order_acquire)) {
    done(MakeStatus(StatusCode::kUnavailable, "the daemon stops"), {});
    return;
  }
  if (requests_.fetch_add(1, std::memory_order_relaxed) >= limits::kSuppressionRequestsMax) {
    requests_.fetch_sub(1, std::memory_order_relaxed);
    done(MakeStatus(StatusCode::kResourceExhausted, "too many requests wait already"), {});
    return;
  }
  auto item = std::make_unique<Item>();
  item->changes = std::move(changes);
  item->done = std::move(done);
  Post(std::move(item));
}

std::vector<SuppressionList::Outcome> SuppressionList::Try(
    const std::vector<SuppressionStore::Change>& changes) const {
  std::vector<Outcome> outcomes;
  for (const SuppressionStore::Change& change : changes) {
    auto there = table_.FindKey(change.account, change.key);
    if (!change.suppression) {
      outcomes.push_back(there ? Outcome::kRemoved : Outcome::kUnchanged);
    } else if (!there) {
      outcomes.push_back(Outcome::kAdded);
    } else {
      bool stronger = there->reason < change.suppression->reason;
      outcomes.push_back(stronger ? Outcome::kChanged : Outcome::kUnchanged);
    }
  }
  return outcomes;
}

void SuppressionList::Stop() {
  stopping_.store(true, std::memory_order_release);
  ending_.store(true, std::memory_order_release);
  Wake();
  if (table_thread_.joinable()) table_thread_.join();
  {
    std::lock_guard lock(mutex_);
    applying_ = false;
  }
  changed_.notify_all();
  if (store_thread_.joinable()) store_thread_.join();
  // What came in between.
  for (Posted* posted = inbox_.TakeAll(); posted;) {
    std::unique_ptr<Item> item(static_cast<Item*>(posted));
    posted = posted->next;
    if (item->done) item->done(MakeStatus(StatusCode::kUnavailable, "the daemon stops"), {});
  }
}

// --- The table's thread

void SuppressionList::ApplyAll() {
  NameThread("rp-suppress");
  while (true) {
    uint32_t seen = signal_.load(std::memory_order_acquire);
    bool ending = ending_.load(std::memory_order_acquire);
    Posted* posted = inbox_.TakeAll();
    SayDropped(ending);
    if (!posted && ending) return;
    if (!posted) {
      signal_.wait(seen, std::memory_order_acquire);
      continue;
    }
    Items items;
    while (posted) {
      std::unique_ptr<Item> item(static_cast<Item*>(posted));
      posted = posted->next;
      Apply(item.get());
      items.push_back(std::move(item));
    }
    std::lock_guard lock(mutex_);
    for (auto& item : items) applied_.push_back(std::move(item));
    changed_.notify_all();
  }
}

void SuppressionList::Apply(Item* item) {
  for (SuppressionStore::Change& change : item->changes) {
    Outcome outcome;
    if (change.suppression) {
      outcome = OutcomeOf(table_.Add(change.account, change.key, change.suppression->reason,
                                     change.suppression->time));
    } else {
      bool removed = table_.Remove(change.account, change.key);
      outcome = removed ? Outcome::kRemoved : Outcome::kUnchanged;
    }
    item->outcomes.push_back(outcome);
    if (item->done) continue;
    if (IsWritten(outcome)) Tell(*change.suppression);
    if (outcome == Outcome::kFull) CountDropped();
  }
}

void SuppressionList::Tell(const Suppression& suppression) {
  Count(Counter::kSuppressionsAdded);
  LogLine line(suppression.time, "suppressed");
  if (suppression.message != MessageId()) line.Id(suppression.message);
  line.Number("account", suppression.account)
      .Text("to", suppression.entry)
      .Text("reason", SuppressionReasonName(suppression.reason))
      .Text("detail", suppression.detail)
      .To(*log_);
}

void SuppressionList::SayDropped(bool now) {
  if (dropped_.load(std::memory_order_relaxed) == 0) return;
  MonoTime time = ReadMonoClock();
  if (!now && time - Millis(limits::kSuppressionsDroppedLogMillis) < dropped_told_) return;
  dropped_told_ = time;
  auto count = static_cast<int64_t>(dropped_.exchange(0, std::memory_order_relaxed));
  LogLine(ReadWallClock(), "suppressions_dropped").Number("entries", count).To(*log_);
}

// --- The store's thread

void SuppressionList::WriteAll() {
  NameThread("rp-suppress-db");
  while (true) {
    Items items;
    bool last;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !applied_.empty() || !applying_; });
      if (applied_.empty()) return;
      size_t changes = 0;
      while (!applied_.empty() && changes < limits::kSuppressionsPerWriteMax) {
        changes += applied_.front()->changes.size();
        items.push_back(std::move(applied_.front()));
        applied_.pop_front();
      }
      last = !applying_;
    }
    Status status = WriteSome(items);
    if (!status.ok()) Failed(status, &items, last);
    Finish(&items);
  }
}

Status SuppressionList::WriteSome(const Items& items) {
  std::vector<SuppressionStore::Change> written;
  for (const auto& item : items) {
    for (size_t i = 0; i < item->changes.size(); ++i) {
      // What an operator asks is written whatever the table has: it may have it from a write that
      // failed.
      bool asked = item->done && item->outcomes[i] != Outcome::kFull;
      if (asked && item->changes[i].suppression && item->outcomes[i] == Outcome::kUnchanged) {
        auto there = table_.FindKey(item->changes[i].account, item->changes[i].key);
        asked = there && there->reason == item->changes[i].suppression->reason;
      }
      if (asked || IsWritten(item->outcomes[i])) written.push_back(item->changes[i]);
    }
  }
  return written.empty() ? OkStatus() : store_->Write(written);
}

void SuppressionList::Failed(const Status& status, Items* items, bool last) {
  LogLine(ReadWallClock(), last ? "suppressions_lost" : "suppressions_not_written")
      .Number("entries", static_cast<int64_t>(items->size()))
      .Text("reason", MessageOf(status))
      .To(*log_);
  Items again;
  for (auto& item : *items) {
    if (item->done) {
      item->done(status, {});
      item->done = nullptr;
      requests_.fetch_sub(1, std::memory_order_relaxed);
    } else if (!last) {
      again.push_back(std::move(item));
      continue;
    } else {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  items->clear();
  std::unique_lock lock(mutex_);
  for (; !again.empty(); again.pop_back()) applied_.push_front(std::move(again.back()));
  if (last) return;
  changed_.wait_for(lock, Millis(limits::kSuppressionRetryMillis), [this] { return !applying_; });
}

void SuppressionList::Finish(Items* items) {
  for (auto& item : *items) {
    if (item->done) {
      item->done(OkStatus(), item->outcomes);
      requests_.fetch_sub(1, std::memory_order_relaxed);
    } else {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
}

}  // namespace ringpost::session
