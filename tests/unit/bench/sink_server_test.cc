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
    server_ =
        std::make_unique<SinkServer>(&options_, &events_, listener, /*seed=*/1, &poller_, [] {});
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

  SinkOptions options_;
  SinkEvents events_;
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

}  // namespace
}  // namespace ringpost::bench
