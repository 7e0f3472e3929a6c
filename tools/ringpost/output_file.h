// Where a document goes: standard output, or a file that gets its name when all of it is on the
// disk; what was there before is replaced then.
#pragma once

#include <cstdio>
#include <string>

#include "gateway/base/status.h"

namespace ringpost::cli {

class OutputFile {
 public:
  enum class Readers { kOwner, kUsual };  // kUsual: who the umask lets

  // `path` empty: standard output.
  OutputFile(std::string path, Readers readers) : path_(std::move(path)), readers_(readers) {}
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Not OK: UNAVAILABLE, in words. What is not finished leaves no file behind.
  ringpost::Status Open();
  ringpost::Status Write(const std::string& text);
  ringpost::Status Finish();

 private:
  ringpost::Status Trouble() const;

  std::string path_;
  Readers readers_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
};

}  // namespace ringpost::cli
