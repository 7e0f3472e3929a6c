// The sink's sockets: what a client does to a connection whose reply is held back.
#include "bench/load/sink_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace ringpost::bench {
namespace {

constexpr uint64_t kHourNanos = 3600 * kNanosPerSecond;
constexpr uint64_t kTurnNanos = 20'000'000;

class SinkServerTest : public testing::Test {
 protected:
  // A server whose replies to MAIL are held back for `delay_nanos`.
  void Start(uint64_t delay_nanos) {
    options_.rules[static_cast<size_t>(Phase::kMail)].delay_nanos = delay_nanos;
    events_.on_message = [this](const ReceivedMessage&) -> std::string_view {
      ++messages_;
      return {};
    };
    ASSERT_TRUE(ParseEndpoint("127.0.0.1:0", &endpoint_));
    const int listener = ListenOn(endpoint_, /*shared=*/false);
    ASSERT_GE(listener, 0);
    endpoint_.length = sizeof endpoint_.address;
    ASSERT_EQ(
        getsockname(listener, reinterpret_cast<sockaddr*>(&endpoint_.address), &endpoint_.length),
        0);
    server_ = std::make_unique<SinkServer>(
        &options_, &events_, listener, /*seed=*/1, &poller_, [] {}, tls_);
  }

  int Connect() {
    const int fd = BeginConnect(endpoint_, 0);
    Turn();
    return fd;
  }

  // Sends all of `bytes`, with the server taking what it takes.
  void Send(int fd, std::string_view bytes) {
    for (int turns = 0; !bytes.empty() && turns < 200; ++turns) {
      const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
      Turn();
    }
    // What the receiver's window does not take stays with the sender: a reset throws it away.
    EXPECT_LT(bytes.size(), 1024u * 1024);
  }

  void Turn() { server_->Turn(NowNanos() + kTurnNanos); }

  // All that the server has said and that is not read yet.
  std::string Hear(int fd) {
    for (int i = 0; i < 3; ++i) Turn();
    char bytes[4096];
    const ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
  }
  void UseTls(TlsMode mode) {
    std::string error;
    options_.tls = mode;
    tls_ = MakeServerContext("", "", &error);
    ASSERT_NE(tls_, nullptr) << error;
    events_.on_handshake = [this](Handshake how) { failures_ += how == Handshake::kFailed; };
  }

  SinkOptions options_;
  SinkEvents events_;
  std::shared_ptr<const tls::ServerContext> tls_;
  int failures_ = 0;  // of handshakes
  Endpoint endpoint_;
  Poller poller_;
  std::unique_ptr<SinkServer> server_;
  int messages_ = 0;
};

// More than one receive is unread when the peer goes: none of it may be read while the reply waits.
TEST_F(SinkServerTest, AResetWhileAReplyIsHeldEndsTheConnection) {
  Start(kHourNanos);
  const int fd = Connect();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(server_->connections(), 1u);
  std::string bytes = "MAIL FROM:<a@b>\r\n";
  for (int i = 0; i < 100'000; ++i) bytes += "NOOP\r\n";
  Send(fd, bytes);
  const linger reset{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(fd);
  for (int i = 0; i < 5; ++i) Turn();
  EXPECT_EQ(server_->connections(), 0u);
}

// What came while the reply was held is answered after it, however much it is.
TEST_F(SinkServerTest, WhatWaitedBehindAHeldReplyIsTaken) {
  Start(100'000'000);
  const int fd = Connect();
  ASSERT_GE(fd, 0);
  const std::string text(300'000, 'x');
  Send(fd, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 300000 LAST\r\n" + text);
  for (int i = 0; i < 50 && messages_ == 0; ++i) Turn();
  EXPECT_EQ(messages_, 1);
  close(fd);
}

// Said in clear, it would be taken for what the peer says under TLS.
TEST_F(SinkServerTest, WhatWasInjectedBehindStartTlsEndsTheConnection) {
  UseTls(TlsMode::kStartTls);
  Start(0);
  const int fd = Connect();
  ASSERT_GE(fd, 0);
  Send(fd, "EHLO a\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\n");
  const std::string heard = Hear(fd);
  EXPECT_NE(heard.find("220 2.0.0 go ahead"), std::string::npos) << heard;
  EXPECT_EQ(heard.find("2.1.0"), std::string::npos) << heard;
  EXPECT_EQ(server_->connections(), 0u);
  close(fd);
}

TEST_F(SinkServerTest, HandshakesThatFailOrAreGivenUpAreCounted) {
  UseTls(TlsMode::kImplicit);
  Start(0);
  const int rude = Connect();
  ASSERT_GE(rude, 0);
  EXPECT_EQ(Hear(rude), "");  // nothing is said before the handshake
  Send(rude, "EHLO a\r\n");
  Turn();
  EXPECT_EQ(failures_, 1);
  close(rude);
  const int gone = Connect();
  Turn();
  close(gone);
  for (int i = 0; i < 3; ++i) Turn();
  EXPECT_EQ(failures_, 2);
  EXPECT_EQ(server_->connections(), 0u);
}

}  // namespace
}  // namespace ringpost::bench
