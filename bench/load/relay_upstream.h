// The sending half of the relay: a few connections to the next hop that pass messages on as they
// came.
//
// Messages wait in memory, bounded; nothing is stored or tried again. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/net.h"
#include "bench/load/reply_reader.h"
#include "bench/load/sink_session.h"

namespace ringpost::bench {

struct RelayMessage {
  std::string envelope;  // MAIL, RCPTs and DATA, as one pipelined group
  size_t replies;        // that the group is answered with
  std::string text;      // dot-stuffed, with its CRLF.CRLF
};

struct RelayCounts {
  uint64_t passed_on = 0;
  uint64_t failed = 0;
  uint64_t refused = 0;  // by us, because too many waited
};

class RelayUpstream {
 public:
  // Messages that may wait; more are refused 452 by the caller.
  static constexpr size_t kWaitingMax = 10'000;

  RelayUpstream(const Endpoint& next_hop, unsigned connections, Poller* poller);
  ~RelayUpstream();

  bool full() const { return waiting_.size() >= kWaitingMax; }
  void Send(const ReceivedMessage& message);
  // Opens again what has broken; call once a round.
  void Reopen();
  RelayCounts& counts() { return counts_; }

 private:
  class Connection;

  const Endpoint next_hop_;
  Poller* const poller_;
  std::deque<RelayMessage> waiting_;
  std::vector<Connection*> free_;
  std::vector<std::unique_ptr<Connection>> connections_;
  RelayCounts counts_;
};

}  // namespace ringpost::bench
