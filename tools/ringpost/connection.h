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

  // `line` with its line feed: a request as JSON.
  Status Send(std::string_view line);
  // The next line. Ends with UNAVAILABLE when the daemon is gone, with DEADLINE_EXCEEDED after
  // `wait_seconds` (0: for ever), with CANCELLED when a signal came.
  StatusOr<Json> Next(int wait_seconds);

 private:
  Connection(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
  std::string text_;
};

inline constexpr const char* kSystemConfigPath = "/etc/ringpost/ringpost.toml";

// Where the daemon is found: `given`, or $RINGPOST_SOCKET, or the socket that the file at
// `config_path` names, be there errors in it or not; where there is no such file, that of the
// development mode. Not OK: the file names none, in words.
StatusOr<std::string> SocketPath(const std::string& given,
                                 const std::string& config_path = kSystemConfigPath);

}  // namespace ringpost::cli
