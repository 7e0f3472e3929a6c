// SMTP or HTTP: what a connection is, and that it reaches the HTTP side whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/counters.h"
#include "tests/unit/session/inbound_rig.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kRequest = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

// --- The decisions

TEST(ProtocolChoice, TheMethodsOfHttpAndNothingElse) {
  for (std::string_view method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    for (size_t count = 0; count <= method.size(); ++count) {
      EXPECT_EQ(LookAtFirstWords(method.substr(0, count)), FirstWords::kNeedMore) << method;
    }
    std::string line = std::string(method) + " / HTTP/1.1\r\n";
    EXPECT_EQ(LookAtFirstWords(line), FirstWords::kHttp) << line;
    EXPECT_EQ(LookAtFirstWords(line.substr(0, method.size() + 1)), FirstWords::kHttp);
    line[method.size()] = '\r';
    EXPECT_EQ(LookAtFirstWords(line), FirstWords::kNotHttp) << line;
  }
  for (std::string_view other : {"EHLO a\r\n", "HELO a\r\n", "get / HTTP/1.1", "QUIT\r\n", "GETS ",
                                 " GET /", "\r\nGET /", "\x16\x03\x01", "PRI * HTTP/2.0"}) {
    EXPECT_EQ(LookAtFirstWords(other), FirstWords::kNotHttp) << other;
  }
  EXPECT_EQ(LookAtFirstWords(std::string_view("\0", 1)), FirstWords::kNotHttp);
}

TEST(ProtocolChoice, AlpnThenTheName) {
  std::set<std::string, std::less<>> names = {"api.example"};
  EXPECT_TRUE(MeansHttp("http/1.1", "mx.example", names));
  EXPECT_TRUE(MeansHttp("http/1.1", "", {}));
  EXPECT_TRUE(MeansHttp("", "API.example", names));
  EXPECT_FALSE(MeansHttp("", "", names));
  EXPECT_FALSE(MeansHttp("", "mx.example", names));
  EXPECT_FALSE(MeansHttp("", "www.api.example", names));
  EXPECT_FALSE(MeansHttp("smtp", "mx.example", names));
}

// --- Connections

class HttpRig final : public HttpSide {
 public:
  explicit HttpRig(uint64_t seed = 1, reactor::SimFaults faults = reactor::SimFaults::None())
      : rig(seed, faults) {
    rig.shared.http = this;
    rig.policy().protocol = ListenerProtocol::kAuto;
  }
  ~HttpRig() {
    for (HandedOver& one : taken) rig.io.Close(one.TakeFd());
  }
  bool Take(HandedOver* connection) override {
    if (full) return false;
    taken.push_back(std::move(*connection));
    return true;
  }
  bool Taken() {
    return rig.RunUntil([&] { return !taken.empty(); });
  }

  InboundRig rig;
  std::vector<HandedOver> taken;
  bool full = false;
};

TEST(InboundProtocol, InClearWhoSpeaksFirstWithAMethodIsHttp) {
  HttpRig http;
  auto client = http.rig.Connect();
  MonoTime before = http.rig.world.now();
  client->Write(kRequest);
  ASSERT_TRUE(http.Taken());
  EXPECT_LT(http.rig.world.now() - before, Millis(limits::kHttpFirstMillis));
  HandedOver& taken = http.taken[0];
  EXPECT_EQ(taken.received, kRequest);
  EXPECT_EQ(taken.tls, nullptr);
  EXPECT_EQ(taken.client.ToString(), "192.0.2.9");
  EXPECT_EQ(taken.listener, InboundRig::kServer);
  EXPECT_EQ(taken.log, &http.rig.log);
  EXPECT_EQ(client->received(), "") << "a greeting to a client of HTTP";
  EXPECT_EQ(http.rig.service->connections(), 0u);
}

