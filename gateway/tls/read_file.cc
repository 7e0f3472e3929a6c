#include "gateway/tls/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gateway/base/wipe.h"

namespace ringpost::tls {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

Status Fail(const std::string& path, std::string_view what) {
  return MakeStatus(StatusCode::kInvalidArgument, path + ": " + std::string(what));
}

// Past this a string is on the heap, and a move leaves nothing of it where it was.
constexpr size_t kHeapStringBytes = 64;

Status CheckSecret(const std::string& path, const struct stat& info, const std::string& what) {
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return Fail(path, "this " + what + " belongs to another user; it must be root's or our own");
  }
  if ((info.st_mode & S_IROTH) != 0) {
    return Fail(path, "others may read this " + what + "; chmod o= it");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Fail(path, "group or others may write this " + what + "; chmod g-w,o= it");
  }
  return OkStatus();
}

StatusOr<std::string> Read(const std::string& path, size_t bytes_max, std::string_view secret) {
  // Not to hang on a pipe.
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (file.fd < 0 || fstat(file.fd, &info) != 0) return Fail(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return Fail(path, "not a regular file");
  if (info.st_size > static_cast<off_t>(bytes_max)) {
    return Fail(path, "larger than the " + std::to_string(bytes_max) + " bytes that are read");
  }
  if (!secret.empty()) {
    Status status = CheckSecret(path, info, std::string(secret));
    if (!status.ok()) return status;
  }
  std::string bytes;
  bytes.reserve(std::max(static_cast<size_t>(info.st_size), kHeapStringBytes));
  bytes.resize(static_cast<size_t>(info.st_size));
  size_t got = 0;
  while (got < bytes.size()) {
    ssize_t count = read(file.fd, bytes.data() + got, bytes.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      int error = errno;
      WipeString(&bytes);
      return Fail(path, std::strerror(error));
    }
    if (count == 0) break;  // it became shorter meanwhile
    got += static_cast<size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

}  // namespace

StatusOr<std::string> ReadPublicFile(const std::string& path, size_t bytes_max) {
  return Read(path, bytes_max, {});
}

StatusOr<std::string> ReadSecretFile(const std::string& path, size_t bytes_max,
                                     std::string_view what) {
  return Read(path, bytes_max, what);
}

}  // namespace ringpost::tls
