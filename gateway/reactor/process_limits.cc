#include "gateway/reactor/process_limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

namespace ringpost::reactor {
namespace {

// The most a process may have open, whatever its limits: fs.nr_open.
rlim_t KernelMost() {
  unsigned long most = 0;
  std::ifstream("/proc/sys/fs/nr_open") >> most;
  return most;
}

}  // namespace

bool RaiseFileLimit(std::string* words) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    *words = std::string("the open-file limit cannot be read: ") + strerror(errno);
    return false;
  }
  rlimit most{std::max(limit.rlim_max, KernelMost()), std::max(limit.rlim_max, KernelMost())};
  if (setrlimit(RLIMIT_NOFILE, &most) == 0) {
    *words = "open files: " + std::to_string(most.rlim_cur);
    return true;
  }
  rlimit to_hard{limit.rlim_max, limit.rlim_max};
  bool raised = setrlimit(RLIMIT_NOFILE, &to_hard) == 0;
  *words = "open files: " + std::to_string(raised ? to_hard.rlim_cur : limit.rlim_cur) +
           ", the hard limit; for more set LimitNOFILE in the unit, or run with CAP_SYS_RESOURCE";
  return raised;
}

}  // namespace ringpost::reactor
