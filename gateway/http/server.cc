// All of Beast's HTTP that the server needs is compiled here.
#include "gateway/http/server.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <thread>

#include "gateway/base/counters.h"
#include "gateway/base/inbox.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/async_stream.h"
#include "gateway/http/front_door.h"
#include "gateway/session/address_counts.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Task = asio::awaitable<void>;
using Parser = beast::http::request_parser<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

std::string_view View(boost::core::string_view text) { return {text.data(), text.size()}; }

// RFC 9110 section 5.6.7.
std::string HttpDate(WallTime now) {
  time_t seconds = std::chrono::system_clock::to_time_t(now);
  tm parts;
  gmtime_r(&seconds, &parts);
  char text[40];
  size_t count = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, count};
}

// A header that is wrong or too large; not an end or a failure of the connection.
bool IsBadRequest(error_code error) {
  using Error = beast::http::error;
  return error.category() == make_error_code(Error::bad_target).category() &&
         error != Error::end_of_stream && error != Error::partial_message;
}

bool IsTooLarge(error_code error) {
  return error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow;
}

Answer Refuse(uint16_t status, std::string words) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(words) + "\n";
  return answer;
}

Answer TooMuchBody() {
  return Refuse(413, "What is served here takes no body, or a form's of a few bytes.");
}

}  // namespace

struct Server::Impl {
  struct Connection {
    AsyncStream stream;
    IpAddress client;
    std::string listener;
    Log* log;
    bool idle = false;  // waits for a request
  };
  struct Handed : Posted {
    explicit Handed(session::HandedOver from) : connection(std::move(from)) {}
    session::HandedOver connection;
    Impl* to = nullptr;
  };

  // What a coroutine waits for: until it is told, or the timer is out.
  struct Lookup {
    asio::steady_timer timer;
    LinkFacts facts;
  };
  struct Told : Posted {
    Impl* to = nullptr;
    uint64_t lookup = 0;
    LinkFacts facts;
  };

  Impl(const AcmeChallenges* table, SenderLinks* of_senders)
      : challenges(table), links(of_senders), wake(io) {}
  ~Impl();

  Status Start();
  void Main();
  Task TakeFromShards();
  void Accept(session::HandedOver handed);
  Task Serve(std::list<Connection>::iterator at);
  Task Talk(Connection& connection);
  Task Write(Connection& connection, const Answer& answer, const Parser& parser, bool keep,
             error_code* error);
  Task SayGoodbye(Connection& connection);
  asio::awaitable<Answer> AnswerTo(Connection& connection, beast::flat_buffer& buffer,
                                   Parser& parser);
  asio::awaitable<LinkFacts> LookUp(LinkQuestion question, IpAddress client);
  void Tell(uint64_t lookup, LinkFacts facts);
  void LogRequest(const Connection& connection, const Parser& parser, uint16_t status) const;
  void CloseIdle();
  void End();

  const AcmeChallenges* challenges;
  SenderLinks* links;
  std::atomic<uint32_t> open{0};
  std::atomic<uint16_t> https_port{0};
  std::atomic<bool> draining{false};
  Inbox inbox;
  int wake_fd = -1;  // `wake`'s
  asio::io_context io{1};
  asio::posix::stream_descriptor wake;
  // Of the thread alone.
  session::AddressCounts addresses;
  std::list<Connection> connections;
  std::map<uint64_t, Lookup*> lookups;
  uint64_t next_lookup = 0;
  std::thread thread;
};

// --- The thread

Status Server::Impl::Start() {
  wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) {
    return MakeStatus(StatusCode::kResourceExhausted,
                      "the HTTP side: no eventfd: " + std::string(strerror(errno)));
  }
  error_code error;
  wake.assign(wake_fd, error);
  if (error) {
    close(wake_fd);
    return MakeStatus(StatusCode::kResourceExhausted, "the HTTP side: " + error.message());
  }
  inbox.SetWake(
      [](void* context) {
        eventfd_write(static_cast<Impl*>(context)->wake_fd, 1);  // full: it is awake
      },
      this);
  co_spawn(io, TakeFromShards(), asio::detached);
  thread = std::thread([this] { Main(); });
  return OkStatus();
}

Server::Impl::~Impl() {
  if (!thread.joinable()) return;
  draining = true;
  asio::post(io, [this] { End(); });
  thread.join();
  inbox.Drain();  // what came last is closed
}

void Server::Impl::Main() {
  pthread_setname_np(pthread_self(), "http");
  io.run();
}

void Server::Impl::End() {
  for (Connection& connection : connections) connection.stream.Close();
  for (auto& [number, lookup] : lookups) lookup->timer.cancel();
  error_code ignored;
  wake.close(ignored);
}

