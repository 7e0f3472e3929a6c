// SecureStream's state under TLS. Private to secure_stream.cc and secure_stream_records.cc.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "gateway/session/secure_stream.h"

namespace ringpost::session {

struct SecureStream::Tls {
  // Who makes the records of a direction.
  enum class Maker : uint8_t { kLibrary, kMoving, kKernel };

  std::unique_ptr<tls::Connection> connection;
  tls::KernelRecordRule kernel;
  std::deque<Slice> waiting;  // written, not sealed yet
  size_t waiting_bytes = 0;
  size_t flushed_bytes = 0;  // of those, may be sealed
  uint64_t sent_bytes = 0;   // of the handler's, since the handshake
  uint64_t received_bytes = 0;
  uint64_t kernel_sends = 0;  // records that the kernel made, or more
  Maker sends = Maker::kLibrary;
  Maker receives = Maker::kLibrary;
  bool in_place_wanted = false;  // at the next point where it can be
  bool attached = false;         // the kernel's record layer is on the socket
  bool broken = false;           // it is in doubt who makes the records: nothing leaves any more
  bool end_wanted = false;       // close_notify, once nothing waits
  bool end_written = false;
  bool wrote = false;       // the handler is owed an OnSent
  bool failed = false;      // ... and an OnEnd(-EPROTO), once the alert has left
  bool ended = false;       // the handler was told that no more will come
  bool keys_spent = false;  // ... and of that
  bool released = false;
  std::string unopened;  // where released: what came behind the handshake
};

}  // namespace ringpost::session
