// ControlServer: the operator's way into the running daemon: a Unix socket that `ringpost` speaks
// to.
//
// Protocol: one JSON object a line from the client (control_request.h), answered in order by one
// JSON line, {"ok":true,...} or {"ok":false,"error":{"code":...,"message":...,"hint":...}}. Lines
// may come before it: {"trace":...} of a trace, {"progress":...} of a drain and of whatever takes
// the shards long. One request is in hand per client. A change whose client goes away goes on, and
// is logged with what it came to.
//
// Who may speak: the socket's mode is 0600, and the peer's credentials (SO_PEERCRED) must be root's
// or the daemon's own user's; anyone else is closed. A peer that sends what is not the protocol
// gets one error line and is closed; nothing a peer sends, and no speed it sends or reads at,
// reaches the daemon's other parts. Bounds: kControl* in limits.h.
//
// Threads: one of its own, with plain poll; it is not a shard and never waits for one. Start and
// Stop from the main thread.
#pragma once

#include <memory>
#include <string>

#include "gateway/app/control_target.h"
#include "gateway/base/log.h"
#include "gateway/base/status.h"

namespace ringpost::app {

class ControlServer {
 public:
  // Binds `path` (an old socket file that nobody answers is replaced; a live one is an error) and
  // starts the thread. Its folder must exist. `target` and `log` outlive the server; `log` may be
  // null.
  static StatusOr<std::unique_ptr<ControlServer>> Start(const std::string& path,
                                                        ControlTarget* target, Log* log);
  ~ControlServer();  // Stop
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Ends the trace, says goodbye to clients, removes the socket file, waits a moment
  // (kControlStopMillis) for commands that shards still hold, joins the thread. Call it while the
  // shards run. Clients that asked for a drain are kept for EndDrains.
  void Stop();
  // After Stop, once the shards have ended: answers those who asked for a drain. `drained`: nothing
  // that was in hand was broken off.
  void EndDrains(bool drained);

  const std::string& path() const;

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::app