Task Server::Impl::TakeFromShards() {
  while (true) {
    auto [error] = co_await wake.async_wait(asio::posix::stream_descriptor::wait_read, kToken);
    if (error) co_return;
    eventfd_t count;
    eventfd_read(wake_fd, &count);
    inbox.Drain();
  }
}

bool Server::Take(session::HandedOver* connection) {
  Impl& impl = *impl_;
  if (impl.draining.load()) return false;
  if (impl.open.fetch_add(1) >= limits::kHttpConnectionsMax) {
    impl.open.fetch_sub(1);
    return false;
  }
  auto* handed = new Impl::Handed(std::move(*connection));
  handed->to = &impl;
  handed->run = [](Posted* posted) {
    std::unique_ptr<Impl::Handed> owned(static_cast<Impl::Handed*>(posted));
    owned->to->Accept(std::move(owned->connection));
  };
  impl.inbox.Post(handed);
  return true;
}

// --- A connection

void Server::Impl::Accept(session::HandedOver handed) {
  bool few = addresses.Add(handed.client) <= limits::kHttpConnectionsPerAddressMax;
  int family = AF_INET;
  int fd = handed.TakeFd();
  socklen_t length = sizeof family;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
  tcp::socket socket(io);
  error_code error;
  socket.assign(family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, error);
  if (error) close(fd);
  if (error || !few || draining.load()) {
    Count(Counter::kConnectionsRefused);
    LogLine(ReadWallClock(), "connection_refused")
        .Text("client", handed.client.ToString())
        .Text("listener", handed.listener)
        .Text("reason", few ? "the HTTP side cannot take it now"
                            : "there are too many HTTP connections from this address")
        .To(*handed.log);
    addresses.Remove(handed.client);
    open.fetch_sub(1);
    return;
  }
  AsyncStream stream =
      handed.tls
          ? AsyncStream::Adopt(std::move(socket), std::move(handed.tls), std::move(handed.received))
          : AsyncStream::Clear(std::move(socket), std::move(handed.received));
  connections.push_front(
      {std::move(stream), handed.client, std::move(handed.listener), handed.log});
  co_spawn(io, Serve(connections.begin()), asio::detached);
}

Task Server::Impl::Serve(std::list<Connection>::iterator at) {
  co_await Talk(*at);
  addresses.Remove(at->client);
  connections.erase(at);
  open.fetch_sub(1);
}

Task Server::Impl::Talk(Connection& connection) {
  beast::flat_buffer buffer(2 * limits::kHttpHeaderBytesMax);
  for (uint32_t count = 1;; ++count) {
    Parser parser;
    parser.header_limit(limits::kHttpHeaderBytesMax);
    parser.body_limit(limits::kHttpFormBytesMax);
    connection.stream.ExpiresAfter(Seconds(limits::kHttpRequestSeconds));
    connection.idle = true;
    auto [error, bytes] =
        co_await beast::http::async_read_header(connection.stream, buffer, parser, kToken);
    connection.idle = false;
    bool bad = IsBadRequest(error);
    if (error == beast::http::error::end_of_stream) break;
    if (error && !bad) co_return;
    Count(Counter::kHttpRequests);
    Answer answer;
    if (error == beast::http::error::body_limit) {
      answer = TooMuchBody();
    } else if (IsTooLarge(error)) {
      answer = Refuse(431, "The request's header is too large.");
    } else if (bad) {
      answer = Refuse(400, "This is not HTTP/1.1: " + error.message() + ".");
    } else {
      answer = co_await AnswerTo(connection, buffer, parser);
    }
    bool keep = !bad && parser.is_done() && parser.keep_alive() &&
                count < limits::kHttpRequestsPerConnectionMax && !draining.load();
    if (answer.status >= 400) Count(Counter::kHttpRefused);
    LogRequest(connection, parser, answer.status);
    error_code write_error;
    co_await Write(connection, answer, parser, keep, &write_error);
    if (write_error) co_return;
    if (!keep || draining.load()) break;
  }
  co_await SayGoodbye(connection);
}

asio::awaitable<Answer> Server::Impl::AnswerTo(Connection& connection, beast::flat_buffer& buffer,
                                               Parser& parser) {
  const auto& header = parser.get();
  Request request;
  request.method = View(header.method_string());
  request.target = View(header.target());
  request.version = header.version();
  request.secure = connection.stream.tls() != nullptr;
  auto [first, last] = header.equal_range(beast::http::field::host);
  for (; first != last; ++first, ++request.hosts) request.host = View(first->value());
  uint16_t https = https_port.load();
  if (!parser.is_done()) {
    if (!TakesForm(request, https)) co_return TooMuchBody();
    auto [error, bytes] =
        co_await beast::http::async_read(connection.stream, buffer, parser, kToken);
    if (error == beast::http::error::body_limit) co_return TooMuchBody();
    if (error) co_return Refuse(400, "The request's body does not come to an end.");
  }
  LinkFacts link;
  auto question = QuestionOf(request, https);
  if (question && links) link = co_await LookUp(std::move(*question), connection.client);
  co_return http::AnswerTo(request, *challenges, https, link);
}

