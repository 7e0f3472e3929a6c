#include "gateway/http/async_stream.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <cstring>

#include "gateway/base/check.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// A record and its header: what is read of the socket at once.
constexpr size_t kReceiveBytes = 16 * limits::kKiB + 512;

class StreamCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ringpost.stream"; }
  std::string message(int value) const override {
    return static_cast<StreamError>(value) == StreamError::kTruncated
               ? "the connection ended without close_notify: what came may be cut off"
               : "TLS failed";
  }
};

}  // namespace

error_code make_error_code(StreamError error) {
  static const StreamCategory category;
  return {static_cast<int>(error), category};
}

// Shared with the operations in flight, which may outlive the stream.
//
// The socket does not block: what can be sent or received at once is, and only then the reactor is
// asked to say when there is more, so that no buffer waits with a connection that is idle.
struct AsyncStream::Impl : std::enable_shared_from_this<Impl> {
  Impl(tcp::socket from, std::unique_ptr<tls::Connection> connection, std::string first)
      : socket(std::move(from)),
        timer(socket.get_executor()),
        tls(std::move(connection)),
        received(std::move(first)) {
    Prepare();
  }

  // Without it each write_some would block: a socket that cannot be set so is not used.
  void Prepare() {
    error_code error;
    if (socket.is_open()) socket.non_blocking(true, error);
    if (error) socket.close(error);
  }

  // --- In
  void StartRead(Operation done);
  void Advance();
  void AdvanceClear();
  void AdvanceTls();
  void Give(std::string_view bytes);
  void AwaitInput();
  bool StepTls();
  bool ReceiveMore();
  void FinishRead(error_code error, size_t bytes);
  // --- Out
  void Send();
  void AwaitRoom();
  void FinishWrite(error_code error);
  void FinishShutdown(error_code error);
  // --- The end
  error_code Reason(error_code error) const;
  void Close();

  tcp::socket socket;
  asio::steady_timer timer;
  std::unique_ptr<tls::Connection> tls;  // null: in clear
  std::string received;                  // of the peer's; from received_at on not looked at yet
  size_t received_at = 0;
  Slice opened;           // ... opened, not given out yet
  SliceChain sending;     // sealed
  size_t sent_bytes = 0;  // of `sending`
  Operation reading, writing, ending;
  asio::mutable_buffer into;  // where `reading` and not shaking hands
  size_t writing_bytes = 0;   // what `writing` will have written
  error_code send_error;
  bool shaking_hands = false;     // `reading` is the handshake
  bool awaits_room = false;       // the reactor was asked for room to send
  bool read_awaits_room = false;  // too much waits to be sent: no more is read before it has left
  bool timed_out = false;
};

// --- In

void AsyncStream::Impl::StartRead(Operation done) {
  RP_CHECK(!reading);
  reading = std::move(done);
  Advance();
}

void AsyncStream::Impl::Advance() {
  if (tls) {
    AdvanceTls();
  } else {
    AdvanceClear();
  }
}

void AsyncStream::Impl::AdvanceClear() {
  if (shaking_hands || into.size() == 0) return FinishRead({}, 0);
  if (!received.empty()) {
    size_t count = std::min(into.size(), received.size() - received_at);
    std::string_view part = std::string_view(received).substr(received_at, count);
    received_at += count;
    Give(part);
    if (received_at == received.size()) std::string().swap(received);
    return;
  }
  error_code error;
  size_t count = socket.read_some(into, error);
  if (error == asio::error::would_block) return AwaitInput();
  FinishRead(error, count);
}

void AsyncStream::Impl::Give(std::string_view bytes) {
  std::memcpy(into.data(), bytes.data(), bytes.size());
  FinishRead({}, bytes.size());
}

// Goes on with what is there; where that is not enough, receives once: the reactor says when there
// is more, so that no peer keeps the thread for itself.
void AsyncStream::Impl::AdvanceTls() {
  if (!shaking_hands && !tls->established() && tls->failure().empty()) {
    return FinishRead(asio::error::not_connected, 0);
  }
  if (!shaking_hands && into.size() == 0) return FinishRead({}, 0);
  if (opened.empty() && (StepTls() || (ReceiveMore() && StepTls()))) return;
  if (opened.empty()) {
    if (reading && !read_awaits_room) AwaitInput();
    return;
  }
  size_t count = std::min(into.size(), opened.size());
  Slice part = std::exchange(opened, opened.Sub(count, opened.size() - count));
  Give(part.view().substr(0, count));
}

