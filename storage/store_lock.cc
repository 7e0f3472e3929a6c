#include "storage/store_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringpost::storage {
namespace {

struct flock WholeFile() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// " (process 123)", or nothing where the kernel does not say.
std::string HolderOf(int fd) {
  struct flock lock = WholeFile();
  bool known = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
  return known ? " (process " + std::to_string(lock.l_pid) + ")" : "";
}

}  // namespace

StatusOr<StoreLock> StoreLock::Take(const std::string& database_path) {
  std::string path = database_path + "/LOCK";
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  // Where the file cannot be written (a read-only copy), no daemon can have it open either.
  if (fd < 0 && (errno == ENOENT || errno == EROFS)) return StoreLock(-1);
  if (fd < 0) {
    return MakeStatus(StatusCode::kUnavailable,
                      "cannot open " + path + ": " + std::strerror(errno));
  }
  StoreLock lock(fd);
  struct flock whole = WholeFile();
  if (::fcntl(fd, F_SETLK, &whole) == 0) return lock;
  if (errno != EAGAIN && errno != EACCES) {
    return MakeStatus(StatusCode::kUnavailable,
                      "cannot lock " + path + ": " + std::strerror(errno));
  }
  return MakeStatus(StatusCode::kFailedPrecondition,
                    "a ringpostd" + HolderOf(fd) + " has the store " + database_path +
                        " open: stop it first, or look at the running one with ringpost queue "
                        "and ringpost status");
}

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace ringpost::storage
