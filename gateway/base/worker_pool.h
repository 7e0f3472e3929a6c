// WorkerPool: a few threads for what takes long (passwords, RSA), so that no shard waits for it.
//
// A job is owned by whoever made it. TrySubmit hands it over until it comes back through its
// reply_to, where `run` is called on the owner's thread; full means that it was not taken, and its
// owner says so (454, or later). So whoever has jobs here lives until all are back.
//
// Jobs begin in the order of their coming. Threads: TrySubmit from any; `work` runs on the pool's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/inbox.h"

namespace ringpost {

class WorkerPool {
 public:
  struct Job : Posted {
    void (*work)(Job*) = nullptr;
    Inbox* reply_to = nullptr;
  };

  // `name` is that of the threads, of at most 15 bytes. At most `jobs_max` wait. `nice`: 0 to 19,
  // how far they give way to other threads where processors are short (nice(2)).
  WorkerPool(const std::string& name, uint32_t threads, size_t jobs_max, int nice = 0);
  // Does what waits, and answers it. With no threads only RunOne does.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: full; the job stays the caller's.
  [[nodiscard]] bool TrySubmit(Job* job);
  // Does the job that waits longest on the caller's thread; false: none waits. For a pool without
  // threads: a simulation says when its workers work.
  bool RunOne();

 private:
  void Run(const std::string& name, int nice);
  Job* TakeOne(bool wait);  // null: none waits; where it was waited for, it is over
  static void Do(Job* job);

  const size_t jobs_max_;
  std::mutex mutex_;
  std::condition_variable there_is_work_;
  Posted* first_ = nullptr;  // linked through themselves
  Posted* last_ = nullptr;
  size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ringpost
