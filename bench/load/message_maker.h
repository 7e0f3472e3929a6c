// The messages of a run: numbered, each with an id of its own, over a body that is made once per
// size.
//
// Thread-safe: all members are fixed after construction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/load_options.h"

namespace ringpost::bench {

// One message, its strings reused from one to the next so that a steady run allocates nothing.
struct Message {
  std::string id;
  std::string mail;                     // MAIL command with CRLF
  std::vector<std::string> rcpts;       // RCPT commands with CRLF
  std::vector<std::string> recipients;  // their addresses
  std::string header;                   // header section with its empty line
  std::string_view body;                // borrowed from the maker, ends with CRLF
  std::vector<bool> accepted;           // which recipients were taken
  uint64_t planned_nanos = 0;           // when an open loop wanted it sent; 0 in a closed one
  uint64_t started_nanos = 0;
  uint64_t text_sent_nanos = 0;  // when the final dot (or the last chunk) went out
};

class MessageMaker {
 public:
  explicit MessageMaker(const LoadOptions& options);
  // Message number `index` of the run.
  void Make(uint64_t index, Message* out) const;
  // In front of every id of this run; unlike that of other runs.
  const std::string& run_id() const { return run_id_; }

 private:
  size_t BodyFor(uint64_t index) const;

  const LoadOptions options_;
  std::string run_id_;
  std::string fixed_fields_;  // Date, MIME and the like, the same in every message
  std::vector<std::string> bodies_;
  double weight_sum_ = 0;
};

}  // namespace ringpost::bench
