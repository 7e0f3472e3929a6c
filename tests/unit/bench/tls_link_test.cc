// Two links over a pair of sockets.
#include "bench/load/tls_link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "bench/load/tls_setup.h"

namespace ringpost::bench {
namespace {

class TlsLinkTest : public testing::Test {
 protected:
  struct End {
    int fd = -1;
    std::unique_ptr<TlsLink> link;
    std::string heard;

    // What the socket has; false when there was nothing.
    bool Take() {
      char bytes[64 * 1024];
      const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
      if (count <= 0) return false;
      link->Take({bytes, static_cast<size_t>(count)},
                 [this](std::string_view said) { heard += said; });
      return true;
    }
  };

  void SetUp() override {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    client_.fd = fds[0];
    server_.fd = fds[1];
    std::string error;
    server_context_ = MakeServerContext("", "", &error);
    ASSERT_NE(server_context_, nullptr) << error;
  }
  void TearDown() override {
    close(client_.fd);
    close(server_.fd);
  }

  void Begin(const std::shared_ptr<const tls::ClientContext>& context) {
    client_.link = TlsLink::Client(context, "server");
    server_.link = TlsLink::Server(server_context_);
    Run();
  }

  // Until nothing moves any more.
  void Run() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (End* end : {&client_, &server_}) {
        moved |= end->link->unsent();
        end->link->Send(end->fd);
        moved |= end->Take();
      }
    }
  }

  std::shared_ptr<const tls::ServerContext> server_context_;
  End client_, server_;
};

TEST_F(TlsLinkTest, SaysWhatWasSaid) {
  Begin(MakeClientContext(/*resume=*/false));
  ASSERT_EQ(client_.link->state(), TlsLink::State::kOpen);
  ASSERT_EQ(server_.link->state(), TlsLink::State::kOpen);
  const std::string large(3'000'000, 'x');
  const std::string_view parts[] = {"head ", large, " tail"};
  client_.link->Seal(parts);
  server_.link->Seal("220 ready\r\n");
  Run();
  EXPECT_EQ(server_.heard, "head " + large + " tail");
  EXPECT_EQ(client_.heard, "220 ready\r\n");
  client_.link->SealEnd();
  client_.link->SealEnd();
  Run();
  EXPECT_EQ(server_.link->state(), TlsLink::State::kEnded);
}

// More than the socket takes stays, in order, until it takes more.
TEST_F(TlsLinkTest, WhatTheSocketDoesNotTakeWaits) {
  Begin(MakeClientContext(/*resume=*/false));
  client_.link->Seal(std::string(3'000'000, 'x'));
  EXPECT_EQ(client_.link->Send(client_.fd), TlsLink::Sent::kBlocked);
  EXPECT_TRUE(client_.link->unsent());
  Run();
  EXPECT_FALSE(client_.link->unsent());
  EXPECT_EQ(server_.heard.size(), 3'000'000u);
}

TEST_F(TlsLinkTest, ResumesOnlyWhereItIsTold) {
  for (const bool resume : {false, true}) {
    const auto context = MakeClientContext(resume);
    for (const bool again : {false, true}) {
      Begin(context);
      server_.link->Seal("the tickets come with it");
      Run();
      EXPECT_EQ(client_.link->resumed(), resume && again);
      EXPECT_EQ(server_.link->resumed(), resume && again);
    }
  }
}

TEST_F(TlsLinkTest, WhatIsNoHandshakeFails) {
  server_.link = TlsLink::Server(server_context_);
  const TlsLink::State state = server_.link->Take(
      "EHLO this is no hello of TLS\r\n", [](std::string_view) { FAIL() << "nothing was said"; });
  EXPECT_EQ(state, TlsLink::State::kFailed);
  EXPECT_NE(server_.link->failure(), "");
}

TEST_F(TlsLinkTest, APeerThatIsGoneIsBroken) {
  client_.link = TlsLink::Client(MakeClientContext(false), "server");
  close(server_.fd);
  server_.fd = -1;
  EXPECT_EQ(client_.link->Send(client_.fd), TlsLink::Sent::kBroken);
}

TEST(TlsSetupTest, ACertificateThatIsNotThereIsSaid) {
  std::string error;
  EXPECT_EQ(MakeServerContext("/nowhere/chain.pem", "/nowhere/key.pem", &error), nullptr);
  EXPECT_NE(error.find("/nowhere/chain.pem"), std::string::npos) << error;
}

}  // namespace
}  // namespace ringpost::bench
