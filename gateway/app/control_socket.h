// The listening end of the control socket: how its file is made, guarded and removed.
//
// Threads: none of its own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "gateway/base/status.h"

namespace ringpost::app {

// A listening AF_UNIX stream socket with mode 0600; its file goes when this does.
class ControlSocket {
 public:
  // An old socket file that nobody answers is replaced. A live one, or a file that is no socket, is
  // an error.
  static StatusOr<ControlSocket> Listen(const std::string& path);
  ~ControlSocket() { Close(); }
  ControlSocket(ControlSocket&& other) noexcept { *this = std::move(other); }
  ControlSocket& operator=(ControlSocket&& other) noexcept;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  // Closes, and removes the file if it is still the one that was made.
  void Close();

 private:
  ControlSocket() = default;

  int fd_ = -1;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Who is at the other end (SO_PEERCRED).
struct ControlPeer {
  uid_t uid = 0;
  pid_t pid = 0;
};
// Empty unless it is root or our own user.
std::optional<ControlPeer> AllowedPeer(int fd);

}  // namespace ringpost::app
