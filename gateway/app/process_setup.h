// What the process asks of the system before it does anything: limits, secrecy, signals, its
// store's lock.
//
// Threads: the main thread, at start.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::app {

// No core dumps and no ptrace by others of the same user: memory holds mail. Debug builds keep
// them.
void ForbidDumps();

// Blocks the signals the daemon handles, for this thread and those it makes, and returns a
// descriptor to read them from: SIGTERM and SIGINT (drain), SIGHUP (reload), SIGUSR1 (reopen logs).
// SIGPIPE is ignored.
StatusOr<int> OpenSignals();

// Makes `path` and its parents (0700 for what is made).
Status MakeDirectories(const std::string& path);

// One daemon per store: an exclusive lock on `<directory>/lock`, held until the process ends. The
// status names the process that has it.
StatusOr<int> LockStore(const std::string& directory);

// The CPUs this process may use, in order: shard i runs on the i-th. Empty: not known.
std::vector<uint32_t> AllowedCpus();

// Soft limit on open files now.
uint64_t OpenFilesMax();

}  // namespace ringpost::app
