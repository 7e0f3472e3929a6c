// The log: one JSON line per state change, never a body.
//
// LogLine builds one line; Log takes it. A shard's line goes into a memory buffer that a writer
// thread empties, so a slow disk never stalls a shard: when that buffer is full the line is dropped
// and counted, and the next line that fits says how many were lost. Implementations: app/log_file
// (a file that is reopened on SIGUSR1), NullLog for tests.
//
//   LogLine(now, "accepted").Id(id).Text("from", reverse_path).Number("size", bytes).To(log);
//   {"time":"2026-11-24T07:16:24.123Z","event":"accepted","id":"01K...","from":"a@example.com","size":4096}
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"

namespace ringpost {

class Log {
 public:
  virtual ~Log() = default;
  // `line` is one JSON object without its line feed. Any thread.
  virtual void Append(std::string_view line) = 0;
};

class NullLog final : public Log {
 public:
  void Append(std::string_view) override {}
};

class LogLine {
 public:
  LogLine(WallTime now, std::string_view event);
  LogLine& Id(const MessageId& id) { return Text("id", id.ToString()); }
  // `name` is a literal of ours; `value` may be hostile and is escaped.
  LogLine& Text(std::string_view name, std::string_view value);
  LogLine& Number(std::string_view name, int64_t value);
  LogLine& Flag(std::string_view name, bool value);
  void To(Log& log);
  const std::string& text() const { return line_; }

 private:
  std::string line_;
};

}  // namespace ringpost
