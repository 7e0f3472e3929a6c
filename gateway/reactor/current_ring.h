// The ring of the calling thread, if it has one: a shard that wakes another can do it through its
// own ring.
#pragma once

namespace ringpost::reactor {

class RingLoop;

inline RingLoop*& CurrentRing() {
  thread_local RingLoop* current = nullptr;
  return current;
}

}  // namespace ringpost::reactor
