// Beast's own HTTP over AsyncStream, between our client and our server, over loopback.
#include "gateway/http/async_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <functional>

#include "tests/unit/tls/tls_pair.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::error_code;
using testing::HasSubstr;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr Millis kPatience{20'000};
using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;
using Task = asio::awaitable<void>;

// A certificate, who trusts it, and a listening socket.
class AsyncStreamTest : public testing::Test {
 protected:
  AsyncStreamTest() : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    auto pem = tls::MakeSelfSigned({"www.example"}, tls::KeyKind::kEcdsa, tls::kNow, 1);
    auto certificate = tls::Certificate::Parse(pem.chain, pem.key, {}, tls::kNow);
    server_context_ = tls::MakeServer({*certificate});
    std::string path = testing::TempDir() + "/ringpost-authority-XXXXXX";
    int fd = mkstemp(path.data());
    EXPECT_EQ(write(fd, pem.chain.data(), pem.chain.size()),
              static_cast<ssize_t>(pem.chain.size()));
    close(fd);
    client_context_ = tls::MakeClient(true, path);
    unlink(path.c_str());
  }

  AsyncStream Client(const std::string& name = "www.example") {
    return AsyncStream::Client(tcp::socket(io_), client_context_, name, name);
  }
  tcp::endpoint Address() { return acceptor_.local_endpoint(); }

  // Runs both to their ends.
  void Run(std::function<Task(AsyncStream)> serve, std::function<Task()> ask) {
    bool served = false, asked = false;
    co_spawn(
        io_,
        [&]() -> Task {
          auto [error, socket] = co_await acceptor_.async_accept(kToken);
          AsyncStream stream = AsyncStream::Server(std::move(socket), server_context_);
          stream.ExpiresAfter(kPatience);
          co_await serve(std::move(stream));
          served = true;
        },
        asio::detached);
    co_spawn(
        io_,
        [&]() -> Task {
          co_await ask();
          asked = true;
        },
        asio::detached);
    io_.run_for(kPatience * 2);
    EXPECT_TRUE(served && asked);
  }

  // The client's side up to the end of the handshake.
  Task Open(AsyncStream& stream) {
    stream.ExpiresAfter(kPatience);
    auto [connected] = co_await stream.async_connect(Address(), kToken);
    EXPECT_FALSE(connected) << connected.message();
    auto [secured] = co_await stream.async_handshake(kToken);
    EXPECT_FALSE(secured) << secured.message() << " " << stream.failure();
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::shared_ptr<const tls::ServerContext> server_context_;
  std::shared_ptr<const tls::ClientContext> client_context_;
};

// Answers requests with their bodies, until the client ends.
Task Echo(AsyncStream stream, error_code* end) {
  auto [secured] = co_await stream.async_handshake(kToken);
  EXPECT_FALSE(secured) << secured.message();
  beast::flat_buffer buffer;
  while (true) {
    Request request;
    beast::http::request_parser<beast::http::string_body> parser;
    parser.body_limit(32 * limits::kMiB);
    auto [error, bytes] = co_await beast::http::async_read(stream, buffer, parser, kToken);
    *end = error;
    if (error) break;
    request = parser.release();
    Response response(beast::http::status::ok, 11, request.body());
    response.set("X-Target", request.target());
    response.prepare_payload();
    auto [write_error, written] = co_await beast::http::async_write(stream, response, kToken);
    EXPECT_FALSE(write_error) << write_error.message();
  }
  co_await stream.async_shutdown(kToken);
}

Task Exchange(AsyncStream& stream, std::string body, beast::flat_buffer& buffer) {
  Request request(beast::http::verb::post, "/some/path", 11, body);
  request.set(beast::http::field::host, "www.example");
  request.prepare_payload();
  auto [write_error, written] = co_await beast::http::async_write(stream, request, kToken);
  EXPECT_FALSE(write_error) << write_error.message();
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(32 * limits::kMiB);
  auto [error, bytes] = co_await beast::http::async_read(stream, buffer, parser, kToken);
  EXPECT_FALSE(error) << error.message();
  EXPECT_EQ(parser.get()["X-Target"], "/some/path");
  EXPECT_TRUE(parser.get().body() == body);
}

TEST_F(AsyncStreamTest, BeastTalksHttpBothWays) {
  error_code end;
  Run([&](AsyncStream stream) { return Echo(std::move(stream), &end); },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        EXPECT_TRUE(stream.tls()->facts().verified);
        beast::flat_buffer buffer;
        for (size_t size : {size_t{0}, size_t{10}, size_t{70'000}, size_t{8} << 20}) {
          std::string body;
          while (body.size() < size) body += "line " + std::to_string(body.size()) + "\r\n";
          co_await Exchange(stream, body, buffer);
        }
        co_await stream.async_shutdown(kToken);
        char more[16];
        auto [error, bytes] = co_await stream.async_read_some(asio::buffer(more), kToken);
        EXPECT_EQ(error, asio::error::eof) << error.message();  // the server's close_notify
      });
  EXPECT_EQ(end, beast::http::error::end_of_stream) << end.message();
}

TEST_F(AsyncStreamTest, AnEndWithoutCloseNotifyIsAnError) {
  error_code server_end, client_end;
  std::string body;
  Run(
      [&](AsyncStream stream) -> Task {
        co_await stream.async_handshake(kToken);
        // An answer whose end is the connection's.
        std::string_view answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of";
        co_await asio::async_write(stream, asio::buffer(answer), kToken);
        error_code ignored;
        stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        char byte;
        auto [error, bytes] = co_await stream.async_read_some(asio::buffer(&byte, 1), kToken);
        server_end = error;
      },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        beast::flat_buffer buffer;
        Response response;
        auto [error, bytes] = co_await beast::http::async_read(stream, buffer, response, kToken);
        client_end = error;
        error_code ignored;
        stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
      });
  EXPECT_EQ(client_end, StreamError::kTruncated) << client_end.message();
  EXPECT_EQ(server_end, StreamError::kTruncated) << server_end.message();
  EXPECT_THAT(client_end.message(), HasSubstr("close_notify"));
}

TEST_F(AsyncStreamTest, TheSameAnswerWithCloseNotifyIsWhole) {
  Run(
      [&](AsyncStream stream) -> Task {
        co_await stream.async_handshake(kToken);
        std::string_view answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it";
        co_await asio::async_write(stream, asio::buffer(answer), kToken);
        co_await stream.async_shutdown(kToken);
      },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        beast::flat_buffer buffer;
        Response response;
        auto [error, bytes] = co_await beast::http::async_read(stream, buffer, response, kToken);
        EXPECT_FALSE(error) << error.message();
        EXPECT_EQ(response.body(), "all of it");
      });
}

