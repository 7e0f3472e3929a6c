#include "gateway/app/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

Status Trouble(const std::string& path, std::string_view what, int error) {
  char buffer[128];
  std::string words = "control socket " + path + ": " + std::string(what);
  if (error != 0) words.append(": ").append(strerror_r(error, buffer, sizeof buffer));
  return MakeStatus(StatusCode::kUnavailable, words);
}

int NewSocket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// Removes a socket file that a daemon left which was killed.
Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? OkStatus() : Trouble(path, "cannot look at it", errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Trouble(path, "a file that is no socket is in the way; move it, or set control.socket",
                   0);
  }
  int probe = NewSocket();
  if (probe < 0) return Trouble(path, "cannot make a socket", errno);
  int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  int error = result == 0 ? 0 : errno;
  ::close(probe);
  if (error != ECONNREFUSED && error != ENOENT) {
    return Trouble(path, "another ringpostd answers there; stop it, or set control.socket", 0);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Trouble(path, "cannot remove the one an earlier run left", errno);
  }
  return OkStatus();
}

}  // namespace

StatusOr<ControlSocket> ControlSocket::Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Trouble(path,
                   "the path must have 1 to " + std::to_string(sizeof address.sun_path - 1) +
                       " bytes; set control.socket",
                   0);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (Status status = RemoveStale(path, address); !status.ok()) return status;

  ControlSocket socket;
  socket.fd_ = NewSocket();
  if (socket.fd_ < 0) return Trouble(path, "cannot make a socket", errno);
  // The mode of the socket becomes that of its file: nobody can connect before it is narrow.
  if (::fchmod(socket.fd_, 0600) != 0 ||
      ::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Trouble(path, "cannot bind it (does its folder exist, and may we write there?)", errno);
  }
  socket.path_ = path;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 ||
      ::listen(socket.fd_, static_cast<int>(limits::kControlClientsMax)) != 0) {
    return Trouble(path, "cannot listen", errno);
  }
  socket.device_ = info.st_dev;
  socket.inode_ = info.st_ino;
  if ((info.st_mode & 0077) != 0) return Trouble(path, "its mode cannot be made 0600", 0);
  return socket;
}

ControlSocket& ControlSocket::operator=(ControlSocket&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void ControlSocket::Close() {
  if (fd_ < 0) return;
  struct stat info{};
  if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  ::close(std::exchange(fd_, -1));
}

std::optional<ControlPeer> AllowedPeer(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  if (credentials.uid != 0 && credentials.uid != ::geteuid()) return std::nullopt;
  return ControlPeer{credentials.uid, credentials.pid};
}

}  // namespace ringpost::app
