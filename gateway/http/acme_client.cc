#include "gateway/http/acme_client.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/acme/url.h"
#include "gateway/http/async_stream.h"
#include "gateway/http/host_lookup.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
namespace http1 = boost::beast::http;
using acme::Issuance;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

tcp::endpoint ToAsio(const IpAddress& address, uint16_t port) {
  error_code error;
  auto converted = asio::ip::make_address(address.ToString(), error);
  RP_CHECK(!error);
  return {converted, port};
}

Status Failed(const acme::Url& url, std::string_view doing, const AsyncStream& stream,
              const error_code& error) {
  std::string why(error == StreamError::kTls ? stream.failure() : error.message());
  return MakeStatus(StatusCode::kUnavailable, std::string(doing) + " " + url.authority + ": " +
                                                  Printable(why, limits::kAcmeWordsBytesMax));
}

http1::request<http1::string_body> MakeRequest(const Issuance::Request& request,
                                               const acme::Url& url,
                                               const std::string& user_agent) {
  static constexpr http1::verb kVerbs[] = {http1::verb::get, http1::verb::head, http1::verb::post};
  http1::request<http1::string_body> made(kVerbs[static_cast<size_t>(request.method)], url.target,
                                          11);
  made.set(http1::field::host, url.authority);
  made.set(http1::field::user_agent, user_agent);
  made.set(http1::field::connection, "close");
  if (request.method == Issuance::Method::kPost) {
    made.set(http1::field::content_type, "application/jose+json");
    made.body() = request.body;
    made.prepare_payload();
  }
  return made;
}

Issuance::Answer ToAnswer(http1::response<http1::string_body>&& response) {
  auto field = [&](auto name) {
    auto value = response[name];
    return std::string(value.data(), value.size());
  };
  Issuance::Answer answer;
  answer.status = static_cast<int>(response.result_int());
  answer.content_type = field(http1::field::content_type);
  answer.location = field(http1::field::location);
  answer.replay_nonce = field("Replay-Nonce");
  answer.retry_after = field(http1::field::retry_after);
  answer.body = std::move(response.body());
  return answer;
}

asio::awaitable<StatusOr<Issuance::Answer>> Exchange(AsyncStream* stream,
                                                     const Issuance::Request& request,
                                                     const acme::Url& url,
                                                     const std::string& user_agent) {
  auto message = MakeRequest(request, url, user_agent);
  auto [write_error, sent] = co_await http1::async_write(*stream, message, kToken);
  if (write_error) co_return Failed(url, "sending to", *stream, write_error);
  boost::beast::flat_buffer buffer(limits::kAcmeHeaderBytesMax + limits::kAcmeAnswerBytesMax);
  http1::response_parser<http1::string_body> parser;
  parser.header_limit(limits::kAcmeHeaderBytesMax);
  parser.body_limit(limits::kAcmeAnswerBytesMax);
  parser.skip(request.method == Issuance::Method::kHead);
  auto [read_error, got] = co_await http1::async_read(*stream, buffer, parser, kToken);
  if (read_error) co_return Failed(url, "reading the answer of", *stream, read_error);
  co_return ToAnswer(parser.release());
}

}  // namespace

asio::awaitable<StatusOr<Issuance::Answer>> AskAcmeServer(
    Issuance::Request request, std::shared_ptr<const tls::ClientContext> context,
    std::string user_agent) {
  auto url = acme::ParseUrl(request.url);
  RP_CHECK(url);
  MonoTime deadline = ReadMonoClock() + Seconds(limits::kAcmeRequestSeconds);
  auto addresses = co_await LookUpHost(url->host, Seconds(limits::kAcmeRequestSeconds));
  if (!addresses.ok()) co_return addresses.status();
  auto executor = co_await asio::this_coro::executor;
  Status status = OkStatus();
  size_t left = addresses->size();
  for (const IpAddress& address : *addresses) {
    // One that does not answer leaves its share of the time to those behind it.
    Millis patience = std::max(Millis(1), (deadline - ReadMonoClock()) / static_cast<int>(left--));
    AsyncStream stream =
        AsyncStream::Client(tcp::socket(executor), context, url->host, "acme " + url->authority);
    stream.ExpiresAfter(patience);
    auto [connect_error] = co_await stream.async_connect(ToAsio(address, url->port), kToken);
    if (connect_error) {
      status = Failed(*url, "connecting to", stream, connect_error);
      continue;
    }
    stream.ExpiresAfter(std::max(Millis(1), deadline - ReadMonoClock()));
    auto [handshake_error] = co_await stream.async_handshake(kToken);
    if (handshake_error) co_return Failed(*url, "TLS with", stream, handshake_error);
    co_return co_await Exchange(&stream, request, *url, user_agent);
  }
  co_return status;
}

}  // namespace ringpost::http
