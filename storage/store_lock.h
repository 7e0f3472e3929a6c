// StoreLock: no ringpostd has a store open, and none opens it while this lives. Private to storage.
//
// It is RocksDB's own lock (fcntl(2) on db/LOCK), which every opening takes that writes. A store
// that was never opened has no lock file, and none is made. For a process of its own, as the tools
// are: fcntl's locks belong to a process, and closing the file gives up the one that an opening in
// the same process has.
#pragma once

#include <string>
#include <utility>

#include "gateway/base/status.h"

namespace ringpost::storage {

class StoreLock {
 public:
  // FAILED_PRECONDITION: somebody has the store open; the words name the process.
  static StatusOr<StoreLock> Take(const std::string& database_path);
  ~StoreLock();
  StoreLock(StoreLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  StoreLock& operator=(StoreLock&&) = delete;

 private:
  explicit StoreLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace ringpost::storage
