#include "tools/ringpost/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ringpost::cli {
namespace {

// What a file made by open() would be like.
mode_t UsualMode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::~OutputFile() {
  if (file_) std::fclose(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

ringpost::Status OutputFile::Open() {
  if (path_.empty()) return OkStatus();
  temporary_ = path_ + ".XXXXXX";
  const int fd = ::mkostemp(temporary_.data(), O_CLOEXEC);  // 0600
  if (fd < 0) {
    const ringpost::Status trouble = Trouble();
    temporary_.clear();
    return trouble;
  }
  file_ = ::fdopen(fd, "w");
  if (!file_) return Trouble();
  const bool fine = readers_ == Readers::kOwner || ::fchmod(fd, UsualMode()) == 0;
  return fine ? OkStatus() : Trouble();
}

ringpost::Status OutputFile::Write(const std::string& text) {
  std::FILE* to = file_ ? file_ : stdout;
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() ? OkStatus() : Trouble();
}

ringpost::Status OutputFile::Finish() {
  if (!file_) return std::fflush(stdout) == 0 ? OkStatus() : Trouble();
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return Trouble();
  }
  temporary_.clear();
  return OkStatus();
}

ringpost::Status OutputFile::Trouble() const {
  return MakeStatus(StatusCode::kUnavailable, "cannot write " +
                                                  (path_.empty() ? "to standard output" : path_) +
                                                  ": " + std::strerror(errno));
}

}  // namespace ringpost::cli
