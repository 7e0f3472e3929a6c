// ServiceNotifier: tells the service manager how the daemon is (the sd_notify protocol, by hand).
//
// One datagram of NAME=value lines to the AF_UNIX socket in $NOTIFY_SOCKET, a path or, with a
// leading '@', a name in the abstract space. Without that variable nobody listens, and every call
// does nothing and succeeds. See sd_notify(3), sd_watchdog_enabled(3), systemd.service(5):
// Type=notify-reload, WatchdogSec, FileDescriptorStoreMax.
//
// Threads: any; a call sends one datagram and keeps no state. Sends never block: a manager that
// does not read is an error of the call, not a stall.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::app {

class ServiceNotifier {
 public:
  ServiceNotifier() = default;  // tells nobody
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment, so
  // that no child speaks in our name. Once, at start, before there are threads.
  static ServiceNotifier FromEnvironment();
  // For tests: the value NOTIFY_SOCKET would have.
  static ServiceNotifier To(std::string address);

  bool enabled() const { return !address_.empty(); }
  // How often Watchdog() has to be called at the latest; call it twice as often. Empty: no
  // watchdog.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_; }

  Status Ready(std::string_view status_text) const;  // READY=1, after start and after each reload
  Status Reloading() const;                          // RELOADING=1 with MONOTONIC_USEC
  Status Stopping(std::string_view status_text) const;  // STOPPING=1
  Status Watchdog() const;                              // WATCHDOG=1
  // Start, reload or stop takes longer: the manager waits at least `more` from now.
  Status ExtendTimeout(std::chrono::microseconds more) const;
  // Gives duplicates of `fds` (at most kNotifyFdsMax) to the manager, which hands them to the next
  // start of the service as $LISTEN_FDS under `name` (FDSTORE=1). The name is at most 255 printable
  // ASCII characters without ':'; see ListenFdName.
  Status StoreFds(std::string_view name, std::span<const int> fds) const;
  Status RemoveFds(std::string_view name) const;  // FDSTOREREMOVE=1

 private:
  Status Send(std::string_view datagram, std::span<const int> fds = {}) const;

  std::string address_;  // as in NOTIFY_SOCKET
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace ringpost::app