TEST(InboundProtocol, InClearWhoWaitsIsGreetedAfterThat) {
  HttpRig http;
  MonoTime before = http.rig.world.now();
  auto client = http.rig.Greeted();
  EXPECT_GE(http.rig.world.now() - before, Millis(limits::kHttpFirstMillis));
  EXPECT_LT(http.rig.world.now() - before, Millis(limits::kHttpFirstMillis + 50));
  EXPECT_THAT(http.rig.Send(*client, "Subject: x\r\n\r\nx\r\n"), StartsWith("250 "));
  EXPECT_TRUE(http.taken.empty());
  // The words of HTTP are none behind the greeting.
  EXPECT_THAT(http.rig.Say(*client, "GET / HTTP/1.1"), StartsWith("554 5.5.1 "));
}

TEST(InboundProtocol, ABeginningOfAMethodWaitsForTheRest) {
  HttpRig http;
  auto slow = http.rig.Connect();
  slow->Write("GE");
  http.rig.RunFor(Millis(100));
  slow->Write(kRequest.substr(2));
  ASSERT_TRUE(http.Taken());
  std::string received = http.taken[0].received;
  EXPECT_EQ(received, kRequest.substr(0, received.size()));
  EXPECT_GE(received.size(), 4u);
}

TEST(InboundProtocol, ABeginningWithoutTheRestIsSmtp) {
  HttpRig http;
  auto stalled = http.rig.Connect();
  stalled->Write("GE");
  MonoTime before = http.rig.world.now();
  EXPECT_THAT(http.rig.Reply(*stalled), StartsWith("220 "));
  EXPECT_GE(http.rig.world.now() - before, Millis(limits::kHttpFirstMillis - 1));
  EXPECT_THAT(http.rig.Say(*stalled, "T / HTTP/1.1"), StartsWith("554 5.5.1 "));
  auto ended = http.rig.Connect();
  ended->Write("GE");
  ended->HalfClose();
  EXPECT_THAT(http.rig.Reply(*ended), StartsWith("220 "));
  EXPECT_TRUE(http.rig.RunUntil([&] { return ended->ended(); }));
  EXPECT_TRUE(http.taken.empty());
}

TEST(InboundProtocol, WhoTalksSmtpEarlyIsHeardOrRefusedAsElsewhere) {
  HttpRig http;
  auto hasty = http.rig.Connect();
  hasty->Write("EHLO hasty.example\r\n");
  ASSERT_TRUE(http.rig.RunUntil([&] {
    return hasty->received().find("\r\n250 ") != std::string::npos;
  })) << hasty->received();
  EXPECT_THAT(hasty->received(), StartsWith("220 "));
  http.rig.policy().greet_delay_ms = 500;
  auto early = http.rig.Connect();
  early->Write("EHLO hasty.example\r\n");
  EXPECT_THAT(http.rig.Reply(*early), StartsWith("554 5.5.1 "));
  MonoTime before = http.rig.world.now();
  auto patient = http.rig.Greeted();
  EXPECT_GE(http.rig.world.now() - before, Millis(500));
  EXPECT_LT(http.rig.world.now() - before, Millis(600)) << "the two waits are one";
}

TEST(InboundProtocol, WhoSaysNothingAndEndsIsGreeted) {
  HttpRig http;
  auto client = http.rig.Connect();
  client->HalfClose();
  EXPECT_THAT(http.rig.Reply(*client), StartsWith("220 "));
  EXPECT_TRUE(http.rig.RunUntil([&] { return client->ended(); }));
}

TEST(InboundProtocol, HttpAloneHasNoWordOfSmtp) {
  HttpRig http;
  http.rig.policy().protocol = ListenerProtocol::kHttp;
  auto client = http.rig.Connect();
  ASSERT_TRUE(http.Taken());
  client->Write("EHLO a.example\r\n");
  http.rig.RunFor(Seconds(1));
  EXPECT_EQ(client->received(), "");
  // Also where it is refused.
  http.rig.shared.connections_max = 0;
  auto refused = http.rig.Connect();
  EXPECT_TRUE(http.rig.RunUntil([&] { return refused->ended(); }));
  EXPECT_EQ(refused->received(), "");
}

