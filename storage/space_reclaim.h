// SpaceReclaim: while the file system is too full, has RocksDB give back what deleted rows take.
// Private to storage.
//
// RocksDB drops deleted rows as new ones come in: a memtable fills up and is flushed, files add up
// and are compacted, and a blob file goes when no table file names it any more. Below the floor
// nothing new is accepted, so nothing would set this going, however much of the queue is delivered:
// acceptance would never come back.
//
// So the memtables are flushed and the table files compacted, each time something was deleted.
// Blobs that are still wanted are not moved for this, which would take as much space again as they
// have: what is given back are the files that hold nothing else.
//
// A thread of its own: it takes seconds, and as many as there are rows.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "storage/committer.h"
#include "storage/space_guard.h"
#include "storage/store.h"
#include "storage/waker.h"

namespace ringpost::storage {

class SpaceReclaim {
 public:
  SpaceReclaim(Store* store, const Committer* committer, const SpaceGuard* space)
      : store_(store), committer_(committer), space_(space) {}
  ~SpaceReclaim() { Stop(); }

  void Start();
  // Cancels a compaction; waits for a flush.
  void Stop();

 private:
  void Run();
  bool Wanted() const;
  void Reclaim();

  Store* store_;
  const Committer* committer_;
  const SpaceGuard* space_;
  // Committed, when it was done last. Before that no number is: what an earlier process deleted is
  // there to be reclaimed, though this one has written nothing.
  uint64_t seen_bytes_ = UINT64_MAX;
  std::atomic<bool> stopping_{false};
  Waker waker_;
  std::thread thread_;
};

}  // namespace ringpost::storage
