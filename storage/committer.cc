#include "storage/committer.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "storage/durable_mint.h"
#include "storage/rocks_status.h"

namespace ringpost::storage {
namespace {

constexpr Millis kIdle{60'000};  // a signal ends it

bool IsBulk(const CommitRequest& request) {
  using Kind = CommitRequest::Kind;
  return request.kind == Kind::kChunk || request.kind == Kind::kDiscard ||
         (request.kind == Kind::kAccept && request.message->body_in_chunks);
}

// Takes up space that is short. The accept that ends a stream does not: its body is there already.
bool TakesSpace(const CommitRequest& request) {
  return (request.kind == CommitRequest::Kind::kAccept && !request.message->body_in_chunks) ||
         request.kind == CommitRequest::Kind::kChunk;
}

uint64_t MicrosSince(std::chrono::steady_clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now() - start)
                                   .count());
}

}  // namespace

Committer::Committer(Store* store, KeyRing* ring, SpaceGuard* space)
    : store_(store), space_(space), stall_(store->engine()), builder_(ring, store->incarnation()) {
  jobs_.SetWake(Waker::WakeFn, &waker_);
}

Committer::~Committer() { Stop(); }

void Committer::Start(uint64_t outbox_next) {
  outbox_next_ = outbox_next;
  outbox_end_.store(outbox_next, std::memory_order_release);
  builder_.UseFamilies(*store_->database());
  store_->database()->OnBroken(Waker::WakeFn, &waker_);
  stall_.Start();
  thread_ = std::thread([this] { Run(); });
}

void Committer::Stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.Signal();
  if (thread_.joinable()) thread_.join();
  stall_.Stop();
}

Status Committer::RunJob(std::function<void(GroupBuilder&)> build, bool sync) {
  Job job;
  job.build = std::move(build);
  job.sync = sync;
  jobs_.Post(&job);
  std::unique_lock<std::mutex> lock(jobs_mutex_);
  jobs_done_.wait(lock, [&job] { return job.done; });
  return job.status;
}

void Committer::Run() {
  prctl(PR_SET_NAME, "rp-committer");
  CountersScope scope(&counters_);
  for (;;) {
    // Read before the inboxes, so that what was submitted before Stop is in them.
    bool stopping = stopping_.load(std::memory_order_acquire);
    TakePosted();
    if (stopping && NothingToDo()) return;
    if (failed_.load(std::memory_order_relaxed)) {
      RefuseEverything();
      if (stopping) continue;
      if (ReadMonoClock() >= reopen_at_) {
        TryReopen();
      } else {
        waker_.Wait(std::max(reopen_at_ - ReadMonoClock(), Millis(1)));
      }
      continue;
    }
    if (store_->database()->broken()) {
      Fail(MakeStatus(StatusCode::kUnavailable, "a flush or compaction failed"), 0);
      continue;
    }
    Millis wait = stopping ? Millis(0) : TimeToWait();
    if (wait <= Millis(0)) {
      CommitGroup();
    } else if (lazy_waiting_ > 0) {
      waker_.Nap(wait);
    } else {
      waker_.Wait(wait);  // a lazy request begins its own wait, shorter than a chunk's may be
    }
  }
}

void Committer::TakePosted() {
  for (Posted* item = jobs_.TakeAll(); item; item = item->next) {
    jobs_taken_.push_back(static_cast<Job*>(item));
  }
  Posted* item = requests_.TakeAll();
  while (item) {
    auto* request = static_cast<CommitRequest*>(item);
    item = item->next;
    (IsBulk(*request) ? bulk_ : ready_).push_back(request);
    if (!request->lazy) continue;
    if (lazy_waiting_++ == 0) lazy_since_ = ReadMonoClock();
  }
  backlog_.store(ready_.size() + bulk_.size(), std::memory_order_relaxed);
}

Millis Committer::TimeToWait() const {
  if (NothingToDo()) return kIdle;
  if (ready_.size() > lazy_waiting_ || !jobs_taken_.empty()) return Millis(0);
  Millis wait = kIdle;
  if (lazy_waiting_ > 0) {
    wait = Millis(limits::kLazyCommitMillis) - (ReadMonoClock() - lazy_since_);
  }
  if (bulk_.empty()) return wait;
  auto until_due = std::chrono::ceil<Millis>(chunk_turns_.due() - std::chrono::steady_clock::now());
  return std::min(wait, until_due);
}

void Committer::CommitGroup() {
  auto began = std::chrono::steady_clock::now();
  stall_.Begin();
  ComposeGroup();
  uint64_t outbox_row = 0;
  Status written = WriteGroup(&outbox_row);
  stall_.End();
  chunk_turns_.Took(
      {began, std::chrono::steady_clock::now(), group_has_chunks_, group_has_others_});
  if (written.ok()) {
    messages_.fetch_add(builder_.messages_added(), std::memory_order_relaxed);
  } else {
    Fail(written, outbox_row);
  }
  AnswerGroup(written);
  FinishJobs(written);
}

