// What one worker of `load` has seen; merged and printed at the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "bench/load/histogram.h"

namespace ringpost::bench {

struct LoadStats {
  uint64_t started = 0;     // messages whose MAIL was sent
  uint64_t accepted = 0;    // answered 250
  uint64_t refused = 0;     // answered otherwise, at whatever point
  uint64_t unanswered = 0;  // the connection ended before an answer
  uint64_t text_bytes = 0;  // of accepted messages
  uint64_t connects = 0;
  uint64_t connect_failures = 0;
  uint64_t disconnects = 0;  // by the server, unasked
  uint64_t tls_handshakes = 0;
  uint64_t tls_resumed = 0;   // of these
  uint64_t tls_failures = 0;  // handshakes, or records of a session
  std::string tls_failure;    // the first one's reason
  uint64_t backlog_max = 0;   // open loop: messages due and waiting for a free connection
  uint64_t first_nanos = 0;
  uint64_t last_reply_nanos = 0;
  Histogram final_reply;  // from the last byte of the text to the final reply
  // An open loop's: from the time at which the message was due to the final reply, so that the wait
  // for a free connection and the whole transaction count.
  Histogram due;
  Histogram mail_reply;   // from MAIL to its reply, which waits for no disk
  Histogram transaction;  // from MAIL to the final reply
  std::map<std::pair<std::string_view, int>, std::pair<uint64_t, std::string>> replies;

  void CountReply(std::string_view phase, int code, std::string_view text) {
    auto& [count, sample] = replies[{phase, code}];
    if (count++ == 0) sample = text;
  }
  void Merge(const LoadStats& other);
  // One line of JSON with everything above.
  std::string Json(std::string_view run_id) const;
  // A few lines for people.
  std::string Text() const;
};

}  // namespace ringpost::bench
