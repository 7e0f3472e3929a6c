// What the sink has taken: the counts of a run, and which messages were seen before.
//
// Shared by the sink's threads, one lock per message. Ids are kept as 64-bit hashes: among a
// million the chance that two collide, and one duplicate is reported that is none, is 1 in 30
// million.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "bench/load/hash_set.h"
#include "bench/load/sink_options.h"
#include "bench/load/sink_session.h"

namespace ringpost::bench {

class SinkLedger {
 public:
  explicit SinkLedger(const SinkOptions& options);
  ~SinkLedger();
  SinkLedger(const SinkLedger&) = delete;
  SinkLedger& operator=(const SinkLedger&) = delete;

  // False when the file of ids cannot be opened.
  bool Open();

  // Counts a message; empty: take it. Else the refusal (tempfail_first).
  std::string_view Take(const ReceivedMessage& message);
  void Refused(Phase phase, int code);
  void Connected();
  void HandshakeEnded(Handshake how);

  // One line of JSON.
  std::string StatsJson();
  uint64_t unique_messages();
  // Writes out what the file of ids has buffered.
  void Flush();

 private:
  void Print(const ReceivedMessage& message) const;

  const bool tempfail_first_;
  const bool print_;
  const std::string ids_path_;
  std::mutex mutex_;
  FILE* ids_file_ = nullptr;
  HashSet messages_seen_;
  HashSet recipients_seen_;
  HashSet attempts_seen_;
  uint64_t connections_ = 0;
  uint64_t messages_ = 0;
  uint64_t recipients_ = 0;
  uint64_t duplicate_recipients_ = 0;
  uint64_t bytes_ = 0;
  uint64_t null_sender_ = 0;
  uint64_t without_id_ = 0;
  uint64_t secured_messages_ = 0;
  uint64_t handshakes_ = 0;
  uint64_t handshakes_resumed_ = 0;  // of these
  uint64_t handshakes_failed_ = 0;
  uint64_t first_nanos_ = 0;
  uint64_t last_nanos_ = 0;
  std::map<std::string, uint64_t> refusals_;
};

}  // namespace ringpost::bench
