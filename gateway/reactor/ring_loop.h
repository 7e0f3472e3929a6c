// RingLoop: RingIo's implementation, private to this folder.
//
// A turn of the loop: hand requests to the kernel and wait (one system call), collect all
// completions, run them, fire timers, run what other threads posted, run the owner's after_turn,
// give buffers back to the kernel. Completions are collected before any runs, and a full submission
// queue met in between only collects: so a Completion never runs inside the call that submits it.
#pragma once

#include <liburing.h>

#include <deque>
#include <string>
#include <vector>

#include "gateway/reactor/buffer_pool.h"
#include "gateway/reactor/buffer_ring.h"
#include "gateway/reactor/descriptor_set.h"
#include "gateway/reactor/feature_probe.h"
#include "gateway/reactor/op_records.h"
#include "gateway/reactor/ring_io.h"
#include "gateway/reactor/slot_table.h"
#include "gateway/reactor/waker.h"

namespace ringpost::reactor {

class RingLoop final : public RingIo {
 public:
  explicit RingLoop(const RingOptions& options);
  ~RingLoop() override;
  Status SetUp();

  void Run(void (*after_turn)(void* context), void* context) override;
  void Stop() override;
  std::string Features() const override { return features_.ToString(); }

  uint32_t shard() const override { return options_.shard; }
  MonoTime now() const override { return now_; }
  WallTime wall_now() const override { return wall_now_; }
  TimerWheel& timers() override { return timers_; }
  Inbox& inbox() override { return inbox_; }
  Random& random() override { return random_; }
  int OpenSocket(const Endpoint& peer, const IpAddress* source) override;
  Endpoint PeerOf(int fd) override;
  Endpoint LocalOf(int fd) override;
  void Accept(int listen_fd, Completion* completion) override;
  void Connect(int fd, const Endpoint& peer, Completion* completion) override;
  void Receive(int fd, Completion* completion) override;
  void ParkForBuffers(Completion* completion) override;
  void ReceiveOnce(int fd, size_t most, Completion* completion) override;
  void Send(int fd, std::span<const iovec> parts, Completion* completion) override;
  int AttachRecords(int fd) override;
  int SetRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) override;
  ControlRecord TakeControlRecord(int fd) override;
  void SendControlRecord(int fd, uint8_t type, const iovec& bytes, Completion* completion) override;
  void Cancel(Completion* completion) override;
  void Defer(Completion* completion, int32_t value) override;
  void Shutdown(int fd) override;
  void Close(int fd) override;
  void GiveUp(int fd) override;
  size_t pool_bytes() const override { return pool_.bytes(); }
  size_t pool_bytes_held() const override { return pool_.bytes_held(); }

 private:
  // A completion that was collected and waits to be run.
  struct Ready {
    uint64_t user_data;
    int32_t value;
    uint32_t flags;
  };

  // ring_loop.cc: the turn.
  void Turn();
  bool MaySleep();
  void Enter(bool sleep);
  void CheckEntered(int result);
  void Collect();
  void ReadClocks();
  void RunReady();
  void RecycleBuffers();
  void RetryMissedCancels();

  // ring_dispatch.cc: what a completion means.
  void RunOne(const Ready& ready);
  void RunOperation(const Ready& ready);
  void RunInternal(const Ready& ready);
  Slice TakeBuffer(const Ready& ready);
  int32_t CheckAccepted(int32_t value);

  // ring_requests.cc: requests, and waking.
  io_uring_sqe* GetSqe();
  void ArmWakePoll();
  static void WakeThunk(void* self);
  void Wake();
  void SendMessage(RingLoop* target);

  RingOptions options_;
  io_uring ring_{};
  bool ring_made_ = false;
  bool running_loop_ = false;
  RingFeatures features_;
  MonoTime now_;
  WallTime wall_now_;
  TimerWheel timers_;
  Inbox inbox_;
  Random random_;
  Waker waker_;
  std::atomic<bool> stop_{false};
  BufferPool pool_;
  BufferRing buffer_ring_;
  SlotTable slots_;
  OpRecordPool records_;
  DescriptorSet open_;   // sockets that this ring made, accepted or was given
  DescriptorSet fresh_;  // those of them that have not been received on yet
  std::vector<Ready> ready_;
  std::vector<Ready> running_;
  std::deque<uint64_t> parked_;  // keys of completions that wait for buffers
  std::vector<uint64_t> missed_cancels_;
  std::vector<uint64_t> missed_cancels_before_;
  uint32_t failed_enters_ = 0;
};

}  // namespace ringpost::reactor
