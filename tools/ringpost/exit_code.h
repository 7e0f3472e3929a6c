// How `ringpost` ends. Scripts read these; ringpost(1) documents them.
#pragma once

namespace ringpost::cli {

enum ExitCode : int {
  kDone = 0,         // done as asked
  kRefused = 1,      // refused, failed, nothing matched, or the file checked is not right
  kUsage = 2,        // the command line is wrong, or a destructive command was not confirmed
  kUnreachable = 3,  // no daemon answers at the socket, or it stopped answering
  kPartial = 4,      // done in part: some shards did not answer, some ids were not found
};

}  // namespace ringpost::cli
