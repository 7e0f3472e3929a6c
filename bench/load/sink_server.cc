#include "bench/load/sink_server.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "bench/load/tls_link.h"

namespace ringpost::bench {
namespace {

constexpr size_t kReadBytes = 128 * 1024;
// Room in front of what is read, for the unfinished line or text tail of the same connection: what
// was left is moved, never what has just arrived.
constexpr size_t kHeadroomBytes = 16 * 1024;
constexpr int kAcceptsPerEvent = 64;
// What a receive may complete beyond its own bytes: a record of which most came before.
constexpr size_t kRecordBytesMax = 16 * 1024;

}  // namespace

struct SinkServer::Connection : public PollHandler {
  Connection(SinkServer* owner, int descriptor, uint64_t number)
      : server(owner),
        fd(descriptor),
        serial(number),
        session(owner->options_, owner->events_, &owner->random_) {}
  void OnEvents(uint32_t events) override {
    if (fd < 0) return;
    if ((events & EPOLLOUT) != 0) {
      server->Settle(this);
    } else if (watched == EPOLLIN) {
      server->Readable(this);
    } else {
      // Nothing is awaited (a reply is held back): the peer is gone. Bytes it left are not read;
      // `pending` may hold a whole receive already.
      server->Close(this);
    }
  }

  SinkServer* const server;
  int fd;
  const uint64_t serial;
  uint32_t watched = 0;
  size_t sent = 0;               // of session.out()
  std::unique_ptr<TlsLink> tls;  // null: in clear
  SinkSession session;
  std::string pending;
};

SinkServer::SinkServer(const SinkOptions* options, const SinkEvents* events, int listen_fd,
                       uint64_t seed, Poller* poller, std::function<void()> on_connect,
                       std::shared_ptr<const tls::ServerContext> tls)
    : options_(options),
      events_(events),
      listen_fd_(listen_fd),
      poller_(poller),
      on_connect_(std::move(on_connect)),
      random_(static_cast<std::minstd_rand::result_type>(seed)),
      tls_(std::move(tls)),
      buffer_(kHeadroomBytes + kReadBytes + (tls_ == nullptr ? 0 : kRecordBytesMax)),
      sealed_(tls_ == nullptr ? 0 : kReadBytes) {
  poller_->Add(listen_fd_, EPOLLIN, this);
}

SinkServer::~SinkServer() {
  for (auto& [serial, connection] : connections_) close(connection->fd);
  close(listen_fd_);
}

void SinkServer::Turn(uint64_t until_nanos) {
  if (!sleepers_.empty()) until_nanos = std::min(until_nanos, sleepers_.top().first);
  poller_->Wait(until_nanos);
  WakeSleepers();
  closed_.clear();
}

void SinkServer::OnEvents(uint32_t) {
  for (int i = 0; i < kAcceptsPerEvent; ++i) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno != EMFILE && errno != ENFILE) return;
      std::perror("sink: accept");
      usleep(10'000);  // the listener stays ready: do not spin on it
      return;
    }
    on_connect_();
    auto connection = std::make_unique<Connection>(this, fd, next_serial_++);
    Connection* const raw = connection.get();
    connections_.emplace(raw->serial, std::move(connection));
    raw->watched = EPOLLIN;
    poller_->Add(fd, EPOLLIN, raw);
    if (options_->tls == TlsMode::kImplicit) {
      raw->tls = TlsLink::Server(tls_);
      continue;
    }
    raw->session.Start(NowNanos());
    Settle(raw);
  }
}

void SinkServer::Readable(Connection* connection) {
  char* const fresh = buffer_.data() + kHeadroomBytes;
  char* const into = connection->tls == nullptr ? fresh : sealed_.data();
  const ssize_t received = recv(connection->fd, into, kReadBytes, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) return Close(connection);
  auto count = static_cast<size_t>(received);
  if (connection->tls != nullptr) {
    const std::optional<size_t> opened = Opened(connection, {into, count}, fresh);
    if (!opened) return Close(connection);
    count = *opened;
  }
  std::string& pending = connection->pending;
  // The session has said that it wants more, so what it left is less than a line or a text tail.
  if (pending.size() > kHeadroomBytes) return Close(connection);
  char* const begin = fresh - pending.size();
  std::copy(pending.begin(), pending.end(), begin);
  const std::string_view in(begin, pending.size() + count);
  const size_t taken = connection->session.Consume(in, NowNanos());
  pending.assign(in.substr(taken));
  Settle(connection);
}

