#include "tools/ringpost/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "gateway/app/config.h"
#include "gateway/base/json_depth.h"
#include "gateway/base/limits.h"

namespace ringpost::cli {
namespace {

// The longest answer, with room for its escapes: all of the operator's zone, of 50,000 domains.
constexpr size_t kLineBytesMax = 128 * limits::kControlAnswerBytesMax;

std::string WhatToDo(int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return "is ringpostd running? Start it, or say where it listens with --socket PATH or "
             "$RINGPOST_SOCKET";
    case EACCES:
    case EPERM:
      return "only root and the daemon's own user may: use sudo";
    default:
      return "say where ringpostd listens with --socket PATH";
  }
}

Status Unreachable(const std::string& path, int error) {
  return MakeStatus(StatusCode::kUnavailable, "cannot reach ringpostd at " + path + ": " +
                                                  std::strerror(error) + "; " + WhatToDo(error));
}

}  // namespace

StatusOr<Connection> Connection::Open(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof to.sun_path) return Unreachable(path, ENAMETOOLONG);
  std::memcpy(to.sun_path, path.data(), path.size());
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unreachable(path, errno);
  Connection connection(fd, path);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    return Unreachable(path, errno);
  }
  return connection;
}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      text_(std::move(other.text_)) {}

Status Connection::Send(std::string_view line) {
  while (!line.empty()) {
    ssize_t n = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    // Refused clients are told why before the close: what it said may still be read.
    if (n < 0 && errno == EPIPE) return OkStatus();
    if (n < 0) return Unreachable(path_, errno);
    line.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

StatusOr<Json> Connection::Next(int wait_seconds) {
  for (size_t searched = 0;;) {
    size_t end = text_.find('\n', searched);
    searched = text_.size();
    if (end != std::string::npos) {
      std::string_view line = std::string_view(text_).substr(0, end);
      bool fine = !NestsDeeper(line, limits::kJsonDepthMax);
      Json answer = fine ? Json::parse(line, nullptr, false) : Json();
      text_.erase(0, end + 1);
      if (answer.is_object()) return answer;
    }
    if (end != std::string::npos || text_.size() > kLineBytesMax) {
      return MakeStatus(StatusCode::kUnavailable,
                        "what answers at " + path_ + " is not ringpostd; check --socket");
    }
    pollfd p{fd_, POLLIN, 0};
    int ready = ::poll(&p, 1, wait_seconds > 0 ? wait_seconds * 1000 : -1);
    if (ready < 0 && errno == EINTR) return MakeStatus(StatusCode::kCancelled, "interrupted");
    if (ready == 0) {
      return MakeStatus(StatusCode::kDeadlineExceeded,
                        "ringpostd at " + path_ + " has not answered for " +
                            std::to_string(wait_seconds) + " s; what was asked may still be done");
    }
    char buffer[65536];
    ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return MakeStatus(StatusCode::kUnavailable,
                        "ringpostd at " + path_ +
                            " closed the connection (it stopped, or you are neither root nor its "
                            "own user)");
    }
    text_.append(buffer, static_cast<size_t>(n));
  }
}

StatusOr<std::string> SocketPath(const std::string& given, const std::string& config_path) {
  if (!given.empty()) return given;
  if (const char* path = std::getenv("RINGPOST_SOCKET"); path && *path) return std::string(path);
  if (::access(config_path.c_str(), F_OK) != 0 && errno == ENOENT) {
    auto config = app::DevelopmentConfig();
    if (!config.ok()) return config.status();
    return config->control.socket;
  }
  app::ConfigResult result = app::LoadConfig(config_path);
  if (!result.control_socket.empty()) return result.control_socket;
  return MakeStatus(StatusCode::kFailedPrecondition,
                    "where ringpostd listens cannot be told from " + config_path + ":\n" +
                        result.ErrorText(config_path) +
                        "correct it, use sudo if you may not read it, or say where with --socket "
                        "PATH or $RINGPOST_SOCKET");
}

}  // namespace ringpost::cli
