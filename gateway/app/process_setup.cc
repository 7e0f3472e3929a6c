#include "gateway/app/process_setup.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringpost::app {
namespace {

Status FailedTo(const std::string& what) {
  return MakeStatus(StatusCode::kFailedPrecondition, what + ": " + std::strerror(errno));
}

}  // namespace

void ForbidDumps() {
#ifdef NDEBUG
  prctl(PR_SET_DUMPABLE, 0);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#endif
}

StatusOr<int> OpenSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t handled;
  sigemptyset(&handled);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&handled, number);
  if (pthread_sigmask(SIG_BLOCK, &handled, nullptr) != 0) return FailedTo("cannot block signals");
  int fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return FailedTo("cannot receive signals (signalfd)");
  return fd;
}

Status MakeDirectories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return FailedTo("cannot make the directory " + part);
    }
    if (slash == std::string::npos) return OkStatus();
  }
}

StatusOr<int> LockStore(const std::string& directory) {
  std::string path = directory + "/lock";
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FailedTo("cannot open " + path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    bool taken = errno == EWOULDBLOCK;
    Status failure = FailedTo("cannot lock " + path);
    char holder[32] = {};
    ssize_t got = read(fd, holder, sizeof holder - 1);
    close(fd);
    if (!taken) return failure;
    std::string who =
        got > 0 ? " (process " + std::string(holder, strcspn(holder, "\n")) + ")" : "";
    return MakeStatus(StatusCode::kFailedPrecondition,
                      "another ringpostd" + who + " has the store " + directory +
                          "; stop it first, or give this one another [store] path");
  }
  std::string pid = std::to_string(getpid()) + "\n";
  bool written = ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) > 0;
  if (!written) {
    Status failure = FailedTo("cannot write " + path);
    close(fd);
    return failure;
  }
  return fd;
}

std::vector<uint32_t> AllowedCpus() {
  std::vector<uint32_t> cpus;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

uint64_t OpenFilesMax() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace ringpost::app
