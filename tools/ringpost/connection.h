// A connection to the daemon's control socket: requests out, answer lines in.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gateway/base/status.h"

namespace ringpost::cli {

using Json = nlohmann::ordered_json;

class Connection {
 public:
  // Not OK: in words, with what to do.
  static StatusOr<Connection> Open(const std::string& path);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;

  Status Send(const Json& request);
  // The next line. Ends with UNAVAILABLE when the daemon is gone, with DEADLINE_EXCEEDED after
  // `wait_seconds` (0: for ever), with CANCELLED when a signal came.
  StatusOr<Json> Next(int wait_seconds);

 private:
  Connection(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
  std::string text_;
};

// Where the daemon is found: `given`, or $RINGPOST_SOCKET, or the socket
// /etc/ringpost/ringpost.toml names, or that of the development mode.
std::string SocketPath(const std::string& given);

}  // namespace ringpost::cli
