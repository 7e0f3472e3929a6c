// The simulated ring itself: the same seed gives the same run, every fault comes, and broken rules
// are seen.
#include "gateway/reactor/sim_io.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/reactor/stream.h"

namespace ringpost::reactor {
namespace {

const Endpoint kServer = *Endpoint::Parse("192.0.2.1:25");

struct Op : Completion {
  Op() : Completion(&Op::Done) {}
  static void Done(Completion* completion, Result&& result) {
    Op* op = static_cast<Op*>(completion);
    op->values.push_back(result.value);
    op->bytes.append(result.buffer.view());
  }
  std::vector<int32_t> values;
  std::string bytes;
};

// An echo server as a session would be written, and what its streams met with.
class EchoServer final : public Listener::Handler {
 public:
  explicit EchoServer(SimIo* io) : io_(io) {}
  void OnAccept(int fd) override {
    auto session = std::make_unique<Session>(this);
    session->stream.Adopt(fd);
    sessions_.insert(std::move(session));
  }
  bool idle() const { return sessions_.empty(); }
  std::set<int> ends;

 private:
  struct Session final : StreamHandler {
    explicit Session(EchoServer* owner) : server(owner), stream(owner->io_, this) {}
    void OnConnected(int) override {}
    void OnReceive(Slice bytes) override {
      stream.Write(std::move(bytes));
      stream.Flush();
    }
    void OnSent() override {}
    void OnEnd(int error) override {
      server->ends.insert(error);
      stream.Close();
    }
    void OnClosed() override { server->Forget(this); }
    EchoServer* server;
    Stream stream;
  };
  void Forget(Session* session) {
    std::erase_if(sessions_, [&](auto& entry) { return entry.get() == session; });
  }
  SimIo* io_;
  std::set<std::unique_ptr<Session>> sessions_;
};

// Five clients talk to an echo server; returns the digest of the run.
uint64_t RunEcho(uint64_t seed, SimFaults faults, std::set<int>* ends = nullptr) {
  SimWorld world(seed, faults);
  SimIo io(&world, 0);
  EchoServer server(&io);
  Listener listener(&io, world.Listen(kServer), &server);
  listener.Start();
  std::vector<std::unique_ptr<SimPeer>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(world.Connect(kServer));
    clients.back()->Write(std::string(5000, static_cast<char>('a' + i)));
  }
  world.RunFor(Seconds(5));
  for (auto& client : clients) {
    if (faults.reset == 0) {
      EXPECT_EQ(client->received().size(), 5000u) << "seed " << seed;
    }
    client->Close();
  }
  EXPECT_TRUE(world.RunUntil([&] { return server.idle(); })) << "seed " << seed;
  listener.Stop();
  EXPECT_TRUE(world.RunUntil([&] { return listener.stopped(); }));
  EXPECT_EQ(io.in_flight(), 0u);
  EXPECT_EQ(world.open_descriptors(), 1u) << "the listener's";
  EXPECT_EQ(io.pool_bytes_held(), 0u);
  if (ends) ends->insert(server.ends.begin(), server.ends.end());
  return world.history_digest();
}

TEST(SimWorldTest, SameSeedSameRun) {
  std::set<uint64_t> digests;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    uint64_t digest = RunEcho(seed, SimFaults::Rough());
    EXPECT_EQ(RunEcho(seed, SimFaults::Rough()), digest) << seed;
    digests.insert(digest);
  }
  EXPECT_EQ(digests.size(), 20u) << "different seeds are different runs";
}

TEST(SimWorldTest, HostileWorldEndsConnectionsAndLeaksNothing) {
  std::set<int> ends;
  for (uint64_t seed = 0; seed < 100; ++seed) RunEcho(seed, SimFaults::Hostile(), &ends);
  EXPECT_TRUE(ends.contains(-ECONNRESET));
  EXPECT_TRUE(ends.contains(0));
}

TEST(SimWorldTest, WithoutFaultsNothingGoesWrong) {
  std::set<int> ends;
  RunEcho(1, SimFaults::None(), &ends);
  EXPECT_EQ(ends, std::set<int>{0});
}

TEST(SimWorldTest, TimeJumpsToTheNextTimer) {
  SimWorld world(1);
  SimIo io(&world, 0);
  struct Tick : Timer {
    using Timer::Timer;
    int fired = 0;
  } tick([](Timer* timer) { ++static_cast<Tick*>(timer)->fired; });
  MonoTime start = world.now();
  WallTime wall = world.wall_now();
  io.timers().Schedule(&tick, start + Seconds(3600));
  EXPECT_TRUE(world.RunUntil([&] { return tick.fired == 1; }, 1000));
  EXPECT_GE(world.now() - start, Seconds(3600));
  EXPECT_EQ(world.wall_now() - wall, world.now() - start);
  EXPECT_TRUE(world.RunUntilIdle(100));
  EXPECT_FALSE(world.Step());
}

TEST(SimWorldTest, NobodyListens) {
  SimWorld world(1, SimFaults::None());
  SimIo io(&world, 0);
  EXPECT_EQ(world.Connect(kServer), nullptr);
  int fd = io.OpenSocket(kServer, nullptr);
  Op connect;
  io.Connect(fd, kServer, &connect);
  EXPECT_TRUE(world.RunUntilIdle());
  EXPECT_EQ(connect.values, std::vector<int32_t>{-ECONNREFUSED});
  io.Close(fd);
}