TEST_F(AsyncStreamTest, APeerThatIsNotWhoWasMeantIsAnErrorWithWords) {
  auto untrusting = tls::MakeClient(true);
  struct Case {
    std::string name;
    std::shared_ptr<const tls::ClientContext> context;
    std::string words;
  };
  for (const Case& one : {Case{"other.example", client_context_, "ostname mismatch"},
                          Case{"www.example", untrusting, "self signed certificate"},
                          Case{"127.0.0.1", client_context_, "IP address mismatch"}}) {
    SCOPED_TRACE(one.name);
    error_code server_end;
    std::string server_words;
    io_.restart();
    Run(
        [&](AsyncStream stream) -> Task {
          auto [error] = co_await stream.async_handshake(kToken);
          // In TLS 1.3 the server is done before the client has judged it.
          char byte;
          if (!error) {
            auto [read_error, n] = co_await stream.async_read_some(asio::buffer(&byte, 1), kToken);
            error = read_error;
          }
          server_end = error;
          server_words = stream.failure();
        },
        [&]() -> Task {
          AsyncStream stream =
              AsyncStream::Client(tcp::socket(io_), one.context, one.name, one.name);
          stream.ExpiresAfter(kPatience);
          co_await stream.async_connect(Address(), kToken);
          auto [error] = co_await stream.async_handshake(kToken);
          EXPECT_EQ(error, StreamError::kTls) << error.message();
          EXPECT_THAT(std::string(stream.failure()), HasSubstr("certificate verify failed"));
          EXPECT_THAT(std::string(stream.failure()), HasSubstr(one.words));
          // Nothing is said to it, in clear or otherwise.
          auto [write_error, n] =
              co_await asio::async_write(stream, asio::buffer("secret", 6), kToken);
          EXPECT_EQ(write_error, StreamError::kTls) << write_error.message();
        });
    EXPECT_EQ(server_end, StreamError::kTls) << server_end.message();
    EXPECT_THAT(server_words, HasSubstr("alert"));  // which says why
  }
}

