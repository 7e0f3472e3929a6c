// AsyncStream: one TCP connection for Beast, under TLS by tls::Connection, or in clear.
//
// It is what Beast calls an AsyncReadStream and AsyncWriteStream: http::async_read, async_write and
// websocket::stream work over it. It takes the place of asio::ssl::stream, which would bring
// OpenSSL's interface with it. There are no synchronous reads and writes.
//
// Which of the two it is, is said when it is made and never changes: a stream that was made with
// TLS gives out and takes nothing before async_handshake has succeeded (not_connected), and nothing
// after the record layer has failed.
//
//   client:  AsyncStream stream = AsyncStream::Client(tcp::socket(executor), context, name, peer);
//            stream.ExpiresAfter(Seconds(30));
//            co_await stream.async_connect(endpoint, token);    // or it is connected already
//            co_await stream.async_handshake(token);            // SNI and the chain, by `context`
//            co_await http::async_write(stream, request, token); ...
//   server:  AsyncStream::Server(accepted socket, context), then async_handshake;
//            AsyncStream::Adopt(socket, connection, first), where the handshake is done already.
//
// Errors are error_codes of the operations:
//   eof                       the peer's orderly end: close_notify, or FIN on a stream in clear
//   StreamError::kTruncated   FIN without close_notify: what came may not be all (RFC 8446 section
//                             6.1), and an answer that ends with the connection is not whole
//   StreamError::kTls         the handshake (the verification of the peer's name and chain
//                             included) or a record failed; failure() says why, in words
//   beast::error::timeout     what ExpiresAfter said is over; the connection is closed
//   operation_aborted         Close, or the stream is gone
//
// Order of calls: one read (a handshake counts) and one write in flight; connect and handshake
// before either. Buffers are the caller's until the operation has ended. An operation never ends
// inside the call that began it. Per-operation cancellation is not supported: Close ends them all.
//
// Memory: bounded by one TLS record in and limits::kTlsSealedBytesMax out.
//
// Threads: the executor's; where several threads run it, give the socket a strand.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"
#include "gateway/tls/connection.h"

namespace ringpost::http {

enum class StreamError { kTruncated = 1, kTls };
boost::system::error_code make_error_code(StreamError error);

// What an operation is to call at its end, whatever its type: so that all that does the work is
// compiled once, and not with each handler. Private to AsyncStream.
class StreamOperation {
 public:
  virtual ~StreamOperation() = default;
  // Posts the handler. Once.
  virtual void Complete(boost::system::error_code error, size_t bytes) = 0;
};

class AsyncStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;

  // In clear. `first`: what the peer has said already, to be read first.
  static AsyncStream Clear(tcp::socket socket, std::string first = {});
  static AsyncStream Server(tcp::socket socket, std::shared_ptr<const tls::ServerContext> context);
  // `name` and `peer`: as of tls::Connection::Connect.
  static AsyncStream Client(tcp::socket socket, std::shared_ptr<const tls::ClientContext> context,
                            const std::string& name, std::string peer);
  // Takes over a connection whose handshake is done. `first`: what came of it and is not opened
  // yet. What is sealed already and not sent leaves first.
  static AsyncStream Adopt(tcp::socket socket, std::unique_ptr<tls::Connection> tls,
                           std::string first);

  AsyncStream(AsyncStream&&) noexcept = default;
  AsyncStream& operator=(AsyncStream&& other) noexcept;
  ~AsyncStream();  // closes

  executor_type get_executor() const;
  // For its addresses and options alone.
  tcp::socket& socket();
  // Null: in clear.
  const tls::Connection* tls() const;
  // After StreamError::kTls.
  std::string_view failure() const;

  // What is not done this long from now ends with beast::error::timeout. Replaces what was said
  // before; without a call there is no such limit.
  void ExpiresAfter(Millis after);
  void ExpiresNever();
  // At once, without close_notify.
  void Close();

  // void(error_code).
  template <typename Token>
  auto async_connect(const tcp::endpoint& peer, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler, const tcp::endpoint& to) {
          Connect(to, Wrap<false>(std::move(handler)));
        },
        token, peer);
  }
  template <typename Token>
  auto async_handshake(Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler) { Handshake(Wrap<false>(std::move(handler))); }, token);
  }
  // Our last word: close_notify behind all that was written, then FIN. Reading goes on.
  template <typename Token>
  auto async_shutdown(Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler) { Shutdown(Wrap<false>(std::move(handler))); }, token);
  }

  // void(error_code, size_t).
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, size_t)>(
        [this](auto handler, boost::asio::mutable_buffer into) {
          Read(into, Wrap<true>(std::move(handler)));
        },
        token, FirstOf(buffers));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, size_t)>(
        [this](auto handler, std::vector<boost::asio::const_buffer> parts) {
          Write(std::move(parts), Wrap<true>(std::move(handler)));
        },
        token, PartsOf(buffers));
  }

 private:
  using Operation = std::unique_ptr<StreamOperation>;
  struct Impl;

  template <typename Handler, bool kWithBytes>
  class OperationOf final : public StreamOperation {
   public:
    OperationOf(Handler handler, const executor_type& executor)
        : handler_(std::move(handler)),
          work_(boost::asio::get_associated_executor(handler_, executor)) {}
    void Complete(error_code error, size_t bytes) override {
      auto executor = work_.get_executor();
      if constexpr (kWithBytes) {
        boost::asio::post(executor,
                          boost::beast::bind_front_handler(std::move(handler_), error, bytes));
      } else {
        boost::asio::post(executor, boost::beast::bind_front_handler(std::move(handler_), error));
      }
    }

   private:
    Handler handler_;
    boost::asio::executor_work_guard<
        boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>>
        work_;
  };

  explicit AsyncStream(std::shared_ptr<Impl> impl);

  template <bool kWithBytes, typename Handler>
  Operation Wrap(Handler handler) {
    return std::make_unique<OperationOf<Handler, kWithBytes>>(std::move(handler), get_executor());
  }
  // "Some" is one buffer's worth: the first that has room.
  template <typename Buffers>
  static boost::asio::mutable_buffer FirstOf(const Buffers& buffers) {
    auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
      boost::asio::mutable_buffer buffer(*at);
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }
  template <typename Buffers>
  static std::vector<boost::asio::const_buffer> PartsOf(const Buffers& buffers) {
    std::vector<boost::asio::const_buffer> parts;
    auto end = boost::asio::buffer_sequence_end(buffers);
    auto at = boost::asio::buffer_sequence_begin(buffers);
    for (; at != end && parts.size() < limits::kSendPartsMax; ++at) {
      boost::asio::const_buffer buffer(*at);
      if (buffer.size() > 0) parts.push_back(buffer);
    }
    return parts;
  }

  void Connect(const tcp::endpoint& peer, Operation done);
  void Handshake(Operation done);
  void Shutdown(Operation done);
  void Read(boost::asio::mutable_buffer into, Operation done);
  void Write(std::vector<boost::asio::const_buffer> parts, Operation done);

  std::shared_ptr<Impl> impl_;
};

// Beast's way to end a websocket's connection: close_notify and FIN. What the peer still says is
// not waited for: the websocket's own closing handshake was before this.
template <typename Handler>
void async_teardown(boost::beast::role_type, AsyncStream& stream, Handler&& handler) {
  stream.async_shutdown(std::forward<Handler>(handler));
}
// ... and at once, from Beast's time-outs.
inline void beast_close_socket(AsyncStream& stream) { stream.Close(); }

}  // namespace ringpost::http

template <>
struct boost::system::is_error_code_enum<ringpost::http::StreamError> : std::true_type {};
