// InboundConnection: joins an smtp::ServerSession to a Stream: mail in.
//
// It gathers the body (slices, one slab up to 16 KiB, or chunks to the spool), builds the trace header, asks
// the spool for the commit, says 250 with the Durable, and hands the message to the Dispatcher.
//
// Owned by the InboundService of its shard, which frees it after OnClosed. Threads: the shard's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/identity/trust.h"
#include "gateway/reactor/stream.h"
#include "gateway/session/dispatcher.h"
#include "gateway/smtp/server_session.h"

namespace ringpost::session {

// One [[listener]], with what it refers to. Immutable; sessions hold a reference to the one they began with.
struct ListenerPolicy {
  std::string name;  // its address as configured
  smtp::ServerOptions smtp;
  std::shared_ptr<const identity::NetworkList> trusted;
  std::shared_ptr<const identity::NetworkList> proxy_peers;    // must speak PROXY first
  std::shared_ptr<const identity::NetworkList> xclient_peers;
  uint32_t connections_max = 0;              // per shard; 0: only the process's limit
  uint32_t connections_per_address_max = 0;  // 0: no limit
  uint32_t command_timeout_seconds = limits::kServerCommandSeconds;
  uint32_t data_bytes_per_second_min = 0;    // rate floor within DATA, after a grace; 0: off
  uint32_t greet_delay_ms = 0;               // early talkers are found out while it lasts
  WallTime::duration message_lifetime{};     // deadline = received + this
};

// The inbound side of one shard: its connections, and the counts the limits are about.
class InboundService {
 public:
  InboundService(const RegionContext* region, Dispatcher* dispatcher);
  ~InboundService();

  void Accept(int fd, std::shared_ptr<const ListenerPolicy> policy);
  // 421 to sessions that are idle, and to the others once their transaction is over.
  void BeginDrain();
  void Abort();
  size_t connections() const;

  // `ringpost trace`: lines of sessions whose client matches go to `sink` until Untrace.
  using TraceSink = std::function<void(std::string_view line)>;
  void Trace(const IpNetwork& client, TraceSink sink);
  void Untrace();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::session