TEST(SimWorldTest, BlackHoleConnectsNeitherSucceedNorFail) {
  SimWorld world(1, SimFaults::None());
  SimIo io(&world, 0);
  std::unique_ptr<SimPeer> server;
  world.Serve(kServer, [&](std::unique_ptr<SimPeer> peer) { server = std::move(peer); });
  world.SetBlackHole(kServer, true);
  int fd = io.OpenSocket(kServer, nullptr);
  Op connect;
  io.Connect(fd, kServer, &connect);
  world.RunFor(Seconds(60));
  EXPECT_TRUE(connect.in_flight());
  world.SetBlackHole(kServer, false);
  EXPECT_TRUE(world.RunUntilIdle());
  EXPECT_EQ(connect.values, std::vector<int32_t>{0});
  EXPECT_EQ(io.PeerOf(fd), kServer);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->remote(), io.LocalOf(fd));
  io.Close(fd);
  server.reset();
}

TEST(SimWorldTest, OneEndpointOnTwoShardsIsSharedByChance) {
  SimWorld world(3, SimFaults::None());
  SimIo first(&world, 0), second(&world, 1);
  Op accept_first, accept_second;
  int fd_first = world.Listen(kServer), fd_second = world.Listen(kServer);
  first.Accept(fd_first, &accept_first);
  second.Accept(fd_second, &accept_second);
  std::vector<std::unique_ptr<SimPeer>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(world.Connect(kServer));
  EXPECT_TRUE(world.RunUntilIdle());
  EXPECT_GT(accept_first.values.size(), 5u);
  EXPECT_GT(accept_second.values.size(), 5u);
  EXPECT_EQ(accept_first.values.size() + accept_second.values.size(), 40u);
  for (int fd : accept_first.values) first.Close(fd);
  for (int fd : accept_second.values) second.Close(fd);
  first.Cancel(&accept_first);
  second.Cancel(&accept_second);
  EXPECT_TRUE(world.RunUntilIdle());
  EXPECT_EQ(accept_first.values.back(), -ECANCELED);
}

TEST(SimWorldTest, PeerReactsToWhatItHears) {
  SimWorld world(5);
  SimIo io(&world, 0);
  std::unique_ptr<SimPeer> server;
  world.Serve(kServer, [&](std::unique_ptr<SimPeer> peer) {
    server = std::move(peer);
    server->OnActivity([](SimPeer& self) {
      if (self.received().ends_with("\n")) self.Write("you said " + self.TakeReceived());
    });
  });
  auto client = world.Connect(kServer);
  client->Write("hello\n");
  EXPECT_TRUE(world.RunUntil([&] { return client->received() == "you said hello\n"; }));
  client.reset();
  EXPECT_TRUE(world.RunUntil([&] { return server->ended(); }));
  server.reset();
}

// EXPECT_DEATH takes no commas.
iovec PartOf(std::string& bytes) { return {bytes.data(), bytes.size()}; }

class SimRulesTest : public testing::Test {
 protected:
  SimRulesTest() {
    int listen_fd = world_.Listen(kServer);
    client_ = world_.Connect(kServer);
    Op accept;
    io_.Accept(listen_fd, &accept);
    world_.RunUntil([&] { return !accept.values.empty(); });
    fd_ = accept.values[0];
    io_.Cancel(&accept);
    world_.RunUntil([&] { return !accept.in_flight(); });
    world_.StopListening(listen_fd);
  }
  ~SimRulesTest() override { client_.reset(); }
  void Send(const iovec& part, Op* send) { io_.Send(fd_, {&part, 1}, send); }

  SimWorld world_{1, SimFaults::None()};
  SimIo io_{&world_, 0};
  std::unique_ptr<SimPeer> client_;
  int fd_ = -1;
};
using SimRulesDeathTest = SimRulesTest;

TEST_F(SimRulesDeathTest, TwoReceivesOnOneSocket) {
  EXPECT_DEATH(
      {
        Op first;
        Op second;
        io_.Receive(fd_, &first);
        io_.Receive(fd_, &second);
      },
      "broken invariant");
}

TEST_F(SimRulesDeathTest, CloseWithSomethingInFlight) {
  EXPECT_DEATH(
      {
        Op receive;
        io_.Receive(fd_, &receive);
        io_.Close(fd_);
      },
      "broken invariant");
}

TEST_F(SimRulesDeathTest, BytesThatChangeWhileTheyAreSent) {
  EXPECT_DEATH(
      {
        Op send;
        std::string bytes = "precious";
        iovec part = PartOf(bytes);
        Send(part, &send);
        bytes[0] = 'P';
        world_.RunUntilIdle();
      },
      "digest");
}

TEST_F(SimRulesDeathTest, ClosingTwice) {
  EXPECT_DEATH(
      {
        io_.Close(fd_);
        io_.Close(fd_);
      },
      "broken invariant");
}

}  // namespace
}  // namespace ringpost::reactor
