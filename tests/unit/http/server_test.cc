// The HTTP side over real sockets, handed to it as a shard would.
#include "gateway/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/limits.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int kPatienceMillis = 20'000;

class LockedLog final : public Log {
 public:
  void Append(std::string_view line) override {
    std::lock_guard lock(mutex_);
    text_ += std::string(line) + "\n";
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

// One connection over loopback: the client's end here, the other for the server.
struct Sockets {
  Sockets() {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, generic, length), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, generic, &length), 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, generic, length), 0);
    server = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~Sockets() {
    if (client >= 0) close(client);
  }
  void Say(std::string_view words) {
    EXPECT_EQ(send(client, words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
  }
  // What comes next; "" at the end, or where nothing comes in time.
  std::string Some(int millis = kPatienceMillis) {
    pollfd wait{client, POLLIN, 0};
    if (poll(&wait, 1, millis) != 1) return "";
    char bytes[16 * 1024];
    ssize_t count = recv(client, bytes, sizeof bytes, 0);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
  }
  std::string Until(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos) {
      std::string more = Some();
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
  std::string All() {
    std::string all;
    for (std::string more; !(more = Some()).empty();) all += more;
    return all;
  }
  int client, server;
};

// Answers from another thread, as the real one does.
class FakeLinks final : public SenderLinks {
 public:
  ~FakeLinks() override {
    for (std::thread& thread : threads_) thread.join();
  }
  void Ask(LinkQuestion question, const IpAddress& client, Done done) override {
    LinkFacts facts{question.confirm ? LinkFacts::State::kConfirmed : LinkFacts::State::kOpen,
                    "bob@example.com", client.ToString(), question.token};
    threads_.emplace_back([facts, done = std::move(done)] {
      usleep(20'000);
      done(facts);
    });
  }

 private:
  std::vector<std::thread> threads_;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    EXPECT_TRUE(challenges_.Add("token", "token.thumbprint").ok());
    auto server = Server::Start(&challenges_, &links_);
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
    server_->SetHttpsPort(443);
  }
  bool Hand(Sockets& sockets, std::string received = "",
            std::unique_ptr<tls::Connection> tls = nullptr, std::string_view from = "192.0.2.9") {
    session::HandedOver handed(sockets.server);
    handed.received = std::move(received);
    handed.tls = std::move(tls);
    handed.client = *IpAddress::Parse(from);
    handed.listener = "0.0.0.0:80";
    handed.log = &log_;
    return server_->Take(&handed);
  }
  bool Empty() {
    for (int i = 0; i < kPatienceMillis && server_->connections() > 0; ++i) usleep(1000);
    return server_->connections() == 0;
  }

  AcmeChallenges challenges_;
  LockedLog log_;
  FakeLinks links_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOnOneConnectionAgainAndAgain) {
  Sockets sockets;
  ASSERT_TRUE(Hand(sockets, "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHo"));
  sockets.Say("st: a.example\r\n\r\n");
  std::string challenge = sockets.Until(".thumbprint");
  EXPECT_THAT(challenge, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(challenge, EndsWith("\r\n\r\ntoken.thumbprint"));
  EXPECT_THAT(challenge, HasSubstr("\r\nContent-Length: 16\r\n"));
  sockets.Say("HEAD /.well-known/acme-challenge/token HTTP/1.1\r\nHost: a.example\r\n\r\n");
  std::string head = sockets.Until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 16\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  sockets.Say(
      "GET /x?y HTTP/1.1\r\nHost: a.example\r\n\r\nGET /z HTTP/1.1\r\nHost: b.example\r\n"
      "Connection: close\r\n\r\n");
  std::string rest = sockets.All();
  EXPECT_THAT(rest, StartsWith("HTTP/1.1 308 Permanent Redirect\r\n"));
  EXPECT_THAT(rest, HasSubstr("\r\nLocation: https://a.example/x?y\r\n"));
  EXPECT_THAT(rest, HasSubstr("\r\nLocation: https://b.example/z\r\n"));
  EXPECT_THAT(rest, HasSubstr("\r\nConnection: close\r\n"));
  close(std::exchange(sockets.client, -1));
  EXPECT_TRUE(Empty());
  EXPECT_THAT(log_.text(),
              HasSubstr("\"event\":\"http_request\",\"client\":\"192.0.2.9\","
                        "\"listener\":\"0.0.0.0:80\",\"method\":\"GET\",\"target\":\"/x?y\","
                        "\"status\":308}"));
}

TEST_F(ServerTest, WhatIsWrongIsToldAndClosed) {
  std::string many(limits::kHttpHeaderBytesMax + 100, 'x');
  struct Case {
    std::string said;
    std::string answer;
  };
  for (const Case& one :
       {Case{"GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", "413"},
        Case{"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "413"},
        Case{"GET / HTTP/1.1\r\nHost: a.example\r\nX: " + many + "\r\n\r\n", "431"},
        Case{"GET /" + many + " HTTP/1.1\r\nHost: a.example\r\n\r\n", "431"},
        Case{"GET /\r\n\r\n", "400"}, Case{"GET / HTTP/9.1\r\n\r\n", "400"},
        Case{"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "400"},
        Case{"GET / HTTP/1.1\r\nHost: a\r\n b\r\nConnection: close\r\n\r\n", "400"},
        Case{"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n",
             "400"},
        Case{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
        Case{"EHLO a.example\r\n", "400"}, Case{std::string("\0\1\2\r\n\r\n", 7), "400"},
        Case{"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", "308"}}) {
    Sockets sockets;
    ASSERT_TRUE(Hand(sockets));
    sockets.Say(one.said);
    shutdown(sockets.client, SHUT_WR);
    EXPECT_THAT(sockets.All().substr(9), StartsWith(one.answer)) << one.said.substr(0, 100);
    EXPECT_TRUE(Empty());
  }
}

TEST_F(ServerTest, UnderTlsThereIsNothingYet) {
  auto context = tls::MakeServer({tls::MakeCertificate({"a.example"})});
  tls::Pair pair(tls::MakeClient(), context, "a.example");
  pair.Run();
  ASSERT_TRUE(pair.server.secured);
  Sockets sockets;
  ASSERT_TRUE(Hand(sockets, "", std::move(pair.server.connection)));
  pair.client.Say(
      "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: a.example\r\n"
      "Connection: close\r\n\r\n");
  sockets.Say(pair.client.Take());
  pair.client.Feed(sockets.All());
  EXPECT_THAT(pair.client.heard, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(pair.client.heard, HasSubstr("this is a mail gateway"));
  EXPECT_TRUE(pair.client.ended) << "no close_notify";
  EXPECT_THAT(log_.text(), HasSubstr("\"tls\":\"TLSv1.3\",\"name\":\"a.example\""));
}

constexpr char kLink[] = "/confirm/abcdefghijklmnopqrstuvwxyz234567";

TEST_F(ServerTest, LinksAreLookedAtAndConfirmedOnOneConnection) {
  server_->SetHttpsPort(0);
  Sockets sockets;
  ASSERT_TRUE(Hand(sockets));
  std::string link(kLink), host = " HTTP/1.1\r\nHost: a.example\r\n";
  sockets.Say("GET " + link + host + "\r\n");
  std::string page = sockets.Until("</html>\n");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const char* part :
       {"\r\nContent-Type: text/html; charset=utf-8\r\n", "\r\nCache-Control: no-store\r\n",
        "\r\nReferrer-Policy: no-referrer\r\n", "\r\nX-Frame-Options: DENY\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nContent-Security-Policy: default-src 'none'; ", "<form method=\"post\">", "192.0.2.9",
        "abcdefghijklmnopqrstuvwxyz234567"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  sockets.Say("HEAD " + link + host + "\r\n");
  EXPECT_THAT(sockets.Until("\r\n\r\n"), EndsWith("\r\n\r\n"));
  // As browsers, curl -X POST, curl -d a=b, and a client that sends in pieces.
  for (const char* body : {"Content-Length: 0\r\n\r\n", "\r\n", "Content-Length: 3\r\n\r\na=b",
                           "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"}) {
    sockets.Say("POST " + link + host + body);
    std::string said = sockets.Until("</html>\n");
    EXPECT_THAT(said, StartsWith("HTTP/1.1 200 OK\r\n")) << body;
    EXPECT_THAT(said, HasSubstr("<h1>Confirmed</h1>")) << body;
  }
  EXPECT_THAT(log_.text(), HasSubstr("\"target\":\"/confirm/...\""));
  EXPECT_THAT(log_.text(), Not(HasSubstr("abcdefghijklmnop")));
}

TEST_F(ServerTest, AFormIsBounded) {
  server_->SetHttpsPort(0);
  std::string head = "POST " + std::string(kLink) + " HTTP/1.1\r\nHost: a.example\r\n";
  std::string much(limits::kHttpFormBytesMax + 1, 'x');
  for (const std::string& body :
       {"Content-Length: " + std::to_string(much.size()) + "\r\n\r\n" + much,
        std::string("Content-Length: 99999999999\r\n\r\n"),
        "Transfer-Encoding: chunked\r\n\r\n1001\r\n" + much + "\r\n0\r\n\r\n"}) {
    Sockets sockets;
    ASSERT_TRUE(Hand(sockets));
    sockets.Say(head + body);
    EXPECT_THAT(sockets.All(), StartsWith("HTTP/1.1 413 ")) << body.substr(0, 50);
  }
  for (const char* body :
       {"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Content-Length: 5\r\n\r\nab"}) {
    Sockets sockets;
    ASSERT_TRUE(Hand(sockets));
    sockets.Say(head + body);
    shutdown(sockets.client, SHUT_WR);
    EXPECT_THAT(sockets.All(), Not(HasSubstr("Confirmed"))) << body;
  }
  EXPECT_TRUE(Empty());
}

TEST_F(ServerTest, AClientThatLeavesMeanwhileHarmsNothing) {
  server_->SetHttpsPort(0);
  for (int i = 0; i < 5; ++i) {
    Sockets sockets;
    ASSERT_TRUE(Hand(sockets));
    sockets.Say("GET " + std::string(kLink) + " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  }
  EXPECT_TRUE(Empty());
}

TEST_F(ServerTest, WithoutHttpsThereIsNothing) {
  server_->SetHttpsPort(0);
  Sockets sockets;
  ASSERT_TRUE(Hand(sockets));
  sockets.Say("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(sockets.All(), StartsWith("HTTP/1.0 404 Not Found\r\n"));
}

TEST_F(ServerTest, ConnectionsAreBoundedPerAddress) {
  std::vector<std::unique_ptr<Sockets>> open;
  for (uint32_t i = 0; i < limits::kHttpConnectionsPerAddressMax; ++i) {
    open.push_back(std::make_unique<Sockets>());
    ASSERT_TRUE(Hand(*open.back()));
  }
  Sockets over;
  ASSERT_TRUE(Hand(over));
  EXPECT_EQ(over.Some(), "");
  EXPECT_THAT(log_.text(), HasSubstr("too many HTTP connections from this address"));
  Sockets other;
  ASSERT_TRUE(Hand(other, "", nullptr, "192.0.2.10"));
  other.Say("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(other.Some(), StartsWith("HTTP/1.1 308"));
  open.clear();
  close(std::exchange(other.client, -1));
  EXPECT_TRUE(Empty());
  Sockets again;
  ASSERT_TRUE(Hand(again));
  again.Say("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(again.Some(), StartsWith("HTTP/1.1 308"));
}

TEST_F(ServerTest, ConnectionsAreBoundedInAll) {
  std::vector<std::unique_ptr<Sockets>> open;
  for (uint32_t i = 0; i < limits::kHttpConnectionsMax; ++i) {
    open.push_back(std::make_unique<Sockets>());
    ASSERT_TRUE(Hand(*open.back(), "", nullptr, "192.0.2." + std::to_string(i % 50)));
  }
  Sockets over;
  EXPECT_FALSE(Hand(over, "", nullptr, "192.0.2.200"));
  EXPECT_EQ(over.Some(), "") << "it was not closed";
}

TEST_F(ServerTest, DrainClosesIdleConnectionsAndTakesNoMore) {
  Sockets idle, used, half;
  ASSERT_TRUE(Hand(idle) && Hand(used) && Hand(half, "GET / HT"));
  used.Say("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(used.Some(), StartsWith("HTTP/1.1 308"));
  server_->BeginDrain();
  EXPECT_EQ(idle.Some(), "");
  EXPECT_EQ(used.Some(), "");
  EXPECT_EQ(half.Some(), "");
  EXPECT_TRUE(Empty());
  EXPECT_TRUE(server_->drained());
  Sockets late;
  EXPECT_FALSE(Hand(late));
}

TEST_F(ServerTest, ItsEndEndsAll) {
  Sockets idle, fresh;
  ASSERT_TRUE(Hand(idle));
  idle.Say("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(idle.Some(), StartsWith("HTTP/1.1 308"));
  ASSERT_TRUE(Hand(fresh));
  server_.reset();
  EXPECT_EQ(idle.Some(), "");
  EXPECT_EQ(fresh.Some(), "");
}

}  // namespace
}  // namespace ringpost::http
