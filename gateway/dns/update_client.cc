#include "gateway/dns/update_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gateway/base/random.h"
#include "gateway/base/time.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"

namespace ringpost::dns {
namespace {

constexpr size_t kLengthBytes = 2;  // RFC 1035 section 4.2.2

class Connection {
 public:
  explicit Connection(const Endpoint& server)
      : server_(server), deadline_(ReadMonoClock() + Millis(limits::kUpdateMillisMax)) {}
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status Connect() {
    sockaddr_storage storage{};
    socklen_t length = server_.ToSockaddr(&storage);
    socket_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return Failed("no socket", errno);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
      return OkStatus();
    }
    if (errno != EINPROGRESS) return Failed("no connection", errno);
    if (Status status = Wait(POLLOUT); !status.ok()) return status;
    int error = 0;
    socklen_t error_bytes = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
    return error == 0 ? OkStatus() : Failed("no connection", error);
  }

  Status Send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (Status status = Again(POLLOUT); !status.ok()) {
        return status;
      }
    }
    return OkStatus();
  }

  Status Receive(size_t bytes, std::string* out) {
    out->resize(bytes);
    for (size_t have = 0; have < bytes;) {
      ssize_t got = ::recv(socket_, out->data() + have, bytes - have, 0);
      if (got > 0) {
        have += static_cast<size_t>(got);
      } else if (got == 0) {
        return MakeStatus(StatusCode::kUnavailable, Who() + " closed the connection");
      } else if (Status status = Again(POLLIN); !status.ok()) {
        return status;
      }
    }
    return OkStatus();
  }

 private:
  std::string Who() const { return "the server " + server_.ToString(); }
  Status Failed(std::string_view what, int error) const {
    return MakeStatus(StatusCode::kUnavailable,
                      std::string(what) + " to " + Who() + ": " + std::strerror(error));
  }
  Status Again(short events) {
    if (errno == EINTR) return OkStatus();
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Failed("an error of the connection", errno);
    return Wait(events);
  }
  Status Wait(short events) {
    pollfd waited{socket_, events, 0};
    while (true) {
      Millis left = deadline_ - ReadMonoClock();
      int ready = ::poll(&waited, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
      if (ready > 0) return OkStatus();
      if (ready < 0 && errno == EINTR) continue;
      return MakeStatus(StatusCode::kDeadlineExceeded, Who() + " does not answer in time");
    }
  }

  const Endpoint server_;
  const MonoTime deadline_;
  int socket_ = -1;
};

Status Exchange(const Endpoint& server, const std::string& message, std::string* answer) {
  Connection connection(server);
  if (Status status = connection.Connect(); !status.ok()) return status;
  std::string framed;
  AppendU16(static_cast<uint16_t>(message.size()), &framed);
  if (Status status = connection.Send(framed + message); !status.ok()) return status;
  std::string length;
  if (Status status = connection.Receive(kLengthBytes, &length); !status.ok()) return status;
  return connection.Receive(ReadU16(length, 0), answer);
}

}  // namespace

Status SendUpdate(const Endpoint& server, const Update& update, const TsigKey& key,
                  HmacFunction hmac) {
  auto id = static_cast<uint16_t>(Random::FromSystem().Next());
  StatusOr<std::string> message = UpdateMessage(update, id);
  if (!message.ok()) return message.status();
  std::string mac = SignTsig(key, ReadWallClock(), hmac, &*message);
  std::string answer;
  if (Status status = Exchange(server, *message, &answer); !status.ok()) return status;
  Status verified = VerifyTsig(key, mac, ReadWallClock(), hmac, answer);
  Status done = ReadUpdateAnswer(answer, id);
  if (verified.code() == StatusCode::kPermissionDenied) return verified;
  // A refusal counts whoever said it: nothing is believed to be done.
  if (!done.ok()) return done;
  return verified;
}

}  // namespace ringpost::dns
