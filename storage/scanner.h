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
// wait.
//
// What does not read: after an I/O error it waits and reads on from where it was, for as long as it
// takes, since the daemon would say that it runs while the queue lies there. Over a damaged place
// in a table file (and one that fails for half a minute while what is behind it reads) it steps, to
// the first message that reads again. An envelope that does not decode is left where it is; a
// recipient's state that does not is taken for open: better twice than never. All of it is logged;
// `ringpost store check` names it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/rows.h"
#include "storage/spool.h"
#include "storage/store.h"

namespace ringpost::storage {

class Scanner {
 public:
  explicit Scanner(Store* store) : store_(store) {}
  ~Scanner();  // Stop

  void Start(std::vector<ScanTarget> targets, std::atomic<int64_t>* found);
  void Stop();

 private:
  // Shared with the pages' slots, which may outlive the scanner.
  struct Flow {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<uint32_t> in_flight;
    bool stopping = false;
  };

  void Run();
  enum class Step : uint8_t { kMore, kEnd, kWait };
  // Reads rows until a page is full for some shard or the bound is reached.
  Step ReadSome();
  Step AfterError(Database& database, const rocksdb::Status& error);
  // Not OK: the states of its recipients cannot be read now; nothing was taken.
  Status TakeMessage(const MessageId& id, class MessageCursor& cursor);
  void LogDamage(const MessageId& id, const Status& status);
  void LogError(std::string_view event, std::string_view reason);
  bool PostPage(size_t shard, bool last);
  ScanPage* NewPage(size_t shard);
  bool Pause(Millis time);  // false: stopping

  Store* store_;
  std::vector<ScanTarget> targets_;
  std::vector<std::vector<ScannedMessage>> pending_;        // one per shard
  std::string last_ = std::string(kMessageKeyBytes, '\0');  // key of the last row that was read
  std::string from_ = last_;                                // where to read on
  uint32_t errors_ = 0;                                     // in a row, at the same place
  Status status_;                                           // what was left out, in words
  std::atomic<int64_t>* found_ = nullptr;
  std::shared_ptr<Flow> flow_ = std::make_shared<Flow>();
  std::thread thread_;
};

}  // namespace ringpost::storage
