// TlsLink: TLS between one connection of a bench program and its socket, which it does not own.
//
// What came from the socket goes through Take, what is to be said through Seal, and Send brings
// what is sealed (or belongs to the handshake) to the socket. Call Send after Take and after Seal.
//
// Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/tls/connection.h"

namespace ringpost::bench {

class TlsLink {
 public:
  enum class State : uint8_t { kHandshake, kOpen, kEnded, kFailed };
  enum class Sent : uint8_t { kAll, kBlocked, kBroken };

  // `peer`: whose last session is taken up, where the context resumes any. The hello is ready to be
  // sent.
  static std::unique_ptr<TlsLink> Client(std::shared_ptr<const tls::ClientContext> context,
                                         std::string peer);
  static std::unique_ptr<TlsLink> Server(std::shared_ptr<const tls::ServerContext> context);

  // Opens what came; what the peer said is handed out a record at a time. The new state is
  // returned: kEnded is the peer's close_notify.
  State Take(std::string_view sealed, const std::function<void(std::string_view)>& said);
  // Seals the parts as one run of bytes. Only in kOpen.
  void Seal(std::span<const std::string_view> parts);
  void Seal(std::string_view bytes) { Seal({&bytes, 1}); }
  // close_notify; once, however often it is called.
  void SealEnd() { connection_->WriteEnd(); }
  // As much as the socket takes; errno says what broke.
  Sent Send(int fd);

  State state() const { return state_; }
  bool unsent() const { return sent_bytes_ < connection_->output().size(); }
  // From kOpen on.
  bool resumed() const { return connection_->facts().resumed; }
  // In kFailed.
  const std::string& failure() const { return connection_->failure(); }

 private:
  explicit TlsLink(std::unique_ptr<tls::Connection> connection)
      : connection_(std::move(connection)) {}

  const std::unique_ptr<tls::Connection> connection_;
  State state_ = State::kHandshake;
  size_t sent_bytes_ = 0;  // of the connection's output
};

}  // namespace ringpost::bench
