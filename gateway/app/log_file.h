// LogFile: the Log that writes to a region's file, without ever stalling the thread that logs.
//
// Each thread copies its line into a ring of memory that is practically its own: two shards do not
// meet. A writer thread empties the rings into the file every few milliseconds, many lines a write.
// Where a thread logs faster than the disk takes, its ring is full: the line is dropped and
// counted, and the file gets a line that says how many were lost at that place:
//
//   {"time":"...","event":"log_lines_dropped","lines":312}
//
// While the file cannot be written (full disk, I/O error) the rings keep what they hold and the
// writer tries again every second; a line that was cut in two by such an error is ended and written
// again whole. Lines of one thread stay in order (unless more threads log at one instant than there
// are rings).
//
// Nothing here is synced: a power cut may lose the last seconds of the log. The spool is the record
// of mail.
//
// Threads: everything from any thread, but not from a signal handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::app {

struct LogFileStats {
  uint64_t lines_dropped = 0;
  uint64_t bytes_written = 0;
  uint64_t write_errors = 0;
  std::string last_error;  // in words; empty while the file takes what it is given
};

class LogFile final : public Log {
 public:
  // Opens `path` for appending (made with mode 0640 where it is missing; its folder must exist) and
  // starts the writer. `rings`: about how many threads log at once, shards and a few.
  static StatusOr<std::unique_ptr<LogFile>> Open(std::string path, size_t rings);
  // Writes what the rings hold and ends the writer. What a file in trouble does not take is lost.
  // Nobody may be logging any more.
  ~LogFile() override;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void Append(std::string_view line) override;

  // The writer closes the file and opens `path` anew before it writes again: after log rotation
  // (SIGUSR1). Where that fails it goes on with the old file and tries again every second.
  void Reopen();
  // True once everything appended before the call is in the file (or was dropped); false after
  // `wait`.
  bool Flush(Millis wait);

  LogFileStats stats() const;
  const std::string& path() const { return path_; }

 private:
  struct Ring;
  struct Writer;

  LogFile(std::string path, size_t rings);

  std::string path_;
  size_t ring_count_;
  std::unique_ptr<Ring[]> rings_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace ringpost::app
