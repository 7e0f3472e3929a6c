#include "storage/stall_watch.h"

#include <sys/prctl.h>

namespace ringpost::storage {
namespace {

constexpr Millis kLookEvery{250};

}  // namespace

void StallWatch::Start() {
  thread_ = std::thread([this] { Run(); });
}

void StallWatch::Stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.Signal();
  if (thread_.joinable()) thread_.join();
}

void StallWatch::Run() {
  prctl(PR_SET_NAME, "rp-stallwatch");
  while (!stopping_.load(std::memory_order_acquire)) {
    Look();
    waker_.Wait(kLookEvery);
  }
}

void StallWatch::Look() {
  int64_t began = began_.load(std::memory_order_relaxed);
  bool stalled = began != kIdle && Now() - began >= engine_.stall_limit.count();
  if (stalled == stalled_.load(std::memory_order_relaxed)) return;
  if (stalled) stalled_since_ = began;
  stalled_.store(stalled, std::memory_order_relaxed);
  LogLine(engine_.Now(), stalled ? "store_stalled" : "store_moves_again")
      .Text("path", engine_.options.path)
      .Number("stood_ms", Now() - stalled_since_)
      .To(engine_.log());
}

std::string StallWatch::reason() const {
  int64_t began = began_.load(std::memory_order_relaxed);
  int64_t seconds = began == kIdle ? 0 : (Now() - began) / 1000;
  return "a write to the store " + engine_.options.path + " has not returned for " +
         std::to_string(seconds) + " seconds: does its disk answer?";
}

}  // namespace ringpost::storage
