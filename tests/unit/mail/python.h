// Python's email package as the oracle of what a message means: serve.py and the scripts beside it.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

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

// One Python per script, started when it is first needed and told of folders through its standard
// input: starting it is most of the cost of a check. It writes FOLDER/answer, under another name at
// first.
class PythonScript {
 public:
  explicit PythonScript(const std::string& script) {
    // Debian's, where it is: others found first may be slow wrappers.
    std::string python =
        std::filesystem::exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
    pipe_ = popen((python + " -B -I -S " RINGPOST_SOURCE_DIR "/tests/unit/mail/" + script).c_str(),
                  "w");
  }
  ~PythonScript() {
    if (pipe_) pclose(pipe_);
  }
  PythonScript(const PythonScript&) = delete;
  PythonScript& operator=(const PythonScript&) = delete;

  // What the script has to say of the folder, errors included.
  std::string Ask(const ScratchFolder& folder) {
    if (pipe_ == nullptr) return "cannot run python3";
    std::fprintf(pipe_, "%s\n", folder.path().c_str());
    std::fflush(pipe_);
    std::filesystem::path answer = std::filesystem::path(folder.path()) / "answer";
    for (int waited_ms = 0; !std::filesystem::exists(answer); ++waited_ms) {
      if (waited_ms > kAnswerMillisMax) return "no answer from python3";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::ifstream file(answer, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

 private:
  static constexpr int kAnswerMillisMax = 120'000;
  FILE* pipe_ = nullptr;
};

}  // namespace ringpost::mail
