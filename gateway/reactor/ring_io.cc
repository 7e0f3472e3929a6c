#include "gateway/reactor/ring_io.h"

#include <sched.h>

#include "gateway/reactor/ring_loop.h"

namespace ringpost::reactor {

StatusOr<std::unique_ptr<RingIo>> RingIo::Make(const RingOptions& options) {
  auto loop = std::make_unique<RingLoop>(options);
  Status status = loop->SetUp();
  if (!status.ok()) return status;
  return StatusOr<std::unique_ptr<RingIo>>(std::move(loop));
}

bool PinThread(uint32_t core) {
  if (core >= CPU_SETSIZE) return false;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return sched_setaffinity(0, sizeof cores, &cores) == 0;
}

}  // namespace ringpost::reactor
