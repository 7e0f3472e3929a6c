// ReaderPool: threads that do the blocking reads of a spool. Reads are dealt by message id, so
// those of one message come back in order. Private to storage.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gateway/base/inbox.h"
#include "storage/key_ring.h"
#include "storage/spool.h"
#include "storage/store.h"
#include "storage/waker.h"

namespace ringpost::storage {

class ReaderPool {
 public:
  ReaderPool(Store* store, KeyRing* ring, uint32_t threads);
  ~ReaderPool();
  void Read(ReadRequest* request);
  // Answers what was asked, then ends the threads.
  void Stop();

 private:
  struct Reader {
    Inbox inbox;
    Waker waker;
    std::thread thread;
  };
  void Run(Reader* reader);
  void Serve(ReadRequest* request);

  Store* store_;
  KeyRing* ring_;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace ringpost::storage
