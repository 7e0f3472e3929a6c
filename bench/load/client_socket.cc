#include "bench/load/client_socket.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ringpost::bench {

bool ClientSocket::Open(const Endpoint& server, unsigned source_index, Poller* poller,
                        PollHandler* handler) {
  Close();
  fd_ = BeginConnect(server, source_index);
  if (fd_ < 0) return false;
  poller->Add(fd_, EPOLLIN, handler);
  return true;
}

bool ClientSocket::StartTls(std::shared_ptr<const tls::ClientContext> context, std::string peer) {
  tls_ = TlsLink::Client(std::move(context), std::move(peer));
  return tls_->Send(fd_) == TlsLink::Sent::kAll;
}

bool ClientSocket::Say(std::string_view words) {
  if (tls_ == nullptr) {
    return send(fd_, words.data(), words.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(words.size());
  }
  tls_->Seal(words);
  return tls_->Send(fd_) == TlsLink::Sent::kAll;
}

ClientSocket::Event ClientSocket::Read(const std::function<void(std::string_view)>& said) {
  char bytes[16 * 1024];
  const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Event::kTaken;
  if (count <= 0) return Event::kEnded;
  const std::string_view came(bytes, static_cast<size_t>(count));
  if (tls_ == nullptr) {
    said(came);
    return Event::kTaken;
  }
  const bool secured = tls_->state() == TlsLink::State::kOpen;
  const TlsLink::State state = tls_->Take(came, said);
  const bool sent = tls_->Send(fd_) == TlsLink::Sent::kAll;
  if (!sent || state == TlsLink::State::kEnded || state == TlsLink::State::kFailed) {
    return Event::kEnded;
  }
  return !secured && state == TlsLink::State::kOpen ? Event::kSecured : Event::kTaken;
}

void ClientSocket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  tls_.reset();
}

}  // namespace ringpost::bench