// Opens the next of what was received. True: the read has ended.
bool AsyncStream::Impl::StepTls() {
  using Kind = tls::Connection::EventKind;
  std::string_view input = std::string_view(received).substr(received_at);
  tls::Connection::Event event = tls->Step(&input);
  received_at = received.size() - input.size();
  Send();
  switch (event.kind) {
    case Kind::kData:
      opened = std::move(event.data);
      return false;
    case Kind::kNeedInput:
    case Kind::kKeyUpdate:  // told where records are made elsewhere, which is not here
      return false;
    case Kind::kHandshakeDone:
      FinishRead({}, 0);
      return true;
    case Kind::kEnd:
      FinishRead(asio::error::eof, 0);
      return true;
    case Kind::kFailed:
      FinishRead(StreamError::kTls, 0);
      return true;
  }
  return true;
}

// True: something came.
bool AsyncStream::Impl::ReceiveMore() {
  if (!opened.empty()) return false;
  // A peer that asks for answers and does not read them could let them grow.
  if (awaits_room && sending.size() + tls->output().size() > limits::kTlsSealedBytesMax) {
    read_awaits_room = true;
    return false;
  }
  received_at = 0;
  received.resize(kReceiveBytes);
  error_code error;
  size_t count = socket.read_some(asio::buffer(received), error);
  received.resize(count);
  if (error == asio::error::eof) error = StreamError::kTruncated;
  if (error == asio::error::would_block) {
    received.shrink_to_fit();
  } else if (error) {
    FinishRead(error, 0);
  }
  return count > 0;
}

void AsyncStream::Impl::AwaitInput() {
  socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
    if (!self->reading) return;
    if (error) return self->FinishRead(error, 0);
    self->Advance();
  });
}

void AsyncStream::Impl::FinishRead(error_code error, size_t bytes) {
  shaking_hands = false;
  read_awaits_room = false;
  into = {};
  if (reading) std::exchange(reading, nullptr)->Complete(Reason(error), bytes);
}

// --- Out

// Sends what is sealed, as far as the kernel takes it.
void AsyncStream::Impl::Send() {
  if (!tls || awaits_room || send_error) return;
  while (true) {
    if (sent_bytes == sending.size()) {
      sent_bytes = 0;
      sending = std::exchange(tls->output(), SliceChain());
      if (sending.empty()) break;
    }
    std::array<asio::const_buffer, limits::kSendPartsMax> parts;
    size_t count = 0, skip = sent_bytes;
    for (const Slice& slice : sending.slices()) {
      if (count == parts.size()) break;
      if (skip < slice.size()) {
        parts[count++] = asio::buffer(slice.data() + skip, slice.size() - skip);
        skip = 0;
      } else {
        skip -= slice.size();
      }
    }
    error_code error;
    sent_bytes += socket.write_some(std::span(parts.data(), count), error);
    if (error == asio::error::would_block) return AwaitRoom();
    if (error) {
      send_error = error;
      break;
    }
  }
  FinishWrite(send_error);
}

void AsyncStream::Impl::AwaitRoom() {
  awaits_room = true;
  socket.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code error) {
    self->awaits_room = false;
    if (error) {
      self->send_error = error;
      self->FinishWrite(error);
    } else {
      self->Send();
    }
    if (!std::exchange(self->read_awaits_room, false)) return;
    if (error) return self->FinishRead(error, 0);
    self->Advance();
  });
}

// All that was sealed is with the kernel, or will never be.
void AsyncStream::Impl::FinishWrite(error_code error) {
  if (writing) {
    size_t bytes = std::exchange(writing_bytes, 0);
    std::exchange(writing, nullptr)->Complete(Reason(error), error ? 0 : bytes);
  }
  if (ending) FinishShutdown(error);
}

void AsyncStream::Impl::FinishShutdown(error_code error) {
  if (!error) socket.shutdown(tcp::socket::shutdown_send, error);
  std::exchange(ending, nullptr)->Complete(Reason(error), 0);
}

// --- The end

error_code AsyncStream::Impl::Reason(error_code error) const {
  if (error && timed_out) return boost::beast::error::timeout;
  return error == asio::error::bad_descriptor ? asio::error::operation_aborted : error;
}

void AsyncStream::Impl::Close() {
  error_code ignored;
  socket.close(ignored);
  timer.cancel();
}

// --- The stream

AsyncStream::AsyncStream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

AsyncStream& AsyncStream::operator=(AsyncStream&& other) noexcept {
  if (impl_) impl_->Close();
  impl_ = std::move(other.impl_);
  return *this;
}

AsyncStream::~AsyncStream() {
  if (impl_) impl_->Close();
}

