// Stream: one TCP connection: its receive, its gathered sends, its orderly end. Listener: accepts.
//
// Stream owns the rules of the ring so that sessions need not know them: one send and one receive
// in flight, rearming a multishot receive that ended, parking on an empty buffer pool, short sends,
// and the end: shutdown, cancel, wait for the last completions, close, then OnClosed.
//
// It is not a TLS stream: session/secure_stream.h stands on this one with the same calls.
//
// Threads: the shard's own. Callbacks come from the loop, never from inside a call on the Stream,
// so a handler may call anything, Close included. After OnClosed (the last callback) the handler
// may destroy the Stream; before it, it may not, unless the Stream was never opened.
//
// Order: OnEnd comes behind all bytes that came before the end, also where it was a send that
// failed: the last words of a peer that hung up are not lost.
//
// Memory: an idle Stream holds no buffer of its own; the send queue exists only while there is
// something in it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/slice.h"
#include "gateway/base/status.h"
#include "gateway/reactor/io.h"

namespace ringpost::reactor {

class StreamHandler {
 public:
  // Connect succeeded (value 0) or failed (-errno); after a failure OnClosed follows.
  virtual void OnConnected(int error) = 0;
  // Bytes from the peer. Keep the slice as long as needed: it pins a receive buffer.
  virtual void OnReceive(Slice bytes) = 0;
  // The send queue is empty: all that was written is with the kernel. Only after a Flush that sent
  // something.
  virtual void OnSent() = 0;
  // No more will come: 0 for the peer's orderly end, -errno otherwise. Writing may still work after
  // 0. The handler calls Close in its own time.
  virtual void OnEnd(int error) = 0;
  // Everything is terminal and the descriptor is closed.
  virtual void OnClosed() = 0;
  // After HoldReceive and each ReceiveOnce: nothing is on its way in user space; what has come was
  // told. ReceiveOnce or ReleaseReceive goes on.
  virtual void OnReceiveHeld() {}
  // Where the kernel reads the records: one came that is no data.
  virtual void OnControlRecord(uint8_t /*type*/, std::string_view /*bytes*/) {}
  // After Release, in place of OnClosed: the descriptor is the handler's, and what came meanwhile.
  virtual void OnReleased(int fd, std::string received);

 protected:
  ~StreamHandler() = default;
};

class Stream {
 public:
  Stream(Io* io, StreamHandler* handler);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Takes an accepted descriptor and begins to receive.
  void Adopt(int fd);
  // Opens a socket (bound to `source` where given) and connects; receives once connected.
  void Connect(const Endpoint& peer, const IpAddress* source);

  // Queues bytes. Nothing leaves before Flush; what one turn wrote leaves in one sendmsg.
  void Write(Slice bytes);
  void Write(const SliceChain& bytes);
  void WriteCopy(std::string_view bytes);
  void Flush();
  // Bytes queued or in flight.
  size_t unsent_bytes() const;

  // Stops taking bytes from the peer, so that TCP pushes back. What the kernel already handed over
  // may still come once. Resume delivers again.
  void Pause();
  void Resume();

  // Takes no more bytes out of the kernel than it has given by now; OnReceiveHeld follows, behind
  // them. So the records can be handed to the kernel between two of them, with none read ahead.
  void HoldReceive();
  void ReceiveOnce(size_t most);
  void ReleaseReceive();

  // Kernel TLS; see io.h. Keys to receive only from within OnReceiveHeld, keys to send only where
  // nothing is unsent. After a failure of either the connection must be closed.
  int AttachRecords() { return io_->AttachRecords(fd_); }
  int SetRecordKeys(RecordSide side, std::span<const std::byte> keys);
  // The last that is ever sent, behind what is queued: nothing is queued behind it. Flush sends it.
  void WriteControlRecord(uint8_t type, std::string_view bytes);

  // Ends the connection. Unsent bytes are given up: to say goodbye, Write, Flush and Close in
  // OnSent. OnClosed follows from the loop. Closing twice is allowed.
  void Close();
  // Gives the connection away, so that it can live on without this ring: what was flushed is sent,
  // nothing more is received, and OnReleased follows from the loop. Only while open, and not where
  // the kernel has the records. Neither
  // OnReceive nor OnSent nor OnEnd comes any more; an end of the peer's is the new owner's to find.
  // Close may still be called meanwhile, and then it is OnClosed that comes.
  void Release();
  bool closing() const { return state_ == State::kClosing; }
  bool open() const { return state_ == State::kOpen; }
  int fd() const { return fd_; }
  Io& io() { return *io_; }

 private:
  friend class SendQueuePool;
  enum class State : uint8_t { kIdle, kConnecting, kOpen, kReleasing, kClosing, kClosed };
  // What the receive completion is in flight for.
  enum class Waiting : uint8_t { kNothing, kBytes, kBuffers };
  struct SendQueue;
  struct Held;
  struct Op : Completion {
    using Completion::Completion;
    Stream* stream = nullptr;
  };

  static void OnReceiveResult(Completion* completion, Result&& result);
  static void OnSendResult(Completion* completion, Result&& result);
  // Bytes given to a connection that has failed or is ending go nowhere.
  bool Writable() const { return state_ < State::kReleasing && send_error_ == 0 && !failed_; }
  SendQueue& Queue();
  void ReleaseQueue();
  void StartReceive();
  void EndReceive();
  void TakeControlRecord();
  void StartSend();
  void Received(Result&& result);
  Held& Hold();
  void ContinueReceiving();
  void Ended(int error);
  void DeliverHeld();
  void Connected(int32_t value);
  void Sent(int32_t value);
  void Fail(int error);
  void FinishIfQuiet();
  void ReleaseReceived(Result&& result);
  void ReleaseSent(int32_t value);
  void ReleaseIfQuiet();

  Io* io_;
  StreamHandler* handler_;
  SendQueue* queue_ = nullptr;  // from the thread's pool
  std::unique_ptr<Held> held_;  // what came while paused
  Op receive_;
  Op send_;  // also connect
  int fd_ = -1;
  int send_error_ = 0;
  State state_ = State::kIdle;
  Waiting waiting_ = Waiting::kNothing;
  bool paused_ = false;
  bool cancelling_ = false;    // the receive was asked to end, because of a pause
  bool holding_ = false;       // nothing is to be received unasked
  bool kernel_reads_ = false;  // ... the records
  bool ended_ = false;         // the peer's direction is over
  bool failed_ = false;        // OnEnd has told of an error
};

// Accepts on a listening socket that somebody else bound (and keeps). One per shard and address.
class Listener {
 public:
  class Handler {
   public:
    // A new connection; the handler takes the descriptor.
    virtual void OnAccept(int fd) = 0;

   protected:
    ~Handler() = default;
  };
  Listener(Io* io, int listen_fd, Handler* handler);
  ~Listener();
  void Start();
  // No more connections are asked for. Those that the kernel had accepted by then still come to the
  // handler; `stopped()` once the last is in. Only then may the Listener go and its descriptor be
  // closed.
  void Stop();
  bool stopped() const { return !accept_.in_flight() && !retry_.scheduled(); }

 private:
  struct Op : Completion {
    using Completion::Completion;
    Listener* listener = nullptr;
  };
  struct RetryTimer : Timer {
    using Timer::Timer;
    Listener* listener = nullptr;
  };
  static void OnAcceptResult(Completion* completion, Result&& result);

  Io* io_;
  int listen_fd_;
  Handler* handler_;
  Op accept_;
  RetryTimer retry_;  // after EMFILE and the like
  bool stopping_ = false;
};

}  // namespace ringpost::reactor
