// FlushPace: how fast RocksDB may write table and blob files.
//
// A memtable that is full would be written as fast as the disk takes it, and the syncs of the log,
// which clients wait for, would queue behind: tens of milliseconds each while it lasts. What is
// flushed is no more than what was committed before, so a little more than the rate of that is
// enough, spread over the time until the next memtable is full.
//
// The rate follows what is committed: at once where that grows, slowly where it falls, so that what
// a burst left behind is not still in memory when the next one comes.
//
// Threads: Look is the housekeeper's; RocksDB's threads ask the limiter.
#pragma once

#include <rocksdb/rate_limiter.h>

#include <cstdint>
#include <memory>

#include "gateway/base/time.h"

namespace ringpost::storage {

class FlushPace {
 public:
  FlushPace();

  // `committed_bytes`: since the start of the process.
  void Look(uint64_t committed_bytes, MonoTime now);

  const std::shared_ptr<rocksdb::RateLimiter>& limiter() const { return limiter_; }
  int64_t bytes_per_second() const { return limiter_->GetBytesPerSecond(); }

 private:
  std::shared_ptr<rocksdb::RateLimiter> limiter_;
  uint64_t committed_bytes_ = 0;
  MonoTime looked_at_;
  double rate_ = 0;  // of what is committed, bytes a second
};

}  // namespace ringpost::storage
