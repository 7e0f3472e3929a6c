// One thread of `load`: its share of the connections, of the messages and of the rate.
//
// Closed loop: a connection asks for its next message as soon as it is free. Open loop: messages
// fall due at fixed times whether or not a connection is free, and their final reply is timed also
// from those times, so a server that stalls is not flattered by a client that waits for it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load/load_connection.h"
#include "bench/load/load_options.h"
#include "bench/load/load_stats.h"
#include "bench/load/message_maker.h"
#include "bench/load/net.h"

namespace ringpost::bench {

class LoadWorker {
 public:
  // Worker `number` of options.threads. Options and maker are borrowed.
  LoadWorker(const LoadOptions* options, const MessageMaker* maker, unsigned number);
  ~LoadWorker();

  // False when the file of acknowledged ids cannot be opened.
  bool Prepare();
  // Runs to the end; call once, in the worker's thread. False when the server was not reached, or
  // fell silent, for longer than the run is patient.
  bool Run();

  // For connections.
  bool NextMessage(Message* message);
  // No message will be handed out any more.
  bool Finished() const;
  // The connection has nothing to do; Go() is called when there may be something.
  void Rest(LoadConnection* connection);
  void Retry(LoadConnection* connection);
  void Forget(LoadConnection* connection);
  void Gone() { --alive_; }
  void Acknowledged(const Message& message);
  // What has arrived; empty at the end of the stream, null when there is nothing.
  std::string_view Receive(int fd);
  // Null: no TLS.
  const std::shared_ptr<const tls::ClientContext>& tls_context() const { return tls_context_; }
  LoadStats& stats() { return stats_; }
  Poller& poller() { return poller_; }
  // The time of the current round of events.
  uint64_t now() const { return now_; }

 private:
  bool open_loop() const { return rate_ > 0; }
  bool TimeIsOver() const { return end_nanos_ != 0 && now_ >= end_nanos_; }
  bool RunRounds();
  void AddArrivals();
  uint64_t NextWake() const;
  void WakeRetries();
  void WakeResting();
  void WriteAcknowledged();

  const LoadOptions* const options_;
  const MessageMaker* const maker_;
  const double rate_;
  uint64_t messages_left_;  // to hand out (closed loop) or to fall due (open loop)
  uint64_t next_index_;
  uint64_t start_nanos_ = 0;
  uint64_t end_nanos_ = 0;  // 0: until the messages are sent
  uint64_t now_ = 0;
  uint64_t arrivals_ = 0;
  uint64_t last_progress_nanos_ = 0;
  std::deque<uint64_t> backlog_;  // planned times of messages that are due
  std::vector<LoadConnection*> resting_;
  std::deque<std::pair<uint64_t, LoadConnection*>> retries_;
  unsigned alive_ = 0;
  int acked_fd_ = -1;
  std::string acked_;
  std::vector<char> buffer_;
  // Each worker's own: no lock is shared.
  std::shared_ptr<const tls::ClientContext> tls_context_;
  LoadStats stats_;
  Poller poller_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
};

}  // namespace ringpost::bench
