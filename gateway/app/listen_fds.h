// ListenFds: listening sockets that the service manager hands over (sd_listen_fds(3), by hand):
// those of .socket units, and those that an earlier run of the daemon left in the manager's store
// (ServiceNotifier::StoreFds), so that a restart refuses nobody.
//
// A listener asks for a socket by its address. With SO_REUSEPORT there is one socket per core at
// one address: ask once per core, and open what is missing (listen_sockets.h). A socket nobody took
// must be closed (CloseRest) and removed from the store: in a SO_REUSEPORT group the kernel goes on
// giving it connections that nobody accepts.
//
// Hostile or broken values close nothing and give nothing: wrong LISTEN_PID, numbers out of range,
// descriptors that are not open, not stream sockets, or not listening are left out and named in
// problems().
//
// Threads: the main thread, at start.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"

namespace ringpost::app {

class ListenFds {
 public:
  struct Socket {
    int fd = -1;
    std::string name;  // from LISTEN_FDNAMES; "unknown" where it is missing
    Endpoint endpoint;
  };

  ListenFds() = default;
  // Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and removes them from the environment; the
  // sockets get close-on-exec and non-blocking. Once, at start, before there are threads.
  static ListenFds FromEnvironment();
  // For tests: as if the variables had these values and the first descriptor were `first_fd`.
  static ListenFds From(std::string_view pid, std::string_view count, std::string_view names,
                        int first_fd);
  ~ListenFds() { CloseRest(); }
  ListenFds(ListenFds&& other) noexcept { *this = std::move(other); }
  ListenFds& operator=(ListenFds&& other) noexcept;

  // One listening socket bound to exactly `endpoint`, now the caller's; empty where there is none
  // left.
  std::optional<Socket> Take(const Endpoint& endpoint);
  // Closes what nobody took and returns the names of those that an earlier run left in the
  // manager's store, for ServiceNotifier::RemoveFds.
  std::vector<std::string> CloseRest();

  const std::vector<Socket>& sockets() const { return sockets_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void Add(int fd, std::string name);

  std::vector<Socket> sockets_;
  std::vector<std::string> problems_;
};

// A name under which to store the socket of `endpoint` on core `index`:
// "ringpost-127.0.0.1_2525-0".
std::string ListenFdName(const Endpoint& endpoint, uint32_t index);
// Whether the socket comes from the manager's store, where it has such a name. If not, a .socket
// unit owns it.
bool IsFromStore(const ListenFds::Socket& socket);

}  // namespace ringpost::app
