// StallWatch: notices that the committer does not get on: a disk that hangs in a sync, a write that
// RocksDB holds back, a key slot that is not written. No error comes of these, and what is
// submitted meanwhile would wait without end: so nothing is accepted until it moves again. Private
// to storage.
//
// A thread of its own looks: the store's other threads hang on the same disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "storage/engine.h"
#include "storage/waker.h"

namespace ringpost::storage {

class StallWatch {
 public:
  explicit StallWatch(const Engine& engine) : engine_(engine) {}
  ~StallWatch() { Stop(); }

  void Start();
  void Stop();

  // The committer's thread: around each group.
  void Begin() { began_.store(Now(), std::memory_order_relaxed); }
  void End() { began_.store(kIdle, std::memory_order_relaxed); }

  // Any thread.
  bool stalled() const { return stalled_.load(std::memory_order_relaxed); }
  std::string reason() const;  // in words

 private:
  static constexpr int64_t kIdle = INT64_MIN;
  static int64_t Now() { return ReadMonoClock().time_since_epoch().count(); }
  void Run();
  void Look();

  const Engine& engine_;
  std::atomic<int64_t> began_{kIdle};  // milliseconds of the monotonic clock
  std::atomic<bool> stalled_{false};   // written by the watching thread alone
  int64_t stalled_since_ = 0;          // the watching thread's own
  std::atomic<bool> stopping_{false};
  Waker waker_;
  std::thread thread_;
};

}  // namespace ringpost::storage
