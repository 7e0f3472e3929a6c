// ControlMailbox: what other threads bring to the control thread: queue commands that shards have
// answered, reloads that are done, lines of a trace.
//
// Held by shared_ptr: by the server, and by whatever is still out there and will come back, so that
// a late answer never finds its mailbox gone.
//
// Threads: Post (through inbox) and AddTraceLine from any thread, everything else on the control
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/gateway.h"
#include "gateway/base/inbox.h"
#include "gateway/base/status.h"
#include "gateway/identity/records.h"
#include "gateway/session/queue_control.h"

namespace ringpost::app {

class ControlMailbox;

// A command on its way to one shard and back. It owns itself on the way.
struct PendingCommand : session::QueueCommand {
  // Makes `command` come back to `box`.
  static void AddressTo(const std::shared_ptr<ControlMailbox>& box, PendingCommand* command);

  std::shared_ptr<ControlMailbox> mailbox;
  session::QueueProgress so_far;
  uint64_t client = 0;  // whose request it is part of
  uint64_t gather = 0;  // and which of its requests
  std::string region;
  uint32_t shard = 0;
};

// A reload's outcome on its way to the control thread.
struct ReloadReply : Posted {
  static void Send(const std::shared_ptr<ControlMailbox>& box, uint64_t client,
                   const ReloadOutcome& outcome);

  std::shared_ptr<ControlMailbox> mailbox;
  uint64_t client = 0;
  ReloadOutcome outcome;
};

// The same of what was asked about accounts and credentials.
struct IdentityReply : Posted {
  static void Send(const std::shared_ptr<ControlMailbox>& box, uint64_t client,
                   const identity::Json& answer);

  std::shared_ptr<ControlMailbox> mailbox;
  uint64_t client = 0;
  identity::Json answer;
};

class ControlMailbox {
 public:
  static StatusOr<std::shared_ptr<ControlMailbox>> Make();
  ~ControlMailbox();
  ControlMailbox(const ControlMailbox&) = delete;
  ControlMailbox& operator=(const ControlMailbox&) = delete;

  // Where an answer goes: set by the server, emptied when it stops; what comes later is dropped.
  std::function<void(std::unique_ptr<PendingCommand>)> on_command;
  std::function<void(const ReloadReply&)> on_reload;
  std::function<void(const IdentityReply&)> on_identity;

  Inbox& inbox() { return inbox_; }
  int wake_fd() const { return wake_fd_; }  // readable when something came
  void Wake();
  void ClearWake();

  // Drops and counts the line where kControlTraceBytesMax are waiting. The lock is held for the
  // length of a move, and only while a trace runs.
  void AddTraceLine(std::string_view line);
  struct TraceLines {
    std::vector<std::string> lines;
    uint64_t dropped = 0;
  };
  TraceLines TakeTraceLines();

 private:
  explicit ControlMailbox(int wake_fd);

  Inbox inbox_;
  int wake_fd_;
  std::mutex mutex_;
  TraceLines trace_;
  size_t trace_bytes_ = 0;
};

}  // namespace ringpost::app