TEST(InboundProtocol, BehindAProxyHeader) {
  HttpRig http;
  auto peers = std::make_shared<identity::NetworkList>();
  peers->Add(*IpNetwork::Parse("192.0.2.5"));
  http.rig.policy().proxy_peers = peers;
  auto client = http.rig.Connect("192.0.2.5");
  client->Write("PROXY TCP4 198.51.100.7 192.0.2.1 4000 25\r\n" + std::string(kRequest));
  ASSERT_TRUE(http.Taken());
  EXPECT_EQ(http.taken[0].received, kRequest);
  EXPECT_EQ(http.taken[0].client.ToString(), "198.51.100.7");
  auto mail = http.rig.Connect("192.0.2.5");
  mail->Write("PROXY TCP4 198.51.100.7 192.0.2.1 4000 25\r\n");
  EXPECT_THAT(http.rig.Reply(*mail), StartsWith("220 "));
  http.rig.policy().protocol = ListenerProtocol::kHttp;
  auto alone = http.rig.Connect("192.0.2.5");
  alone->Write("PROXY TCP4 198.51.100.7 192.0.2.1 4000 25\r\n" + std::string(kRequest));
  ASSERT_TRUE(http.rig.RunUntil([&] { return http.taken.size() == 2; }));
  EXPECT_EQ(http.taken[1].received, kRequest);
}

TEST(InboundProtocol, WhereNobodyTakesItItIsClosed) {
  HttpRig http;
  for (bool none : {false, true}) {
    http.full = true;
    if (none) http.rig.shared.http = nullptr;
    auto client = http.rig.Connect();
    client->Write(kRequest);
    EXPECT_TRUE(http.rig.RunUntil([&] { return client->ended(); }));
    EXPECT_EQ(client->received(), "");
  }
  EXPECT_EQ(http.rig.log.Count("connection_refused"), 2u);
}

TEST(InboundProtocol, DrainWhileItIsLookedAt) {
  HttpRig http;
  auto client = http.rig.Connect();
  http.rig.RunFor(Millis(50));
  http.rig.service->BeginDrain();
  EXPECT_THAT(http.rig.Reply(*client), StartsWith("421 4.3.2"));
}

// --- Under TLS

std::shared_ptr<const tls::ServerContext> Server() {
  static const auto server = tls::MakeServer({tls::MakeCertificate({"gw.example.net"})});
  return server;
}

struct TlsPeer {
  TlsPeer(HttpRig* http_rig, std::vector<std::string> alpn, const std::string& name,
          std::string_view from = "192.0.2.9", std::string_view before = "")
      : http(http_rig), peer(http_rig->rig.Connect(from)) {
    auto context =
        tls::ClientContext::Make({.verify = false, .application_protocols = std::move(alpn)});
    side.connection = tls::Connection::Connect(*context, name, name);
    peer->Write(before);
    side.Feed({});
    peer->Write(side.Take());
  }
  void Pump() {
    std::string received = peer->TakeReceived();
    if (!received.empty()) side.Feed(received);
    peer->Write(side.Take());
  }
  // Until it is greeted, handed over or ended.
  void Run() {
    size_t before = http->taken.size();
    http->rig.RunUntil([&] {
      Pump();
      return !side.heard.empty() || http->taken.size() > before || peer->ended();
    });
  }
  HttpRig* http;
  std::unique_ptr<reactor::SimPeer> peer;
  tls::Side side;
};

void Implicit(HttpRig* http) {
  http->rig.policy().tls = Server();
  http->rig.policy().implicit_tls = true;
  http->rig.policy().http_names = {"api.example"};
}

