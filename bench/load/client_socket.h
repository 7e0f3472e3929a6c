// ClientSocket: a client's non-blocking socket, in clear or under TLS, for connections that say a
// line now and then (`idle`, `connect`). What is said must fit into an empty socket buffer.
//
// Belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/net.h"
#include "bench/load/tls_link.h"
#include "bench/load/tls_setup.h"

namespace ringpost::bench {

class ClientSocket {
 public:
  enum class Event : uint8_t { kTaken, kSecured, kEnded };

  ~ClientSocket() { Close(); }

  // Begins to connect and has `handler` called when there is something to read. False with errno
  // set.
  bool Open(const Endpoint& server, unsigned source_index, Poller* poller, PollHandler* handler);
  // The socket is connected: the handshake begins. False when the hello could not be sent.
  bool StartTls(std::shared_ptr<const tls::ClientContext> context, std::string peer);
  // False when it could not be sent whole.
  bool Say(std::string_view words);
  // Reads what has come and hands out what was said, each part with `said`. kSecured: the handshake
  // is done now; kEnded: the stream is over or broken, or the handshake failed.
  Event Read(const std::function<void(std::string_view)>& said);
  void Close();

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  const TlsLink* tls() const { return tls_.get(); }

 private:
  int fd_ = -1;
  std::unique_ptr<TlsLink> tls_;
};

}  // namespace ringpost::bench