TEST_F(AsyncStreamTest, NothingIsTakenOrGivenBeforeTheHandshake) {
  Run(
      [&](AsyncStream stream) -> Task {
        char byte;
        auto [read_error, n] = co_await stream.async_read_some(asio::buffer(&byte, 1), kToken);
        EXPECT_EQ(read_error, asio::error::not_connected);
        auto [write_error, m] = co_await stream.async_write_some(asio::buffer("x", 1), kToken);
        EXPECT_EQ(write_error, asio::error::not_connected);
      },
      [&]() -> Task {
        tcp::socket socket(io_);
        co_await socket.async_connect(Address(), kToken);
        co_await asio::async_write(socket, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18), kToken);
        char byte;
        auto [error, n] = co_await socket.async_read_some(asio::buffer(&byte, 1), kToken);
        EXPECT_TRUE(error);
      });
}

TEST_F(AsyncStreamTest, ClearTextInsteadOfAHelloFailsTheHandshake) {
  Run(
      [&](AsyncStream stream) -> Task {
        auto [error] = co_await stream.async_handshake(kToken);
        EXPECT_EQ(error, StreamError::kTls) << error.message();
        EXPECT_FALSE(stream.failure().empty());
      },
      [&]() -> Task {
        tcp::socket socket(io_);
        co_await socket.async_connect(Address(), kToken);
        co_await asio::async_write(socket, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18), kToken);
        std::string heard(64, 0);
        auto [error, n] = co_await asio::async_read(socket, asio::buffer(heard), kToken);
        EXPECT_TRUE(error);
        EXPECT_LE(n, 7u);  // an alert at most
      });
}

TEST_F(AsyncStreamTest, TimeEndsWhatIsInFlight) {
  for (bool handshake_done : {false, true}) {
    io_.restart();
    Run(
        [&](AsyncStream stream) -> Task {
          if (handshake_done) co_await stream.async_handshake(kToken);
          stream.ExpiresAfter(Millis(50));
          char byte;
          if (handshake_done) {
            auto [error, n] = co_await stream.async_read_some(asio::buffer(&byte, 1), kToken);
            EXPECT_EQ(error, beast::error::timeout) << error.message();
          } else {
            auto [error] = co_await stream.async_handshake(kToken);
            EXPECT_EQ(error, beast::error::timeout) << error.message();
          }
        },
        [&]() -> Task {
          AsyncStream stream = Client();
          stream.ExpiresAfter(kPatience);
          co_await stream.async_connect(Address(), kToken);
          if (handshake_done) co_await stream.async_handshake(kToken);
          co_await stream.socket().async_wait(tcp::socket::wait_read, kToken);
        });
  }
}

TEST_F(AsyncStreamTest, APeerThatDoesNotReadStopsTheWriter) {
  Run(
      [&](AsyncStream stream) -> Task {
        co_await stream.async_handshake(kToken);
        std::string large(64 << 20, 'x');
        stream.ExpiresAfter(Millis(200));
        auto [error, n] = co_await asio::async_write(stream, asio::buffer(large), kToken);
        EXPECT_EQ(error, beast::error::timeout) << error.message();
        EXPECT_LT(n, large.size());
      },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        asio::steady_timer timer(io_, Millis(500));
        co_await timer.async_wait(kToken);
      });
}

TEST_F(AsyncStreamTest, TheEndOfTheStreamEndsItsOperations) {
  bool read_ended = false;
  Run(
      [&](AsyncStream stream) -> Task {
        co_await stream.async_handshake(kToken);
        char byte;
        stream.async_read_some(asio::buffer(&byte, 1), [&](error_code error, size_t) {
          read_ended = true;
          EXPECT_EQ(error, asio::error::operation_aborted) << error.message();
        });
        {
          AsyncStream gone = std::move(stream);
        }
        EXPECT_FALSE(read_ended) << "from inside a call";
        co_await asio::post(io_, kToken);
        co_await asio::post(io_, kToken);
      },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        char byte;
        auto [error, n] = co_await stream.async_read_some(asio::buffer(&byte, 1), kToken);
        EXPECT_EQ(error, StreamError::kTruncated) << error.message();
      });
  EXPECT_TRUE(read_ended);
}

