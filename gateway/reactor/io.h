// Io: what a shard can ask of the machine, and the seam for the simulated ring.
//
// Two implementations: RingIo (io_uring; ring_io.h) and SimIo (a seeded simulation; sim_io.h).
// Session code talks to Stream and Listener (stream.h), which are written on Io alone, so the same
// bytes of code run on both. Io is an abstract class and not a template parameter: a virtual call
// costs about a nanosecond, an SMTP command costs thousands.
//
// Threads: one Io belongs to one shard thread; nothing here may be called from another, except
// through inbox().Post.
//
// Rules (each has a test):
//  - A Completion is owned by the caller and stays where it is until its last Result (no `more`).
//  - It never runs inside the call that submits it.
//  - At most one send and one receive are in flight on a socket.
//  - A buffer handed to Send stays valid until that completion's last Result.
//  - Descriptors from Accept and OpenSocket are closed by Close alone: the ring keeps a list, to
//    know when the kernel hands out a number that is no new connection. GiveUp takes one off it,
//    and it is its new owner's to close.
//  - Close only when nothing is in flight on the socket: Shutdown, Cancel, the last Results, Close.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "gateway/base/inbox.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/random.h"
#include "gateway/base/slice.h"
#include "gateway/base/time.h"
#include "gateway/reactor/records.h"
#include "gateway/reactor/timer_wheel.h"

namespace ringpost::reactor {

// The outcome of one operation: bytes or a descriptor when >= 0, -errno otherwise.
struct Result {
  int32_t value = 0;
  bool more = false;  // a multishot operation goes on
  Slice buffer;       // Receive: the bytes; the slice is the receiver's to keep or drop
};

class Completion {
 public:
  using Fn = void (*)(Completion*, Result&&);
  Completion() = default;
  explicit Completion(Fn fn) : fn_(fn) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion();  // checks that nothing is in flight

  bool in_flight() const { return slot_ != kNoSlot; }
  void Run(Result&& result) { fn_(this, static_cast<Result&&>(result)); }

 private:
  friend class SlotTable;
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  Fn fn_ = nullptr;
  uint32_t slot_ = kNoSlot;
};

class Io {
 public:
  virtual ~Io() = default;

  // Which shard this is, of how many.
  virtual uint32_t shard() const = 0;
  // Read once per turn of the loop.
  virtual MonoTime now() const = 0;
  virtual WallTime wall_now() const = 0;
  virtual TimerWheel& timers() = 0;
  virtual Inbox& inbox() = 0;
  virtual Random& random() = 0;

  // A new TCP socket for Connect; `source` may be null, else it is bound (port 0). -errno on
  // failure.
  virtual int OpenSocket(const Endpoint& peer, const IpAddress* source) = 0;
  // The addresses of an accepted or connected socket.
  virtual Endpoint PeerOf(int fd) = 0;
  virtual Endpoint LocalOf(int fd) = 0;

  // Multishot: one Result per connection, value = its descriptor.
  virtual void Accept(int listen_fd, Completion* completion) = 0;
  virtual void Connect(int fd, const Endpoint& peer, Completion* completion) = 0;
  // Multishot: a Result per piece, with its buffer; value 0 is end of stream. -ENOBUFS: the pool is
  // empty; the caller receives again once buffers return (ParkForBuffers).
  virtual void Receive(int fd, Completion* completion) = 0;
  // One Result: at most `most` bytes of what has come or will come; otherwise as Receive.
  virtual void ReceiveOnce(int fd, size_t most, Completion* completion) = 0;
  // Calls `completion` (a Result of value 0) once there are receive buffers again, in order of
  // parking.
  virtual void ParkForBuffers(Completion* completion) = 0;
  // Sends what it can of `parts`; short results happen. `parts` itself may go once Send returns.
  virtual void Send(int fd, std::span<const iovec> parts, Completion* completion) = 0;

  // Kernel TLS: the kernel makes the records of a socket. Each answers 0 or -errno at once.
  // AttachRecords first; nothing changes on the wire before a side has its keys (the kernel's
  // struct tls12_crypto_info_*). On a side that has them, bytes are plaintext here; what came that
  // is no data ends a Receive with -EIO and is then to be taken, and a record that does not open
  // ends it with -EBADMSG.
  virtual int AttachRecords(int fd) = 0;
  virtual int SetRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) = 0;
  virtual ControlRecord TakeControlRecord(int fd) = 0;
  // A send, for one record of `type`.
  virtual void SendControlRecord(int fd, uint8_t type, const iovec& bytes,
                                 Completion* completion) = 0;

  // Asks for an early end; the completion still gets its last Result (-ECANCELED or its own). No
  // effect where nothing is in flight.
  virtual void Cancel(Completion* completion) = 0;
  // Completes with `value` at the next turn of the loop: for calls that must not call back.
  virtual void Defer(Completion* completion, int32_t value) = 0;
  virtual void Shutdown(int fd) = 0;
  virtual void Close(int fd) = 0;
  // The descriptor is somebody else's now, who may be on another thread. As with Close, nothing is
  // in flight on it.
  virtual void GiveUp(int fd) = 0;

  // Receive buffers of this shard: how many bytes in all, and how many are not with the kernel.
  virtual size_t pool_bytes() const = 0;
  virtual size_t pool_bytes_held() const = 0;
};

}  // namespace ringpost::reactor
