// Scanner: the scan at start. One thread walks the messages that were there when the store was
// opened and posts them in pages to their home shards. Private to storage.
//
// What was there: an envelope row names the opening (incarnation) that wrote it, and rows of this
// one are left out, since their home knows them from their commit. This holds across a
// close-and-reopen in process, which a snapshot would not. A message that completes while the scan
// runs cannot come up again: only its home completes it, and its home knows it from the one page
// that held it.
//
// Pages are bounded, and a shard that has not deleted kScanPagesInFlightMax of them makes the scan
// wait. A record that does not decode is logged and left where it is: `ringpost store check` names
// it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/spool.h"
#include "storage/store.h"

namespace ringpost::storage {

class Scanner {
 public:
  explicit Scanner(Store* store) : store_(store) {}
  ~Scanner();  // Stop

  void Start(std::vector<ScanTarget> targets, std::atomic<int64_t>* found);
  void Stop();
  bool finished() const { return finished_.load(std::memory_order_acquire); }

 private:
  // Shared with the pages' slots, which may outlive the scanner.
  struct Flow {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<uint32_t> in_flight;
    bool stopping = false;
  };

  void Run();
  // Reads rows until a page is full for some shard or the bound is reached. False: the end, or
  // stopping.
  bool ReadSome();
  void TakeMessage(std::string_view key, std::string_view value, class MessageCursor& cursor);
  bool PostPage(size_t shard, bool last);
  ScanPage* NewPage(size_t shard);
  bool Pause(Millis time);  // false: stopping

  Store* store_;
  std::vector<ScanTarget> targets_;
  std::vector<std::vector<ScannedMessage>> pending_;  // one per shard
  std::optional<MessageId> after_;
  Status status_;
  std::atomic<int64_t>* found_ = nullptr;
  std::shared_ptr<Flow> flow_ = std::make_shared<Flow>();
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

}  // namespace ringpost::storage
