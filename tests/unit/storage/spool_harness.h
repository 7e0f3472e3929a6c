// What the tests of both spools share: a shard made of one inbox, requests that remember their
// answer, and messages that are easy to tell apart.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/log.h"
#include "storage/spool.h"

namespace ringpost::storage {

class RocksSpool;

// A directory that goes with the test.
class TempDir {
 public:
  TempDir();
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Keeps what was logged.
class TestLog : public Log {
 public:
  void Append(std::string_view line) override {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_.append(line).push_back('\n');
  }
  bool Holds(std::string_view words) {
    std::lock_guard<std::mutex> lock(mutex_);
    return lines_.find(words) != std::string::npos;
  }

 private:
  std::mutex mutex_;
  std::string lines_;
};

// Stands for a shard: runs what is posted to it on the thread that waits. As a shard does, it
// outlives every spool that may post to it: whoever posted last may still be waking it when the
// answer has been read.
class TestShard {
 public:
  TestShard();
  Inbox* inbox() { return &state_->inbox; }
  // Drains until `done` holds; false after ten seconds.
  template <typename Done>
  bool RunUntil(Done done) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (state_->inbox.Drain() > 0) continue;
      std::unique_lock<std::mutex> lock(state_->mutex);
      if (!state_->woken.wait_until(lock, end, [this] { return !state_->inbox.empty(); })) {
        return false;
      }
    }
    return true;
  }

 private:
  struct State {
    Inbox inbox;
    std::mutex mutex;
    std::condition_variable woken;
  };
  State* state_;  // of the process, for the reason above
};

struct TestCommit : CommitRequest {
  bool answered = false;
  NewMessage own_message;

  explicit TestCommit(TestShard* shard, Kind request_kind);
};

struct TestRead : ReadRequest {
  bool answered = false;
  TestRead(TestShard* shard, Kind request_kind, const MessageId& message);
};

MessageId NewId(int64_t ms_ago = 0);
StoredEnvelope EnvelopeOf(size_t recipients = 1);
std::string BodyOf(size_t bytes, uint32_t seed);

std::unique_ptr<TestCommit> Accept(TestShard* shard, const MessageId& id, std::string_view body,
                                   size_t recipients = 1);
std::unique_ptr<TestCommit> Chunk(TestShard* shard, const MessageId& id, uint32_t index,
                                  std::string_view bytes);
std::unique_ptr<TestCommit> AcceptChunks(TestShard* shard, const MessageId& id,
                                         uint64_t body_bytes);
std::unique_ptr<TestCommit> Discard(TestShard* shard, const MessageId& id);
std::unique_ptr<TestCommit> Complete(TestShard* shard, const MessageId& id, uint32_t body_chunks,
                                     uint32_t recipients_with_rows = 0);
// The same, with a report that comes in with it.
std::unique_ptr<TestCommit> CompleteWithReport(TestShard* shard, const MessageId& id,
                                               const MessageId& report, std::string_view body);
std::unique_ptr<TestCommit> Defer(TestShard* shard, const MessageId& id, uint32_t recipient,
                                  uint16_t attempts);

// Submits and waits for the answer.
void Commit(Spool* spool, TestShard* shard, CommitRequest* request);
// Stores a small message and checks that it is durable.
void Store(Spool* spool, TestShard* shard, const MessageId& id, std::string_view body,
           size_t recipients = 1);
std::unique_ptr<TestRead> ReadEnvelope(Spool* spool, TestShard* shard, const MessageId& id);
std::unique_ptr<TestRead> ReadOrigin(Spool* spool, TestShard* shard, const MessageId& id);
std::unique_ptr<TestRead> ReadBody(Spool* spool, TestShard* shard, const MessageId& id,
                                   uint32_t chunks, uint32_t first = 0);

// Runs the scan with the given number of shards and returns all of it; each message was checked to
// have come to its home. `status` takes what the last page says, which must be OK where it is null.
std::vector<ScannedMessage> ScanAll(Spool* spool, uint32_t shards = 2, Status* status = nullptr);

// For what the store's own threads do; false after ten seconds.
template <typename Done>
bool WaitUntil(Done done) {
  for (int i = 0; i < 1000 && !done(); ++i) std::this_thread::sleep_for(Millis(10));
  return done();
}
// Lets the epoch's time pass on a clock that is `ahead` milliseconds, and waits until the keys have
// turned.
void TurnEpoch(RocksSpool* spool, std::atomic<int64_t>* ahead,
               Seconds epoch = Seconds(limits::kKeyEpochSeconds));

}  // namespace ringpost::storage
