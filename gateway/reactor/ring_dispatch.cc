// What each completion of the ring means, and the wake-ups.
#include <errno.h>
#include <sys/eventfd.h>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/reactor/ring_loop.h"
#include "gateway/reactor/sockets.h"
#include "gateway/reactor/user_data.h"

namespace ringpost::reactor {

void RingLoop::RunOne(const Ready& ready) {
  switch (KindOf(ready.user_data)) {
    case UserData::kOperation:
      return RunOperation(ready);
    case UserData::kCancelOf: {
      uint64_t key = ready.user_data & SlotTable::kKeyMask;
      if (ready.value == -ENOENT && slots_.Find(key)) missed_cancels_.push_back(key);
      return;
    }
    case UserData::kInternal:
      return RunInternal(ready);
  }
}

void RingLoop::RunOperation(const Ready& ready) {
  SlotTable::Slot* slot = slots_.Find(ready.user_data);
  if (slot == nullptr) {  // late: its slot is free or another's
    TakeBuffer(ready);
    return;
  }
  Result result{ready.value, (ready.flags & IORING_CQE_F_MORE) != 0, {}};
  switch (slot->kind) {
    case OpKind::kReceive:
      result.buffer = TakeBuffer(ready);
      if (ready.value > 0) Count(Counter::kReceiveBytes, static_cast<uint64_t>(ready.value));
      if (ready.value == -ENOBUFS) Count(Counter::kRingNoBuffers);
      break;
    case OpKind::kAccept:
      result.value = CheckAccepted(ready.value);
      break;
    case OpKind::kSend:
      if (ready.value > 0) Count(Counter::kSendBytes, static_cast<uint64_t>(ready.value));
      [[fallthrough]];
    case OpKind::kConnect:
      if (slot->link != SlotTable::kNone) records_.Give(slot->link);
      break;
    case OpKind::kParked:
    case OpKind::kDeferred:
    case OpKind::kFree:
      break;
  }
  Completion* completion = slot->completion;
  if (!result.more) slots_.Release(ready.user_data);
  completion->Run(std::move(result));
}

// The buffer that came with a completion, if any; one without bytes goes back at once.
Slice RingLoop::TakeBuffer(const Ready& ready) {
  if (!(ready.flags & IORING_CQE_F_BUFFER)) return Slice();
  uint32_t id = ready.flags >> IORING_CQE_BUFFER_SHIFT;
  buffer_ring_.Consumed();
  if (ready.value > 0) return pool_.Take(id, static_cast<size_t>(ready.value));
  pool_.Return(id);
  return Slice();
}

// Kernels 6.6 to 6.8 could hand out a number that is no new socket from a multishot accept under
// DEFER_TASKRUN: to use it would be to talk on somebody else's connection.
int32_t RingLoop::CheckAccepted(int32_t value) {
  if (value < 0) return value;
  if (open_.Contains(value) || !IsSocket(value)) return -ECONNABORTED;
  open_.Add(value);
  fresh_.Add(value);
  return value;
}

void RingLoop::RunInternal(const Ready& ready) {
  switch (InternalOf(ready.user_data)) {
    case Internal::kWakePoll:
      if (!(ready.flags & IORING_CQE_F_MORE)) ArmWakePoll();
      return;
    case Internal::kMessageSent:
      // The other shard still sleeps; from now on wakes go through eventfds.
      features_.msg_ring = false;
      RP_CHECK(eventfd_write(EventfdOf(ready.user_data), 1) == 0);
      return;
    case Internal::kWakeMessage:
    case Internal::kIgnored:
      return;
  }
}

}  // namespace ringpost::reactor