void Committer::ComposeGroup() {
  group_.clear();
  group_needs_sync_ = false;
  builder_.Begin(store_->engine().Now());
  for (Job* job : jobs_taken_) {
    job->build(builder_);
    group_needs_sync_ |= job->sync;
  }
  // Chunks first in their turn: they are bounded to little, and small messages could fill every
  // group.
  group_has_others_ = !ready_.empty();
  group_has_chunks_ =
      !bulk_.empty() && (std::chrono::steady_clock::now() >= chunk_turns_.due() || stopping_);
  if (group_has_chunks_) TakeIntoGroup(&bulk_);
  TakeIntoGroup(&ready_);
}

void Committer::TakeIntoGroup(std::deque<CommitRequest*>* queue) {
  size_t chunk_bytes = 0;
  while (!queue->empty() && group_.size() < limits::kCommitGroupRequestsMax &&
         builder_.batch().bytes() < limits::kCommitGroupBytesMax) {
    CommitRequest* request = queue->front();
    if (request->kind == CommitRequest::Kind::kChunk) {
      // At least one each time, however large.
      if (chunk_bytes > 0 &&
          chunk_bytes + request->chunk.size() > limits::kCommitGroupChunkBytesMax) {
        return;
      }
      chunk_bytes += request->chunk.size();
    }
    queue->pop_front();
    if (request->lazy) --lazy_waiting_;
    group_.push_back(request);
    if (TakesSpace(*request) && space_->low()) {
      request->status = MakeStatus(StatusCode::kResourceExhausted, space_->reason());
      continue;
    }
    builder_.Add(request);
    // Chunks and discards hang on nothing: the accept that follows them in the log makes them
    // durable.
    group_needs_sync_ |= request->kind == CommitRequest::Kind::kAccept ||
                         request->kind == CommitRequest::Kind::kOutcome;
  }
}

Status Committer::WriteGroup(uint64_t* outbox_row) {
  if (builder_.AddEvents(outbox_next_)) *outbox_row = outbox_next_++;
  if (builder_.batch().empty()) return OkStatus();
  size_t bytes = builder_.batch().bytes();
  rocksdb::WriteOptions options;
  options.sync = group_needs_sync_ && store_->engine().sync;
  auto start = std::chrono::steady_clock::now();
  rocksdb::Status status = builder_.batch().WriteWith(
      [&](rocksdb::WriteBatch* batch) { return store_->database()->db().Write(options, batch); });
  if (group_needs_sync_) latency_.Add(MicrosSince(start));
  if (!status.ok()) return FromRocks(status, "writing to the store");
  Count(Counter::kCommitSyncs, options.sync ? 1 : 0);
  outbox_end_.store(outbox_next_, std::memory_order_release);
  Count(Counter::kCommitGroups);
  Count(Counter::kCommitRequests, group_.size());
  Count(Counter::kCommitBytes, bytes);
  space_->Wrote(bytes);
  return OkStatus();
}

void Committer::AnswerGroup(const Status& written) {
  for (CommitRequest* request : group_) {
    if (!written.ok()) {
      request->status = MakeStatus(StatusCode::kUnavailable, MessageOf(written));
    } else if (request->status.ok() && request->kind == CommitRequest::Kind::kAccept) {
      request->durable = DurableMint::Make(request->message->id);
    }
  }
  PostBack();
}

void Committer::PostBack() {
  struct Chain {
    Inbox* inbox;
    Posted* newest;
    Posted* oldest;
  };
  std::vector<Chain> chains;  // as many as there are shards
  for (CommitRequest* request : group_) {
    RP_CHECK(request->reply_to != nullptr);
    Chain* chain = nullptr;
    for (Chain& candidate : chains) {
      if (candidate.inbox == request->reply_to) chain = &candidate;
    }
    if (!chain) {
      chains.push_back({request->reply_to, request, request});
      continue;
    }
    request->next = chain->newest;
    chain->newest = request;
  }
  group_.clear();
  for (const Chain& chain : chains) chain.inbox->PostChain(chain.newest, chain.oldest);
}

void Committer::FinishJobs(const Status& written) {
  if (jobs_taken_.empty()) return;
  std::lock_guard<std::mutex> lock(jobs_mutex_);
  for (Job* job : jobs_taken_) {
    // A copy that shares nothing with the thread that reads it.
    job->status = written.ok() ? OkStatus() : MakeStatus(written.code(), MessageOf(written));
    job->done = true;
  }
  jobs_taken_.clear();
  jobs_done_.notify_all();
}

std::string Committer::reason() const {
  std::string words = failure();
  if (words.empty() && space_->low()) words = space_->reason();
  if (words.empty() && stall_.stalled()) words = stall_.reason();
  return words;
}

std::string Committer::failure() const {
  std::lock_guard<std::mutex> lock(failure_mutex_);
  return failure_;
}

}  // namespace ringpost::storage
