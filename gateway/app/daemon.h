// RunDaemon: ringpostd from a read configuration to its exit status: makes the Gateway and the
// control server, waits for signals and requests, drains, ends.
//
// Threads: the main thread; nothing else may have threads before.
#pragma once

#include "gateway/app/config.h"

namespace ringpost::app {

// 0: drained or ended in order. 1: it could not start, or did not end in order; said on standard
// error.
int RunDaemon(Config config);

}  // namespace ringpost::app
