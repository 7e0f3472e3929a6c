// The sockets of the sink: one listener and its connections on one epoll loop, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/load/net.h"
#include "bench/load/sink_options.h"
#include "bench/load/sink_session.h"

namespace ringpost::bench {

class SinkServer : public PollHandler {
 public:
  // Takes over `listen_fd`. Options, events and poller are borrowed and must outlive the server.
  // `tls`: with which to do what the options say of TLS.
  SinkServer(const SinkOptions* options, const SinkEvents* events, int listen_fd, uint64_t seed,
             Poller* poller, std::function<void()> on_connect,
             std::shared_ptr<const tls::ServerContext> tls = nullptr);
  ~SinkServer() override;

  // One round: waits for events until `until_nanos` at most, then for delays that have run out.
  void Turn(uint64_t until_nanos);
  // A new connection (the listener's event).
  void OnEvents(uint32_t events) override;
  // How many are open.
  size_t connections() const { return connections_.size(); }

 private:
  struct Connection;
  // (wake time, serial): a connection may have gone when its time comes.
  using Sleeper = std::pair<uint64_t, uint64_t>;

  void Readable(Connection* connection);
  // Into the buffer at `fresh`; how many, or none where the connection is over.
  std::optional<size_t> Opened(Connection* connection, std::string_view sealed, char* fresh);
  void HandshakeEnded(Connection* connection);
  bool Upgrade(Connection* connection);
  void Settle(Connection* connection);
  bool Flush(Connection* connection);
  void Watch(Connection* connection, uint32_t events);
  void Close(Connection* connection);
  void WakeSleepers();

  const SinkOptions* const options_;
  const SinkEvents* const events_;
  const int listen_fd_;
  Poller* const poller_;
  const std::function<void()> on_connect_;
  std::minstd_rand random_;
  uint64_t next_serial_ = 1;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;  // freed when no event can name them any more
  std::priority_queue<Sleeper, std::vector<Sleeper>, std::greater<>> sleepers_;
  const std::shared_ptr<const tls::ServerContext> tls_;
  std::vector<char> buffer_;
  std::vector<char> sealed_;  // what came, where it is under TLS
};

}  // namespace ringpost::bench
