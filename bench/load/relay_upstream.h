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
  // Text that may wait; more is refused 452 by the caller. Enough for all that a load of a few
  // seconds gets ahead of the next hop by: a refusal would count as a fault of the comparison.
  static constexpr size_t kWaitingBytesMax = size_t{1} << 30;

  RelayUpstream(const Endpoint& next_hop, unsigned connections, Poller* poller);
  ~RelayUpstream();

  bool full() const { return waiting_bytes_ >= kWaitingBytesMax; }
  void Send(const ReceivedMessage& message);
  // Opens again what has broken; call once a round.
  void Reopen();
  RelayCounts& counts() { return counts_; }

 private:
  class Connection;

  const Endpoint next_hop_;
  Poller* const poller_;
  std::deque<RelayMessage> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<Connection*> free_;
  std::vector<std::unique_ptr<Connection>> connections_;
  RelayCounts counts_;
};

}  // namespace ringpost::bench