asio::awaitable<LinkFacts> Server::Impl::LookUp(LinkQuestion question, IpAddress client) {
  uint64_t number = next_lookup++;
  Lookup lookup{asio::steady_timer(io, Seconds(limits::kHttpLookupSeconds)), {}};
  lookups.emplace(number, &lookup);
  links->Ask(std::move(question), client, [this, number](LinkFacts facts) {
    auto* told = new Told;
    told->to = this;
    told->lookup = number;
    told->facts = std::move(facts);
    told->run = [](Posted* posted) {
      std::unique_ptr<Told> owned(static_cast<Told*>(posted));
      owned->to->Tell(owned->lookup, std::move(owned->facts));
    };
    inbox.Post(told);
  });
  co_await lookup.timer.async_wait(kToken);
  lookups.erase(number);
  co_return std::move(lookup.facts);
}

void Server::Impl::Tell(uint64_t number, LinkFacts facts) {
  auto lookup = lookups.find(number);
  if (lookup == lookups.end()) return;  // it came too late
  lookup->second->facts = std::move(facts);
  lookup->second->timer.cancel();
}

Task Server::Impl::Write(Connection& connection, const Answer& answer, const Parser& parser,
                         bool keep, error_code* error) {
  bool head = parser.get().method() == beast::http::verb::head;
  Response response;
  response.result(answer.status);
  response.version(parser.get().version() == 10 ? 10 : 11);
  response.set(beast::http::field::server, "Ringpost");
  response.set(beast::http::field::date, HttpDate(ReadWallClock()));
  response.set(beast::http::field::content_type, answer.content_type);
  response.set(beast::http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (!answer.location.empty()) response.set(beast::http::field::location, answer.location);
  if (!answer.allow.empty()) response.set(beast::http::field::allow, answer.allow);
  if (!answer.content_security_policy.empty()) {
    response.set("Content-Security-Policy", answer.content_security_policy);
    response.set("Referrer-Policy", "no-referrer");
    response.set("X-Frame-Options", "DENY");
  }
  if (answer.retry_after_seconds > 0) {
    response.set(beast::http::field::retry_after, std::to_string(answer.retry_after_seconds));
  }
  response.keep_alive(keep);
  response.body() = answer.body;
  response.prepare_payload();
  connection.stream.ExpiresAfter(Seconds(limits::kHttpSendSeconds));
  beast::http::response_serializer<beast::http::string_body> serializer(response);
  if (head) {
    auto [failed, bytes] =
        co_await beast::http::async_write_header(connection.stream, serializer, kToken);
    *error = failed;
  } else {
    auto [failed, bytes] = co_await beast::http::async_write(connection.stream, serializer, kToken);
    *error = failed;
  }
}

// What the client still says is read and dropped for a moment, so that our last words are not lost
// to a reset.
Task Server::Impl::SayGoodbye(Connection& connection) {
  connection.stream.ExpiresAfter(Millis(limits::kLingerMillis));
  auto [ended] = co_await connection.stream.async_shutdown(kToken);
  std::array<char, 1024> dropped;
  while (!ended) {
    auto [error, bytes] = co_await connection.stream.async_read_some(asio::buffer(dropped), kToken);
    if (error) break;
  }
}

void Server::Impl::LogRequest(const Connection& connection, const Parser& parser,
                              uint16_t status) const {
  const auto& header = parser.get();
  const tls::Connection* tls = connection.stream.tls();
  LogLine line(ReadWallClock(), "http_request");
  line.Text("client", connection.client.ToString()).Text("listener", connection.listener);
  if (tls) line.Text("tls", tls->facts().version).Text("name", tls->requested_name());
  line.Text("method", View(header.method_string()).substr(0, limits::kHttpTargetLoggedBytesMax))
      .Text("target", LoggedTarget(View(header.target())))
      .Number("status", status)
      .To(*connection.log);
}

void Server::Impl::CloseIdle() {
  for (Connection& connection : connections) {
    if (connection.idle) connection.stream.Close();
  }
}

// --- The server

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

StatusOr<std::unique_ptr<Server>> Server::Start(const AcmeChallenges* challenges,
                                                SenderLinks* links) {
  auto impl = std::make_unique<Impl>(challenges, links);
  Status started = impl->Start();
  if (!started.ok()) return started;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::SetHttpsPort(uint16_t port) { impl_->https_port.store(port); }

void Server::BeginDrain() {
  impl_->draining = true;
  asio::post(impl_->io, [impl = impl_.get()] { impl->CloseIdle(); });
}

uint32_t Server::connections() const { return impl_->open.load(); }

}  // namespace ringpost::http
