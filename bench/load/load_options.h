// What `ringpost-bench load` was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/net.h"
#include "bench/load/tls_setup.h"

namespace ringpost::bench {

// How far a client runs ahead of the replies (RFC 2920).
enum class Pipelining : uint8_t {
  kNone,   // one command, one reply
  kGroup,  // MAIL, RCPT and DATA in one send; the text after 354
  kFull,   // and the next message's group goes out with the final dot
};

struct SizeShare {
  size_t bytes = 4096;
  double weight = 1;
};

struct LoadOptions {
  Endpoint server;
  unsigned connections = 50;
  unsigned threads = 1;
  uint64_t messages = 0;      // 0: as many as fit into the time
  double seconds = 0;         // 0: until `messages` are sent
  double rate = 0;            // messages a second, whatever the server does; 0: closed loop
  double drain_seconds = 30;  // how long to wait for the last replies
  std::vector<SizeShare> sizes = {SizeShare()};
  Pipelining pipelining = Pipelining::kNone;
  bool session_per_message = false;
  bool bdat = false;
  unsigned recipients = 1;
  uint64_t senders = 1;
  uint64_t domains = 1;
  unsigned sources = 1;
  std::string recipient_domain = "sink.example";
  std::string acked_path;
  std::string auth;  // a whole AUTH command, as AuthPlain makes it; empty: no login
  TlsMode tls = TlsMode::kNone;
  bool resume = false;  // TLS sessions: by connections that are opened again
};

}  // namespace ringpost::bench
