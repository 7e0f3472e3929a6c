#include "gateway/http/report_post.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/async_stream.h"
#include "gateway/mail/tls_report_limits.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
namespace http1 = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr Seconds kPatience{mail::limits::kTlsReportPostSeconds};

tcp::endpoint ToAsio(const IpAddress& address, uint16_t port) {
  error_code error;
  auto converted = asio::ip::make_address(address.ToString(), error);
  RP_CHECK(!error);
  return {converted, port};
}

Status Failed(const ReportPost& post, std::string_view doing, const AsyncStream& stream,
              const error_code& error) {
  std::string why(error == StreamError::kTls ? stream.failure() : error.message());
  return MakeStatus(StatusCode::kUnavailable, std::string(doing) + " " + post.url.authority + ": " +
                                                  Printable(why, limits::kAcmeWordsBytesMax));
}

asio::awaitable<Status> Exchange(AsyncStream* stream, const ReportPost& post,
                                 const std::string& user_agent) {
  http1::request<http1::string_body> request(http1::verb::post, post.url.target, 11);
  request.set(http1::field::host, post.url.authority);
  request.set(http1::field::user_agent, user_agent);
  request.set(http1::field::content_type, "application/tlsrpt+gzip");
  request.set(http1::field::connection, "close");
  request.body() = post.body;
  request.prepare_payload();
  auto [write_error, sent] = co_await http1::async_write(*stream, request, kToken);
  if (write_error) co_return Failed(post, "sending to", *stream, write_error);
  boost::beast::flat_buffer buffer(limits::kAcmeHeaderBytesMax +
                                   mail::limits::kTlsReportAnswerBytesMax);
  http1::response_parser<http1::string_body> parser;
  parser.header_limit(limits::kAcmeHeaderBytesMax);
  parser.body_limit(mail::limits::kTlsReportAnswerBytesMax);
  auto [read_error, got] = co_await http1::async_read_header(*stream, buffer, parser, kToken);
  if (read_error) co_return Failed(post, "reading the answer of", *stream, read_error);
  unsigned status = parser.get().result_int();
  if (status >= 200 && status < 300) co_return OkStatus();
  co_return MakeStatus(StatusCode::kUnavailable,
                       post.url.authority + " answered " + std::to_string(status));
}

asio::awaitable<Status> Post(const ReportPost& post,
                             std::shared_ptr<const tls::ClientContext> context,
                             const std::string& user_agent) {
  auto executor = co_await asio::this_coro::executor;
  MonoTime deadline = ReadMonoClock() + kPatience;
  Status status = MakeStatus(StatusCode::kUnavailable, post.url.authority + " has no address");
  size_t left = std::min(post.addresses.size(), mail::limits::kTlsReportAddressesMax);
  for (const IpAddress& address : post.addresses) {
    if (left == 0) break;
    // One that does not answer leaves its share of the time to those behind it.
    Millis patience = std::max(Millis(1), (deadline - ReadMonoClock()) / static_cast<int>(left--));
    AsyncStream stream = AsyncStream::Client(tcp::socket(executor), context, post.url.host,
                                             "report " + post.url.authority);
    stream.ExpiresAfter(patience);
    auto [connect_error] = co_await stream.async_connect(ToAsio(address, post.url.port), kToken);
    if (connect_error) {
      status = Failed(post, "connecting to", stream, connect_error);
      continue;
    }
    stream.ExpiresAfter(std::max(Millis(1), deadline - ReadMonoClock()));
    auto [handshake_error] = co_await stream.async_handshake(kToken);
    if (handshake_error) co_return Failed(post, "TLS with", stream, handshake_error);
    co_return co_await Exchange(&stream, post, user_agent);
  }
  co_return status;
}

}  // namespace

std::vector<Status> PostReports(const std::vector<ReportPost>& posts,
                                const std::shared_ptr<const tls::ClientContext>& context,
                                const std::string& user_agent) {
  std::vector<Status> said(posts.size(), MakeStatus(StatusCode::kUnavailable, "it was not posted"));
  try {  // Asio's: descriptors or memory may be short
    asio::io_context loop(1);
    for (size_t i = 0; i < posts.size(); ++i) {
      asio::co_spawn(
          loop,
          [&, i]() -> asio::awaitable<void> {
            said[i] = co_await Post(posts[i], context, user_agent);
          },
          [&, i](const std::exception_ptr& thrown) {
            if (thrown) said[i] = MakeStatus(StatusCode::kInternal, "posting it failed");
          });
    }
    loop.run();
  } catch (const std::exception& error) {
    Status why = MakeStatus(StatusCode::kResourceExhausted,
                            Printable(error.what(), limits::kAcmeWordsBytesMax));
    std::fill(said.begin(), said.end(), why);
  }
  return said;
}

}  // namespace ringpost::http