// What a shard hands over: the handshake done, a record behind it received and not opened, another
// sealed and not sent.
TEST_F(AsyncStreamTest, TakesOverAConnection) {
  std::string heard;
  co_spawn(
      io_,
      [&]() -> Task {
        auto [error, socket] = co_await acceptor_.async_accept(kToken);
        auto connection = tls::Connection::Accept(server_context_);
        std::string input;
        while (!connection->established() || input.empty()) {
          char piece[4096];
          auto [read_error, n] = co_await socket.async_read_some(asio::buffer(piece), kToken);
          input.append(piece, n);
          if (connection->established()) break;
          std::string_view rest = input;
          while (!connection->established() &&
                 connection->Step(&rest).kind != tls::Connection::EventKind::kNeedInput) {
          }
          input.erase(0, input.size() - rest.size());
          if (connection->established()) continue;
          std::string out = tls::Flat(connection->output());
          connection->output().Clear();
          co_await asio::async_write(socket, asio::buffer(out), kToken);
        }
        Slice greeting = Slice::Static("hello from the shard;");
        connection->Write({&greeting, 1});
        AsyncStream stream =
            AsyncStream::Adopt(std::move(socket), std::move(connection), std::move(input));
        char said[64];
        auto [read_error, n] = co_await stream.async_read_some(asio::buffer(said), kToken);
        EXPECT_FALSE(read_error) << read_error.message();
        std::string answer = "heard " + std::string(said, n);
        co_await asio::async_write(stream, asio::buffer(answer), kToken);
        co_await stream.async_shutdown(kToken);
      },
      asio::detached);
  co_spawn(
      io_,
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        co_await asio::async_write(stream, asio::buffer("GET", 3), kToken);
        heard.resize(64);
        auto [error, n] = co_await asio::async_read(stream, asio::buffer(heard), kToken);
        EXPECT_EQ(error, asio::error::eof) << error.message();
        heard.resize(n);
      },
      asio::detached);
  io_.run_for(kPatience);
  EXPECT_EQ(heard, "hello from the shard;heard GET");
}

TEST_F(AsyncStreamTest, InClearWithWhatCameBefore) {
  co_spawn(
      io_,
      [&]() -> Task {
        auto [error, socket] = co_await acceptor_.async_accept(kToken);
        AsyncStream stream =
            AsyncStream::Clear(std::move(socket), "POST /some/path HTTP/1.1\r\nHo");
        EXPECT_EQ(stream.tls(), nullptr);
        beast::flat_buffer buffer;
        Request request;
        auto [read_error, n] = co_await beast::http::async_read(stream, buffer, request, kToken);
        EXPECT_FALSE(read_error) << read_error.message();
        EXPECT_EQ(request["Host"], "a.example");
        EXPECT_EQ(request.body(), "body");
        auto [end, m] = co_await beast::http::async_read(stream, buffer, request, kToken);
        EXPECT_EQ(end, beast::http::error::end_of_stream) << end.message();
      },
      asio::detached);
  co_spawn(
      io_,
      [&]() -> Task {
        tcp::socket socket(io_);
        co_await socket.async_connect(Address(), kToken);
        std::string_view rest = "st: a.example\r\nContent-Length: 4\r\n\r\nbody";
        co_await asio::async_write(socket, asio::buffer(rest), kToken);
      },
      asio::detached);
  io_.run_for(kPatience);
}

TEST_F(AsyncStreamTest, AWebsocketEndsInOrder) {
  error_code end;
  Run(
      [&](AsyncStream stream) -> Task {
        co_await stream.async_handshake(kToken);
        beast::websocket::stream<AsyncStream> socket(std::move(stream));
        co_await socket.async_accept(kToken);
        beast::flat_buffer buffer;
        co_await socket.async_read(buffer, kToken);
        EXPECT_EQ(beast::buffers_to_string(buffer.data()), "a line");
        auto [close_error, m] = co_await socket.async_read(buffer, kToken);
        end = close_error;
      },
      [&]() -> Task {
        AsyncStream stream = Client();
        co_await Open(stream);
        beast::websocket::stream<AsyncStream> socket(std::move(stream));
        co_await socket.async_handshake("www.example", "/", kToken);
        co_await socket.async_write(asio::buffer("a line", 6), kToken);
        co_await socket.async_close(beast::websocket::close_code::normal, kToken);
      });
  EXPECT_EQ(end, beast::websocket::error::closed) << end.message();
}

}  // namespace
}  // namespace ringpost::http
