#include "gateway/http/sts_fetch.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <string_view>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/base/time.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/http/async_stream.h"
#include "gateway/http/host_lookup.h"
#include "gateway/http/sts_limits.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
namespace http1 = boost::beast::http;
using boost::system::error_code;
using session::StsFailure;
using tcp = asio::ip::tcp;
using Response = http1::response<http1::string_body>;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kVerifyFailed = "certificate verify failed";  // tls/connection.h's words

StsFetched Failed(StsFailure failure, std::string_view words) {
  return {std::nullopt, failure, Printable(words, limits::kStsWordsBytesMax)};
}

// What is left of `deadline`, but no more than `step`.
Millis Patience(MonoTime deadline, uint32_t step_seconds) {
  return std::clamp<Millis>(deadline - ReadMonoClock(), Millis(1), Seconds(step_seconds));
}

std::string Words(const AsyncStream& stream, const error_code& error) {
  if (error == boost::beast::error::timeout) return "not in time";
  return std::string(error == StreamError::kTls ? stream.failure() : error.message());
}

StsFetched FailedAt(std::string_view doing, const std::string& host, const AsyncStream& stream,
                    const error_code& error) {
  bool unverified = error == StreamError::kTls && stream.failure().starts_with(kVerifyFailed);
  return Failed(unverified ? StsFailure::kWebPki : StsFailure::kFetch,
                std::string(doing) + " " + host + ": " + Words(stream, error));
}

http1::request<http1::empty_body> MakeRequest(const std::string& host,
                                              const std::string& user_agent) {
  http1::request<http1::empty_body> request(http1::verb::get, dns::kStsPolicyPath, 11);
  request.set(http1::field::host, host);
  request.set(http1::field::user_agent, user_agent);
  request.set(http1::field::accept, "text/plain");
  request.set(http1::field::connection, "close");
  return request;
}

// "Text/Plain; charset=utf-8" is.
bool IsPlainText(std::string_view content_type) {
  return EqualsIgnoreCase(TrimSpace(content_type.substr(0, content_type.find(';'))), "text/plain");
}

StsFetched Judge(const std::string& host, const Response& response) {
  if (response.result() != http1::status::ok) {
    return Failed(StsFailure::kFetch,
                  host + " answers with status " + std::to_string(response.result_int()));
  }
  std::string_view content_type = response[http1::field::content_type];
  if (!IsPlainText(content_type)) {
    return Failed(StsFailure::kFetch, host + " answers with content type \"" +
                                          Printable(content_type, 80) + "\", not text/plain");
  }
  auto policy = dns::ParseStsPolicy(response.body());
  if (!policy.ok()) {
    return Failed(StsFailure::kInvalid,
                  "the policy of " + host + ": " + std::string(MessageOf(policy.status())));
  }
  return {std::move(*policy), StsFailure::kNone, ""};
}

asio::awaitable<StsFetched> Exchange(AsyncStream* stream, std::string host,
                                     const std::string& user_agent) {
  auto request = MakeRequest(host, user_agent);
  auto [write_error, sent] = co_await http1::async_write(*stream, request, kToken);
  if (write_error) co_return FailedAt("sending to", host, *stream, write_error);
  boost::beast::flat_buffer buffer(limits::kStsHeaderBytesMax + dns::limits::kStsPolicyBytesMax);
  http1::response_parser<http1::string_body> parser;
  parser.header_limit(limits::kStsHeaderBytesMax);
  parser.body_limit(dns::limits::kStsPolicyBytesMax);
  auto [read_error, got] = co_await http1::async_read(*stream, buffer, parser, kToken);
  if (read_error == http1::error::body_limit && parser.get().result() == http1::status::ok) {
    co_return Failed(StsFailure::kInvalid, "the policy of " + host + ": it is longer than " +
                                               std::to_string(dns::limits::kStsPolicyBytesMax) +
                                               " bytes");
  }
  if (read_error) co_return FailedAt("reading the answer of", host, *stream, read_error);
  co_return Judge(host, parser.get());
}

asio::awaitable<StsFetched> FetchFrom(IpAddress address, std::string host,
                                      const StsFetchOptions* options, MonoTime deadline,
                                      bool* connected) {
  auto executor = co_await asio::this_coro::executor;
  AsyncStream stream =
      AsyncStream::Client(tcp::socket(executor), options->context, host, "sts " + host);
  error_code error;
  tcp::endpoint endpoint(asio::ip::make_address(address.ToString(), error), options->port);
  RP_CHECK(!error);
  stream.ExpiresAfter(Patience(deadline, limits::kStsStepSeconds));
  auto [connect_error] = co_await stream.async_connect(endpoint, kToken);
  if (connect_error) {
    co_return FailedAt("connecting to", host + " at " + address.ToString(), stream, connect_error);
  }
  *connected = true;
  stream.ExpiresAfter(Patience(deadline, limits::kStsStepSeconds));
  auto [handshake_error] = co_await stream.async_handshake(kToken);
  if (handshake_error) co_return FailedAt("TLS with", host, stream, handshake_error);
  stream.ExpiresAfter(Patience(deadline, limits::kStsAnswerSeconds));
  co_return co_await Exchange(&stream, host, options->user_agent);
}

}  // namespace

asio::awaitable<StsFetched> FetchStsPolicy(std::string domain, const StsFetchOptions* options) {
  const std::string host = dns::StsPolicyHost(domain);
  const MonoTime deadline = ReadMonoClock() + Seconds(limits::kStsFetchSeconds);
  auto addresses = co_await LookUpHost(host, Seconds(limits::kStsStepSeconds), options->hosts);
  if (!addresses.ok()) co_return Failed(StsFailure::kFetch, MessageOf(addresses.status()));
  StsFetched fetched = Failed(StsFailure::kFetch, "no address of " + host);
  size_t tries = std::min(addresses->size(), limits::kStsAddressesMax);
  for (size_t i = 0; i < tries && ReadMonoClock() < deadline; ++i) {
    bool connected = false;
    fetched = co_await FetchFrom((*addresses)[i], host, options, deadline, &connected);
    if (connected) break;
  }
  co_return fetched;
}

}  // namespace ringpost::http