std::optional<size_t> SinkServer::Opened(Connection* connection, std::string_view sealed,
                                         char* fresh) {
  TlsLink& tls = *connection->tls;
  const bool open = tls.state() == TlsLink::State::kOpen;
  size_t count = 0;
  tls.Take(sealed, [&](std::string_view said) {
    std::copy(said.begin(), said.end(), fresh + count);
    count += said.size();
  });
  if (!open && tls.state() != TlsLink::State::kHandshake) HandshakeEnded(connection);
  if (tls.state() == TlsLink::State::kFailed) tls.Send(connection->fd);  // the alert
  // After close_notify the peer hears no reply: what it said last is not taken.
  if (tls.state() != TlsLink::State::kOpen && tls.state() != TlsLink::State::kHandshake) return {};
  return count;
}

void SinkServer::HandshakeEnded(Connection* connection) {
  const TlsLink& tls = *connection->tls;
  const bool failed = tls.state() == TlsLink::State::kFailed;
  if (events_->on_handshake) {
    events_->on_handshake(failed          ? Handshake::kFailed
                          : tls.resumed() ? Handshake::kResumed
                                          : Handshake::kFull);
  }
  if (failed) return;
  connection->session.Secured();
  if (options_->tls == TlsMode::kImplicit) connection->session.Start(NowNanos());
}

// False where something was said behind STARTTLS in clear: it would be taken for the peer's.
bool SinkServer::Upgrade(Connection* connection) {
  if (!connection->pending.empty()) return false;
  connection->tls = TlsLink::Server(tls_);
  return true;
}

// Sends what there is to send, then does what the session now wants: wait, go on, or close.
void SinkServer::Settle(Connection* connection) {
  SinkSession& session = connection->session;
  if (session.aborted() || !Flush(connection)) return Close(connection);
  if (!session.out().empty()) return Watch(connection, EPOLLOUT);
  const bool unsent = connection->tls != nullptr && connection->tls->unsent();
  if (unsent) return Watch(connection, EPOLLOUT);
  if (session.upgrading() && connection->tls == nullptr && !Upgrade(connection)) {
    return Close(connection);
  }
  if (session.closing() && !session.delayed()) return Close(connection);
  if (!session.delayed()) return Watch(connection, EPOLLIN);
  sleepers_.emplace(session.wake_nanos(), connection->serial);
  Watch(connection, 0);
}

bool SinkServer::Flush(Connection* connection) {
  std::string& out = connection->session.out();
  if (TlsLink* const tls = connection->tls.get(); tls != nullptr) {
    if (tls->state() == TlsLink::State::kOpen) {
      if (!out.empty()) tls->Seal(out);
      out.clear();
      if (connection->session.closing() && !connection->session.delayed()) tls->SealEnd();
    }
    return tls->Send(connection->fd) != TlsLink::Sent::kBroken;
  }
  while (connection->sent < out.size()) {
    const ssize_t count = send(connection->fd, out.data() + connection->sent,
                               out.size() - connection->sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    connection->sent += static_cast<size_t>(count);
  }
  out.clear();
  connection->sent = 0;
  return true;
}

void SinkServer::Watch(Connection* connection, uint32_t events) {
  if (connection->watched == events) return;
  connection->watched = events;
  poller_->Modify(connection->fd, events, connection);
}

void SinkServer::Close(Connection* connection) {
  const TlsLink* const tls = connection->tls.get();
  if (tls != nullptr && tls->state() == TlsLink::State::kHandshake && events_->on_handshake) {
    events_->on_handshake(Handshake::kFailed);
  }
  close(connection->fd);
  connection->fd = -1;
  const auto found = connections_.find(connection->serial);
  closed_.push_back(std::move(found->second));
  connections_.erase(found);
}

void SinkServer::WakeSleepers() {
  const uint64_t now = NowNanos();
  while (!sleepers_.empty() && sleepers_.top().first <= now) {
    const auto found = connections_.find(sleepers_.top().second);
    sleepers_.pop();
    if (found == connections_.end() || !found->second->session.delayed()) continue;
    Connection* const connection = found->second.get();
    connection->session.Wake();
    const size_t taken = connection->session.Consume(connection->pending, now);
    connection->pending.erase(0, taken);
    Settle(connection);
  }
}

}  // namespace ringpost::bench
