// What speaks to the tool in place of a daemon: a control socket whose answers a test makes up.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tools/ringpost/connection.h"

namespace ringpost::cli {

class FakeDaemon {
 public:
  using Answer = std::function<Json(const Json& request)>;

  explicit FakeDaemon(Answer answer);
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const std::string& folder() const { return folder_; }
  // All that was asked, oldest first. Once the tool has ended.
  const std::vector<Json>& requests() const { return requests_; }
  void Forget() { requests_.clear(); }

  // Runs `ringpost WORDS...` against this daemon; the exit code. What it printed is in out, err.
  int Run(std::vector<std::string> words);
  std::string out, err;

 private:
  void Serve();
  void Talk(int client);

  Answer answer_;
  std::string folder_, path_;
  int listener_ = -1;
  std::vector<Json> requests_;
  std::thread thread_;
};

}  // namespace ringpost::cli
