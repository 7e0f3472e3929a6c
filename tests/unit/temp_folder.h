// A folder that goes with its test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gateway/base/check.h"

namespace ringpost {

class TempFolder {
 public:
  TempFolder() { RP_CHECK(mkdtemp(path_.data()) != nullptr); }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path().string() + "/ringpost-XXXXXX";
};

}  // namespace ringpost
