#include "storage/store_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ringpost::storage {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

Status Fail(const std::string& path, std::string_view what) {
  std::string text = "the store's key " + path + ": ";
  text.append(what);
  return MakeStatus(StatusCode::kFailedPrecondition, text);
}

Status SyncDirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  Descriptor directory{open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd < 0 || fsync(directory.fd) != 0) return Fail(path, std::strerror(errno));
  return OkStatus();
}

// Under another name first: a crash leaves the whole key or none, since a short one would refuse
// every start from then on.
Status MakeKey(const std::string& path) {
  std::string made = path + ".new";
  unlink(made.c_str());  // of an opening that did not get further
  Descriptor file{open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.fd < 0) return Fail(path, std::strerror(errno));
  tls::Key key = tls::Key::Random();
  errno = 0;
  if (write(file.fd, key.view().data(), tls::kKeyBytes) != tls::kKeyBytes || fsync(file.fd) != 0 ||
      rename(made.c_str(), path.c_str()) != 0) {
    int error = errno != 0 ? errno : ENOSPC;
    unlink(made.c_str());
    return Fail(path, std::strerror(error));
  }
  return SyncDirectoryOf(path);
}

}  // namespace

Status EnsureStoreKey(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return OkStatus();
  return errno == ENOENT ? MakeKey(path) : Fail(path, std::strerror(errno));
}

Status ReadStoreKey(const std::string& path, tls::Key* key) {
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 && errno == ENOENT) {
    return Fail(path,
                "missing; without it the messages of this store cannot be opened: restore it");
  }
  if (file.fd < 0) return Fail(path, std::strerror(errno));
  struct stat info;
  if (fstat(file.fd, &info) != 0) return Fail(path, std::strerror(errno));
  if (info.st_mode & 077) return Fail(path, "others may read it; chmod 600");
  if (info.st_size != tls::kKeyBytes) return Fail(path, "not of 32 bytes");
  char bytes[tls::kKeyBytes];
  ssize_t got = read(file.fd, bytes, sizeof bytes);
  if (got == tls::kKeyBytes) *key = tls::Key::From({bytes, sizeof bytes});
  tls::Wipe(bytes, sizeof bytes);
  return got == tls::kKeyBytes ? OkStatus() : Fail(path, "could not be read");
}

}  // namespace ringpost::storage
