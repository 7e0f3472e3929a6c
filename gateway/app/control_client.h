// ControlClient: one connection to the control socket: bytes in, request lines out, answer lines
// back, and the clocks that end it. It knows the protocol's framing and nothing of requests.
//
// Threads: the control thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/app/control_queue.h"
#include "gateway/app/control_request.h"
#include "gateway/app/control_socket.h"
#include "gateway/base/time.h"

namespace ringpost::app {

class ControlClient {
 public:
  // What is in hand; further requests wait.
  enum class Work : uint8_t { kNone, kGather, kReload, kIdentity, kDrain, kTrace };

  // Takes `fd`, which is non-blocking.
  ControlClient(int fd, uint64_t id, ControlPeer peer, MonoTime now);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  int fd() const { return fd_; }
  uint64_t id() const { return id_; }
  const ControlPeer& peer() const { return peer_; }
  short poll_events() const;

  // Reads what has come. False: the connection is over.
  bool Read(MonoTime now);
  // The next whole request line, if nothing is in hand and everything was answered.
  std::optional<std::string> NextLine(MonoTime now);
  // True when the peer sent more than a line may hold without ending it.
  bool line_too_long() const;

  void Send(std::string_view line);  // an answer
  bool SendIfRoom(
      std::string_view line);  // a line of a stream: false, and not sent, where the peer is slow
  // Writes what it can. False: the connection is over (also: everything is said and it was to be
  // closed).
  bool Write(MonoTime now);
  void CloseWhenSent() { closing_ = true; }
  bool all_sent() const { return out_.empty(); }

  // When, at the latest, something must have happened (and what then: the connection ends).
  MonoTime deadline() const;

  void Begin(Work work, ControlRequest request, MonoTime now);
  void End(MonoTime now);
  // The peer has gone; what is in hand goes on.
  void CloseNow();
  bool gone() const { return fd_ < 0; }
  Work work() const { return work_; }
  MonoTime work_since() const { return work_since_; }
  const ControlRequest& request() const { return request_; }

  std::unique_ptr<QueueGather> gather;  // kGather
  MonoTime next_report{};               // kDrain, kGather
  MonoTime got_on_at{};                 // kGather: when it last did
  uint64_t lines_dropped = 0;           // kTrace: not yet reported

 private:
  int fd_;
  uint64_t id_;
  ControlPeer peer_;
  std::string in_;
  std::string out_;
  size_t out_sent_ = 0;
  bool end_of_input_ = false;
  bool closing_ = false;
  Work work_ = Work::kNone;
  ControlRequest request_;
  MonoTime work_since_;
  MonoTime idle_since_;            // of the last whole request or answer
  MonoTime line_since_;            // of the first byte of the line that has not ended
  MonoTime sent_since_;            // of the last byte the peer took
  bool send_clock_stale_ = false;  // there was nothing to send before
};

}  // namespace ringpost::app