TEST(InboundProtocol, UnderTlsAlpnAndTheNameDecide) {
  HttpRig http;
  Implicit(&http);
  struct Case {
    std::vector<std::string> alpn;
    std::string name;
    bool is_http;
  };
  for (const Case& one :
       {Case{{"h2", "http/1.1"}, "gw.example.net", true}, Case{{}, "Api.Example", true},
        Case{{}, "gw.example.net", false}, Case{{"smtp"}, "gw.example.net", false},
        Case{{"h2"}, "elsewhere.example", false}, Case{{}, "192.0.2.1", false}}) {
    size_t before = http.taken.size();
    TlsPeer peer(&http, one.alpn, one.name);
    peer.Run();
    EXPECT_EQ(http.taken.size() - before, one.is_http ? 1u : 0u) << one.name;
    EXPECT_EQ(peer.side.heard.starts_with("220 "), !one.is_http) << one.name;
  }
  http.rig.policy().protocol = ListenerProtocol::kSmtp;
  TlsPeer mail(&http, {"http/1.1"}, "api.example");
  mail.Run();
  EXPECT_THAT(mail.side.heard, StartsWith("220 "));
  EXPECT_EQ(mail.side.connection->application_protocol(), "");
  http.rig.policy().protocol = ListenerProtocol::kHttp;
  TlsPeer plain(&http, {}, "gw.example.net");
  plain.Run();
  EXPECT_EQ(http.taken.size(), 3u);
}

// Whatever the ring does, the HTTP side gets a TLS connection that goes on where it was.
TEST(InboundProtocol, AConnectionUnderTlsGoesOnWhole) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    HttpRig http(seed, reactor::SimFaults::Rough());
    Implicit(&http);
    auto peers = std::make_shared<identity::NetworkList>();
    peers->Add(*IpNetwork::Parse("192.0.2.5"));
    http.rig.policy().proxy_peers = peers;
    bool proxied = seed % 2 == 0;
    TlsPeer peer(&http, {"http/1.1"}, "gw.example.net", proxied ? "192.0.2.5" : "192.0.2.9",
                 proxied ? "PROXY TCP4 198.51.100.7 192.0.2.1 4000 443\r\n" : "");
    bool said = false;
    ASSERT_TRUE(http.rig.RunUntil([&] {
      peer.Pump();
      if (peer.side.secured && !std::exchange(said, true)) {
        peer.side.Say(kRequest);
        peer.Pump();
      }
      return !http.taken.empty();
    }));
    if (!std::exchange(said, true)) peer.side.Say(kRequest);
    peer.Pump();
    HandedOver& taken = http.taken[0];
    EXPECT_EQ(taken.client.ToString(), proxied ? "198.51.100.7" : "192.0.2.9");
    // The rest of it through a stream of its own, as the HTTP side would.
    tls::Side server;
    server.connection = std::move(taken.tls);
    server.Feed(taken.received);
    struct Rest final : reactor::StreamHandler {
      void OnConnected(int) override {}
      void OnReceive(Slice bytes) override { server->Feed(bytes.view()); }
      void OnSent() override {}
      void OnEnd(int) override {}
      void OnClosed() override { closed = true; }
      tls::Side* server = nullptr;
      bool closed = false;
    } rest;
    rest.server = &server;
    reactor::Stream stream(&http.rig.io, &rest);
    stream.Adopt(taken.TakeFd());
    server.Say("HTTP/1.1 404 Not Found\r\n\r\n");
    stream.WriteCopy(server.Take());
    stream.Flush();
    EXPECT_TRUE(http.rig.RunUntil([&] {
      peer.Pump();
      return server.heard == kRequest && peer.side.heard == "HTTP/1.1 404 Not Found\r\n\r\n";
    })) << server.heard
        << peer.side.heard;
    stream.Close();
    EXPECT_TRUE(http.rig.RunUntil([&] { return rest.closed; }));
    http.taken.clear();
  }
}

TEST(InboundProtocol, HostileClientsLeaveNothingBehind) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    HttpRig http(seed, reactor::SimFaults::Hostile());
    if (seed % 2) Implicit(&http);
    std::vector<std::unique_ptr<reactor::SimPeer>> clients;
    for (std::string_view words : {"GE", "GET / HTTP/1.1\r\n", "EHLO a\r\n", "\x16\x03\x01", ""}) {
      auto client = http.rig.Connect();
      if (!client) continue;
      client->Write(words);
      clients.push_back(std::move(client));
    }
    http.rig.RunFor(Millis(seed * 2));
    if (seed % 3 == 0) http.rig.service->Abort();
    clients.clear();
    ASSERT_TRUE(http.rig.RunUntil([&] { return http.rig.service->connections() == 0; }));
  }
}

}  // namespace
}  // namespace ringpost::session
