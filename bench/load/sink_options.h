// What `ringpost-bench sink` was asked to do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/load/net.h"
#include "bench/load/tls_setup.h"

namespace ringpost::bench {

// The points of a session at which the sink can be slow, refuse or hang up.
enum class Phase : uint8_t {
  kConnect,   // the greeting
  kEhlo,      // the answer to EHLO or HELO
  kMail,      // ... to MAIL
  kRcpt,      // ... to each RCPT
  kData,      // ... to DATA (or to a BDAT chunk that is not the last)
  kFinal,     // the final reply: the message has arrived but is not yet taken
  kAccepted,  // the message was taken and counted; a drop here loses the 250 on its way (RFC 1047)
  kEnd,
};
inline constexpr size_t kPhaseCount = static_cast<size_t>(Phase::kEnd);
inline constexpr std::array<const char*, kPhaseCount> kPhaseNames = {
    "connect", "ehlo", "mail", "rcpt", "data", "final", "accepted"};

// What happens at one phase; shares are 0 to 1 of the times it is reached, drawn from the seed.
struct PhaseRule {
  uint64_t delay_nanos = 0;
  double tempfail = 0;
  double reject = 0;
  double drop = 0;
};
using PhaseRules = std::array<PhaseRule, kPhaseCount>;

struct SinkOptions {
  Endpoint listen;
  unsigned threads = 1;
  PhaseRules rules{};
  bool pipelining = true;
  bool chunking = true;
  bool eight_bit = true;
  bool smtputf8 = true;
  uint64_t size_max = 0;        // SIZE in the EHLO answer; 0: not offered
  bool tempfail_first = false;  // the first attempt of every message is answered 451
  TlsMode tls = TlsMode::kNone;
  std::string tls_chain_path;  // PEM files; empty: a certificate is made on the spot
  std::string tls_key_path;
  uint64_t seed = 1;
  bool print = false;           // one line per message
  std::string ids_path;         // "ID RECIPIENT" per recipient taken, duplicates too
  std::string stats_path;       // the last statistics, rewritten; standard output when empty
  double interval_seconds = 0;  // statistics this often; 0: only on SIGUSR1 and at the end
  uint64_t stop_after = 0;      // unique messages; 0: runs until a signal
};

}  // namespace ringpost::bench
