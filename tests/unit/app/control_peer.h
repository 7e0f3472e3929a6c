// A client of the control socket for tests: plain blocking calls with a time limit.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ringpost::app {

class ControlPeerSocket {
 public:
  explicit ControlPeerSocket(const std::string& path) {
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~ControlPeerSocket() { Close(); }
  ControlPeerSocket(const ControlPeerSocket&) = delete;
  ControlPeerSocket& operator=(const ControlPeerSocket&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Sends all of it, or says that it cannot.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // The next line without its line feed; "<closed>" at the end, "<nothing>" after `millis`.
  std::string Line(int millis = 10'000) {
    for (;;) {
      size_t end = text_.find('\n');
      if (end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, millis) != 1) return "<nothing>";
      char buffer[65536];
      ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) return "<closed>";
      text_.append(buffer, static_cast<size_t>(n));
    }
  }
  nlohmann::json Ask(std::string_view request) {
    if (!Send(std::string(request) + "\n")) return "<closed>";
    std::string line = Line();
    auto answer = nlohmann::json::parse(line, nullptr, false);
    return answer.is_discarded() ? nlohmann::json(line) : answer;
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string text_;
};

}  // namespace ringpost::app
