#include "gateway/reactor/ring_loop.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/current_ring.h"
#include "gateway/reactor/ring_setup.h"
#include "gateway/reactor/user_data.h"

namespace ringpost::reactor {

RingLoop::RingLoop(const RingOptions& options)
    : options_(options),
      now_(ReadMonoClock()),
      wall_now_(ReadWallClock()),
      timers_(now_),
      random_(Random::FromSystem()),
      pool_(options.buffer_count, options.buffer_bytes),
      buffer_ring_(&pool_) {}

RingLoop::~RingLoop() {
  if (CurrentRing() == this) CurrentRing() = nullptr;
  if (ring_made_) io_uring_queue_exit(&ring_);
}

Status RingLoop::SetUp() {
  if (waker_.fd() < 0) return ExplainSetUpFailure(EMFILE);
  int result = SetUpRing(&ring_, options_.submission_entries, options_.completion_entries);
  if (result < 0) return ExplainSetUpFailure(-result);
  ring_made_ = true;
  features_ = ProbeFeatures(&ring_);
  result = buffer_ring_.Register(&ring_);
  if (result < 0) return ExplainSetUpFailure(-result);
  features_.registered_ring = io_uring_register_ring_fd(&ring_) == 1;
  ready_.reserve(options_.completion_entries);
  running_.reserve(options_.completion_entries);
  inbox_.SetWake(&RingLoop::WakeThunk, this);
  buffer_ring_.TopUp();
  ArmWakePoll();
  CurrentRing() = this;
  return OkStatus();
}

void RingLoop::Run(void (*after_turn)(void* context), void* context) {
  running_loop_ = true;
  while (!stop_.load(std::memory_order_acquire)) {
    Turn();
    if (after_turn) after_turn(context);
    RecycleBuffers();
  }
  stop_.store(false, std::memory_order_relaxed);
  running_loop_ = false;
  Enter(/*sleep=*/false);  // wakes for other shards, cancels
}

void RingLoop::Stop() {
  stop_.store(true, std::memory_order_release);
  if (waker_.MustSignal()) waker_.Signal();
}

void RingLoop::Turn() {
  Enter(MaySleep());
  waker_.Awake();
  ReadClocks();
  Collect();
  RunReady();
  RetryMissedCancels();
  timers_.Advance(now_);
  inbox_.Drain();
}

// Says that this thread is about to sleep, then looks once more: see waker.h.
bool RingLoop::MaySleep() {
  if (!ready_.empty() || !missed_cancels_before_.empty()) return false;
  waker_.PrepareSleep();
  return inbox_.empty() && !stop_.load(std::memory_order_acquire);
}

void RingLoop::Enter(bool sleep) {
  Count(Counter::kRingEnters);
  Millis wait = Seconds(limits::kRingWaitSecondsMax);
  if (auto due = timers_.NextDue(); sleep && due) {
    wait = std::clamp(*due - ReadMonoClock(), Millis(0), wait);
  }
  if (!sleep || wait == Millis(0)) return CheckEntered(io_uring_submit_and_get_events(&ring_));
  __kernel_timespec timeout{wait.count() / 1000, wait.count() % 1000 * 1'000'000};
  io_uring_cqe* first = nullptr;
  CheckEntered(io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr));
}

// A short submit needs no care: what the kernel did not take stays in the queue for the next enter.
void RingLoop::CheckEntered(int result) {
  if (result >= 0 || result == -ETIME || result == -EINTR) {
    failed_enters_ = 0;
    return;
  }
  // EBUSY: completions overflowed and must be reaped first. EAGAIN: the kernel is short of memory.
  bool transient = result == -EBUSY || result == -EAGAIN;
  if (transient && ++failed_enters_ < limits::kRingSubmitTriesMax) return;
  std::fprintf(stderr, "io_uring_enter failed: %s\n", strerror(-result));
  RP_CHECK(transient && "the ring is unusable");
  RP_CHECK(!"the kernel takes no requests");
}

void RingLoop::Collect() {
  unsigned head;
  unsigned count = 0;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    ready_.push_back({cqe->user_data, cqe->res, cqe->flags});
    ++count;
  }
  io_uring_cq_advance(&ring_, count);
  Count(Counter::kRingCompletions, count);
}

void RingLoop::ReadClocks() {
  now_ = ReadMonoClock();
  wall_now_ = ReadWallClock();
}

void RingLoop::RunReady() {
  // What is deferred or collected while these run belongs to the next turn.
  running_.swap(ready_);
  for (const Ready& ready : running_) RunOne(ready);
  running_.clear();
}

void RingLoop::RecycleBuffers() {
  buffer_ring_.TopUp();
  // A mark well above zero: waking one receiver for each buffer that trickles back would cost a
  // turn each.
  uint32_t low_water = std::min(pool_.count(), limits::kBuffersOfferedMax) / 8;
  if (parked_.empty() || buffer_ring_.offered() < low_water) return;
  // No more than there are buffers: the others would only fail again. First come, first served.
  for (uint32_t i = buffer_ring_.offered(); i > 0 && !parked_.empty(); --i) {
    ready_.push_back({parked_.front(), 0, 0});
    parked_.pop_front();
  }
}

// A cancel by user_data that found nothing although its operation goes on (seen with multishot
// receives on some kernels) is repeated by descriptor. The operation's own completion may just have
// been on its way, so each miss is looked at again a turn later.
void RingLoop::RetryMissedCancels() {
  for (uint64_t key : missed_cancels_before_) {
    SlotTable::Slot* slot = slots_.Find(key);
    if (slot == nullptr) continue;
    io_uring_sqe* sqe = GetSqe();
    io_uring_prep_cancel_fd(sqe, slot->fd, IORING_ASYNC_CANCEL_ALL);
    sqe->user_data = InternalData(Internal::kIgnored);
  }
  missed_cancels_before_.clear();
  missed_cancels_before_.swap(missed_cancels_);
}

}  // namespace ringpost::reactor
