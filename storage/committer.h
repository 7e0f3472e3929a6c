// Committer: the one thread that writes to the spool's RocksDB. It takes everything that was
// submitted while the last group was being synced, makes one batch of it, writes it with one
// fdatasync, makes the Durable tokens and posts the requests back. Private to storage.
//
// It waits for company only where all that is there is lazy, and then at most kLazyCommitMillis:
// with a sync of a few hundred microseconds the next group gathers by itself (decisions/011).
//
// Order: requests of one message are committed in the order they were posted. Chunks and what
// follows them stand in a queue of their own, of which a group takes kCommitGroupChunkBytesMax at
// most, and takes none before it is due (chunk_turns.h), so that big bodies do not delay small
// messages by much.
//
// Failure: see committer_recovery.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/base/inbox.h"
#include "storage/chunk_turns.h"
#include "storage/group_builder.h"
#include "storage/latency_histogram.h"
#include "storage/space_guard.h"
#include "storage/spool.h"
#include "storage/stall_watch.h"
#include "storage/store.h"
#include "storage/waker.h"

namespace ringpost::storage {

class Committer {
 public:
  Committer(Store* store, KeyRing* ring, SpaceGuard* space);
  ~Committer();  // Stop, if that was not called

  // The store is open. `outbox_next` is above every row of the outbox.
  void Start(uint64_t outbox_next);
  // Commits what was submitted, then ends the thread. Nothing may be submitted after it.
  void Stop();

  void Submit(CommitRequest* request) {
    bool lazy = request->lazy;  // once posted it is not ours to look at
    requests_.Post(request);
    lazy ? waker_.SignalLazily() : waker_.Signal();
  }
  // Adds rows to a group of its own or of others, and returns when that was written (with `sync`:
  // synced). `build` runs on the committer's thread before the group's requests are added. Not for
  // shards: it blocks.
  Status RunJob(std::function<void(GroupBuilder&)> build, bool sync);

  bool accepting() const {
    return !failed_.load(std::memory_order_relaxed) && !space_->low() && !stall_.stalled();
  }
  std::string failure() const;  // why it failed, in words; empty while it has not
  std::string reason() const;   // why it is not accepting, in words; empty while it is
  uint64_t outbox_end() const { return outbox_end_.load(std::memory_order_acquire); }
  uint64_t reopens() const { return reopens_.load(std::memory_order_relaxed); }
  uint64_t backlog() const { return backlog_.load(std::memory_order_relaxed); }
  int64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  void AddMessages(int64_t found) { messages_.fetch_add(found, std::memory_order_relaxed); }
  bool key_memory_locked() const { return builder_.key_memory_locked(); }
  const LatencyHistogram& latency() const { return latency_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Job : Posted {
    std::function<void(GroupBuilder&)> build;
    bool sync = false;
    Status status;
    bool done = false;  // guarded by jobs_mutex_: the job is its caller's own and gone once that
                        // has seen it
  };
  // Rows of a group that failed and may have reached the disk all the same.
  struct Suspect {
    MessageId id;
    uint32_t chunks = 0;
  };

  void Run();
  void TakePosted();
  bool NothingToDo() const { return ready_.empty() && bulk_.empty() && jobs_taken_.empty(); }
  Millis TimeToWait() const;

  void CommitGroup();
  void ComposeGroup();
  void TakeIntoGroup(std::deque<CommitRequest*>* queue);
  Status WriteGroup(uint64_t* outbox_row);
  void AnswerGroup(const Status& written);
  void FinishJobs(const Status& written);
  void PostBack();

  // committer_recovery.cc
  void Fail(const Status& why, uint64_t outbox_row);
  void RememberSuspects(uint64_t outbox_row);
  void RefuseEverything();
  void TryReopen();
  Status DeleteSuspects();

  Store* store_;
  SpaceGuard* space_;
  Inbox requests_;
  Inbox jobs_;
  std::mutex jobs_mutex_;
  std::condition_variable jobs_done_;
  Waker waker_;
  StallWatch stall_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};

  // The committer's thread from here on.
  GroupBuilder builder_;
  std::deque<CommitRequest*> ready_;
  std::deque<CommitRequest*> bulk_;
  ChunkTurns chunk_turns_;
  bool group_has_chunks_ = false;
  bool group_has_others_ = false;
  std::vector<Job*> jobs_taken_;
  size_t lazy_waiting_ = 0;
  MonoTime lazy_since_;
  std::vector<CommitRequest*> group_;
  bool group_needs_sync_ = false;
  uint64_t outbox_next_ = 1;
  std::vector<Suspect> suspects_;
  std::vector<uint64_t> suspect_outbox_rows_;
  MonoTime reopen_at_;
  Millis reopen_delay_{0};

  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> outbox_end_{0};
  std::atomic<uint64_t> reopens_{0};
  std::atomic<uint64_t> backlog_{0};
  std::atomic<int64_t> messages_{0};
  mutable std::mutex failure_mutex_;
  std::string failure_;
  LatencyHistogram latency_;
  Counters counters_;
};

}  // namespace ringpost::storage
