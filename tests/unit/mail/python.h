// Python's email package as the oracle of what a message means.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace ringpost::mail {

// A folder of its own, gone when the test is over.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ringpost-mail-XXXXXX").string();
    path_ = mkdtemp(name.data()) ? name : "";
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  void Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// Runs tests/unit/mail/SCRIPT on the folder; returns what it prints, errors included.
inline std::string RunPython(const std::string& script, const ScratchFolder& folder) {
  std::string command =
      "python3 " RINGPOST_SOURCE_DIR "/tests/unit/mail/" + script + " " + folder.path() + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run python3";
  std::string out;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  pclose(pipe);
  return out;
}

}  // namespace ringpost::mail
