#include "gateway/reactor/ring_setup.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/utsname.h>

#include <cstdio>
#include <fstream>

namespace ringpost::reactor {
namespace {

constexpr char kDisabledPath[] = "/proc/sys/kernel/io_uring_disabled";

bool OlderThanFloor(std::string_view release) {
  int major = 0, minor = 0;
  return std::sscanf(std::string(release).c_str(), "%d.%d", &major, &minor) == 2 &&
         (major < 6 || (major == 6 && minor < 1));
}

std::string WordsForRefusal(int io_uring_disabled) {
  if (io_uring_disabled > 0) {
    return "the sysctl kernel.io_uring_disabled is " + std::to_string(io_uring_disabled) +
           "; run: sysctl -w kernel.io_uring_disabled=0 (or, where it is 1, put the daemon's group "
           "into "
           "kernel.io_uring_group)";
  }
  return "a seccomp filter or security module forbids it, as container runtimes do by default; "
         "allow the "
         "system calls io_uring_setup, io_uring_enter and io_uring_register (docker: "
         "--security-opt "
         "seccomp=PROFILE; systemd: SystemCallFilter=@io-uring)";
}

}  // namespace

int SetUpRing(io_uring* ring, uint32_t submission_entries, uint32_t completion_entries) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  params.cq_entries = completion_entries;
  return io_uring_queue_init_params(submission_entries, ring, &params);
}

std::string SetUpFailureWords(int error, std::string_view kernel_release, int io_uring_disabled) {
  std::string words = std::string("io_uring cannot be set up (") + strerror(error) + "): ";
  switch (error) {
    case ENOSYS:
      return words + "the kernel (" + std::string(kernel_release) +
             ") was built without CONFIG_IO_URING, or a seccomp filter hides it; use a kernel of "
             "6.1 or "
             "newer with io_uring, and allow io_uring_setup in the container's profile";
    case EPERM:
    case EACCES:
      return words + WordsForRefusal(io_uring_disabled);
    case EINVAL:
      if (OlderThanFloor(kernel_release)) {
        return words + "the kernel is " + std::string(kernel_release) +
               "; Ringpost needs 6.1 or newer";
      }
      return words + "the kernel (" + std::string(kernel_release) +
             ") refused the ring's sizes or flags; the ring's entries must be powers of two, at "
             "most 32,768";
    case ENOMEM:
      return words +
             "memory is short, or the limit on locked memory (RLIMIT_MEMLOCK) is too low; raise it "
             "with "
             "LimitMEMLOCK in the unit or ulimit -l, or use fewer cores";
    case EMFILE:
    case ENFILE:
      return words +
             "no descriptors are left; raise RLIMIT_NOFILE (LimitNOFILE in the unit, ulimit -n)";
    default:
      return words + "see io_uring_setup(2)";
  }
}

Status ExplainSetUpFailure(int error) {
  utsname kernel;
  uname(&kernel);
  int disabled = -1;
  std::ifstream(kDisabledPath) >> disabled;
  return MakeStatus(StatusCode::kFailedPrecondition,
                    SetUpFailureWords(error, kernel.release, disabled));
}

}  // namespace ringpost::reactor
