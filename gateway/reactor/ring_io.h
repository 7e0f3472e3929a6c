// RingIo: a shard's io_uring. The only user of liburing, with its buffer ring and feature probe.
//
// Set up with SINGLE_ISSUER, DEFER_TASKRUN and COOP_TASKRUN and a registered ring descriptor;
// kernel 6.1 is the floor. One enter per turn of the loop submits and waits, with the timer wheel's
// next time as its time-out. Newer features (bundles, incremental buffers, minimum wait) are probed
// and reported; each is used only where decisions/ says it pays.
//
// Threads: made, run and destroyed on the shard's own thread (SINGLE_ISSUER); Stop and inbox().Post
// from any.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "gateway/base/status.h"
#include "gateway/reactor/io.h"

namespace ringpost::reactor {

struct RingOptions {
  uint32_t shard = 0;
  uint32_t submission_entries = 1024;
  uint32_t completion_entries = 8192;
  uint32_t buffer_bytes = 8 * 1024;
  uint32_t buffer_count = 4096;  // a power of two, at most 32,768
};

class RingIo : public Io {
 public:
  // Where the ring cannot be made, the status says which kernel, sysctl or seccomp rule is to blame
  // and what to do.
  static StatusOr<std::unique_ptr<RingIo>> Make(const RingOptions& options);

  // Turns the loop until Stop. `after_turn` (may be null) runs once per turn, after its
  // completions.
  virtual void Run(void (*after_turn)(void* context), void* context) = 0;
  // Any thread.
  virtual void Stop() = 0;
  // What was probed, for the log: "kernel 6.18, msg_ring yes, recv_bundle yes (unused), ...".
  virtual std::string Features() const = 0;
};

// Pins the calling thread to one core; false where the kernel refused.
bool PinThread(uint32_t core);

}  // namespace ringpost::reactor
