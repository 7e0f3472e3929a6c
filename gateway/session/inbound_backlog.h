// InboundBacklog: what a connection received and cannot use yet. Exists only while there is some.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/slice.h"

namespace ringpost::session {

struct InboundBacklog {
  std::deque<Slice> slices;  // in order; the stream is paused at kSessionBacklogBytesMax
  size_t bytes = 0;
  std::string opening;  // of a PROXY header, or of a first word, that is not whole yet

  // Slices of a client that sends a few bytes at a time are gathered, so that what it pins is
  // bounded by what it sent.
  void Keep(Slice slice, bool at_front) {
    bytes += slice.size();
    if (at_front) {
      slices.push_front(std::move(slice));
    } else {
      slices.push_back(std::move(slice));
    }
    if (slices.size() < limits::kBacklogSlicesMax) return;
    SliceChain all;
    for (Slice& kept : slices) all.Append(std::move(kept));
    slices.clear();
    slices.push_back(all.Gather());
  }

  Slice Take() {
    Slice slice = std::move(slices.front());
    slices.pop_front();
    bytes -= slice.size();
    return slice;
  }
};

}  // namespace ringpost::session