AsyncStream AsyncStream::Clear(tcp::socket socket, std::string first) {
  return AsyncStream(std::make_shared<Impl>(std::move(socket), nullptr, std::move(first)));
}

AsyncStream AsyncStream::Server(tcp::socket socket,
                                std::shared_ptr<const tls::ServerContext> context) {
  return AsyncStream(std::make_shared<Impl>(
      std::move(socket), tls::Connection::Accept(std::move(context)), std::string()));
}

AsyncStream AsyncStream::Client(tcp::socket socket,
                                std::shared_ptr<const tls::ClientContext> context,
                                const std::string& name, std::string peer) {
  return AsyncStream(std::make_shared<Impl>(
      std::move(socket), tls::Connection::Connect(std::move(context), name, std::move(peer)),
      std::string()));
}

AsyncStream AsyncStream::Adopt(tcp::socket socket, std::unique_ptr<tls::Connection> tls,
                               std::string first) {
  RP_CHECK(tls && tls->established());
  auto impl = std::make_shared<Impl>(std::move(socket), std::move(tls), std::move(first));
  impl->Send();
  return AsyncStream(std::move(impl));
}

AsyncStream::executor_type AsyncStream::get_executor() const {
  return impl_->socket.get_executor();
}

AsyncStream::tcp::socket& AsyncStream::socket() { return impl_->socket; }

const tls::Connection* AsyncStream::tls() const { return impl_->tls.get(); }

std::string_view AsyncStream::failure() const {
  return impl_->tls ? std::string_view(impl_->tls->failure()) : std::string_view();
}

void AsyncStream::ExpiresAfter(Millis after) {
  impl_->timer.expires_after(after);
  impl_->timer.async_wait([weak = impl_->weak_from_this()](error_code error) {
    std::shared_ptr<Impl> impl = weak.lock();
    // It may have been moved after this was queued.
    if (error || !impl || impl->timer.expiry() > std::chrono::steady_clock::now()) return;
    impl->timed_out = true;
    impl->Close();
  });
}

void AsyncStream::ExpiresNever() { impl_->timer.expires_at(asio::steady_timer::time_point::max()); }

void AsyncStream::Close() { impl_->Close(); }

void AsyncStream::Connect(const tcp::endpoint& peer, Operation done) {
  error_code ignored;
  impl_->socket.close(ignored);  // of the endpoint that was tried before
  impl_->socket.async_connect(peer,
                              [self = impl_, done = std::move(done)](error_code error) mutable {
                                if (!error) self->Prepare();
                                if (!error && !self->socket.is_open())
                                  error = asio::error::operation_aborted;
                                done->Complete(self->Reason(error), 0);
                              });
}

void AsyncStream::Handshake(Operation done) {
  impl_->shaking_hands = true;
  impl_->StartRead(std::move(done));
}

void AsyncStream::Read(asio::mutable_buffer into, Operation done) {
  impl_->into = into;
  impl_->StartRead(std::move(done));
}

void AsyncStream::Write(std::vector<asio::const_buffer> parts, Operation done) {
  Impl& impl = *impl_;
  RP_CHECK(!impl.writing && !impl.ending);
  if (!impl.tls) {
    impl.socket.async_write_some(
        parts, [self = impl_, done = std::move(done)](error_code error, size_t bytes) mutable {
          done->Complete(self->Reason(error), bytes);
        });
    return;
  }
  if (impl.send_error || !impl.tls->established()) {
    error_code error = impl.send_error;
    if (!error && impl.tls->failure().empty()) error = asio::error::not_connected;
    if (!error) error = StreamError::kTls;
    return done->Complete(impl.Reason(error), 0);
  }
  std::vector<Slice> plain;
  for (const asio::const_buffer& part : parts) {
    size_t room = limits::kTlsSealedBytesMax - impl.writing_bytes;
    std::string_view bytes(static_cast<const char*>(part.data()), std::min(part.size(), room));
    plain.push_back(Slice::Static(bytes));  // Write is done with it when it returns
    impl.writing_bytes += bytes.size();
  }
  impl.writing = std::move(done);
  impl.tls->Write(plain);
  impl.Send();
}

void AsyncStream::Shutdown(Operation done) {
  Impl& impl = *impl_;
  RP_CHECK(!impl.writing && !impl.ending);
  impl.ending = std::move(done);
  if (!impl.tls) return impl.FinishShutdown({});
  impl.tls->WriteEnd();
  if (impl.send_error) return impl.FinishShutdown(impl.send_error);
  impl.Send();
}

}  // namespace ringpost::http
