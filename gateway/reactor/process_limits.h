// What the process asks of its limits at start.
#pragma once

#include <string>

namespace ringpost::reactor {

// Before anything listens: the kernel takes the limit for accepted sockets when accept is armed.
//
// Raises the soft limit on open files to the hard one, and the hard one to the kernel's where the
// process may. `words` says what was reached and what stood in the way, for the log. False where
// even the soft limit could not be raised to the hard one.
bool RaiseFileLimit(std::string* words);

}  // namespace ringpost::reactor
