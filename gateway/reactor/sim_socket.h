// SimSocket: one end of a simulated connection, or a listening socket. Private to the simulated
// ring.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "gateway/base/ip_address.h"
#include "gateway/base/time.h"
#include "gateway/reactor/sim_records.h"

namespace ringpost::reactor {

struct SimSocket {
  struct Segment {
    MonoTime at;  // when it arrives
    std::string bytes;
  };

  bool Readable(MonoTime now) const { return !incoming.empty() && incoming.front().at <= now; }
  bool AtEnd(MonoTime now) const { return incoming.empty() && ended && end_at <= now; }
  // Takes at most `most` bytes of what has arrived.
  std::string Take(size_t most, MonoTime now) {
    std::string taken;
    while (Readable(now) && taken.size() < most) {
      std::string& bytes = incoming.front().bytes;
      size_t count = bytes.size() < most - taken.size() ? bytes.size() : most - taken.size();
      taken.append(bytes, 0, count);
      bytes.erase(0, count);
      if (bytes.empty()) incoming.pop_front();
    }
    incoming_bytes -= taken.size();
    return taken;
  }

  int fd = -1;
  int other = -1;  // the other end, which may be gone
  Endpoint local;
  Endpoint remote;
  bool listening = false;
  std::deque<int> backlog;
  bool connected = false;
  std::deque<Segment> incoming;
  size_t incoming_bytes = 0;
  bool ended = false;  // the other end's direction is over, after `incoming`
  MonoTime end_at;
  SimSocketRecords records;
  bool reset = false;  // the connection is dead; what came before may still be read
  bool shut = false;   // our own shutdown
};

}  // namespace ringpost::reactor
