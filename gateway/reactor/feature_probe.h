// FeatureProbe: what this kernel's io_uring can do beyond the floor of 6.1, found by trying, never
// from a version string.
//
// Only msg_ring is used where present. The others are reported so that a benchmark's reader knows
// what was there; decisions/002-ring-setup.md says why they are not used.
#pragma once

#include <string>

struct io_uring;

namespace ringpost::reactor {

struct RingFeatures {
  bool registered_ring = false;      // enter without looking up the ring's descriptor
  bool msg_ring = false;             // a ring may post to a ring that defers its task work
  bool recv_bundle = false;          // one completion for several buffers (6.10)
  bool incremental_buffers = false;  // a buffer is filled by several receives (6.12)
  bool minimum_wait = false;         // wait a little for more completions (6.12)
  bool send_zero_copy = false;       // SENDMSG_ZC (6.1)

  std::string ToString() const;
};

// `ring` is set up with our flags and has nothing in flight; it has nothing in flight afterwards.
RingFeatures ProbeFeatures(io_uring* ring);

}  // namespace ringpost::reactor
