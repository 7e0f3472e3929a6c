#include "tests/unit/tools/fake_daemon.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "tools/ringpost/command_line.h"
#include "tools/ringpost/session.h"

namespace ringpost::cli {

FakeDaemon::FakeDaemon(Answer answer) : answer_(std::move(answer)) {
  char folder[] = "/tmp/ringpost-fake-XXXXXX";
  EXPECT_NE(::mkdtemp(folder), nullptr);
  folder_ = folder;
  path_ = folder_ + "/control.sock";
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, path_.data(), path_.size());
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(::listen(listener_, 8), 0);
  thread_ = std::thread([this] { Serve(); });
}

FakeDaemon::~FakeDaemon() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  std::filesystem::remove_all(folder_);
}

void FakeDaemon::Serve() {
  for (int client; (client = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(client)) {
    Talk(client);
  }
}

void FakeDaemon::Talk(int client) {
  std::string text;
  std::vector<char> buffer(65536);
  for (ssize_t n; (n = ::recv(client, buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(n));
    for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      requests_.push_back(Json::parse(text.substr(0, end)));
      const Json answer = answer_(requests_.back());
      if (answer.is_null()) return;  // it goes away
      const std::string line = JsonText(answer) + "\n";
      if (::send(client, line.data(), line.size(), MSG_NOSIGNAL) < 0) return;
    }
  }
}

int FakeDaemon::Run(std::vector<std::string> words) {
  words.insert(words.begin(), {"ringpost", "--socket", path_});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = CommandLine().Run(static_cast<int>(arguments.size()), arguments.data());
  std::fflush(stdout);
  out = testing::internal::GetCapturedStdout();
  err = testing::internal::GetCapturedStderr();
  return code;
}

}  // namespace ringpost::cli
