// Stream::SendQueue: the bytes that a stream has still to send, and the pool it comes from.
//
// Private to stream.cc and send_queue.cc. A queue exists only while there is something in it; a
// thread keeps a few empty ones, so that a reply allocates nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/reactor/stream.h"

namespace ringpost::reactor {

struct Stream::SendQueue {
  void Add(Slice bytes);
  // Copies `bytes` behind what was copied before; short copies share a slab and a part of the send.
  void AddCopy(std::string_view bytes);
  // The parts of the next send: at most kSendPartsMax, of what was flushed.
  size_t Gather(iovec* parts) const;
  void Consume(size_t sent);
  void Clear();
  bool empty() const { return bytes == 0 && control.empty(); }

  std::vector<Slice> slices;
  size_t first = 0;    // slices before this one are sent
  size_t offset = 0;   // sent of that one
  size_t bytes = 0;    // unsent
  size_t flushed = 0;  // of those, may be sent
  Slice slab;          // where copies go
  size_t slab_used = 0;
  std::string control;  // a record that goes behind it all
  uint8_t control_type = 0;
};

// Threads: each has its own.
class SendQueuePool {
 public:
  static Stream::SendQueue* Take();
  static void Give(Stream::SendQueue* queue);

 private:
  ~SendQueuePool();
  static SendQueuePool& OfThread();
  std::vector<Stream::SendQueue*> kept_;
};

}  // namespace ringpost::reactor
