#include "gateway/base/worker_pool.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "gateway/base/check.h"

namespace ringpost {

WorkerPool::WorkerPool(const std::string& name, uint32_t threads, size_t jobs_max, int nice)
    : jobs_max_(jobs_max) {
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name, nice] { Run(name, nice); });
  }
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  there_is_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(Job* job) {
  RP_CHECK(job->work && job->run && job->reply_to);
  {
    std::lock_guard lock(mutex_);
    if (waiting_ >= jobs_max_) return false;
    ++waiting_;
    job->next = nullptr;
    (last_ ? last_->next : first_) = job;
    last_ = job;
  }
  there_is_work_.notify_one();
  return true;
}

WorkerPool::Job* WorkerPool::TakeOne(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) there_is_work_.wait(lock, [this] { return first_ || stopping_; });
  Posted* taken = first_;
  if (!taken) return nullptr;
  first_ = taken->next;
  if (!first_) last_ = nullptr;
  --waiting_;
  return static_cast<Job*>(taken);
}

void WorkerPool::Run(const std::string& name, int nice) {
  prctl(PR_SET_NAME, name.c_str());
  // Of this thread alone (setpriority(2), C library/kernel differences). Without it they are only
  // less polite.
  if (nice != 0) (void)setpriority(PRIO_PROCESS, 0, nice);
  while (Job* job = TakeOne(true)) Do(job);
}

bool WorkerPool::RunOne() {
  Job* job = TakeOne(false);
  if (job) Do(job);
  return job != nullptr;
}

void WorkerPool::Do(Job* job) {
  job->work(job);
  job->reply_to->Post(job);
}

}  // namespace ringpost
