// Listener: rearming, and what it does where accept fails.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/sim_io.h"
#include "gateway/reactor/stream.h"
#include "tests/unit/reactor/net_rig.h"

namespace ringpost::reactor {
namespace {

struct Acceptor final : Listener::Handler {
  void OnAccept(int fd) override { fds.push_back(fd); }
  std::vector<int> fds;
};

TEST(ListenerTest, EveryConnectionArrivesThoughAcceptKeepsFailing) {
  SimFaults faults = SimFaults::Rough();
  faults.accept_error = 2;
  SimWorld world(11, faults);
  SimIo io(&world, 0);
  Acceptor acceptor;
  Endpoint server = *Endpoint::Parse("192.0.2.1:25");
  int listen_fd = world.Listen(server);
  Listener listener(&io, listen_fd, &acceptor);
  listener.Start();
  std::vector<std::unique_ptr<SimPeer>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(world.Connect(server));
  EXPECT_TRUE(world.RunUntil([&] { return acceptor.fds.size() == 100; }));
  listener.Stop();
  EXPECT_TRUE(world.RunUntil([&] { return listener.stopped(); }));
  for (int fd : acceptor.fds) io.Close(fd);
  world.StopListening(listen_fd);
}

TEST(ListenerTest, FailedAcceptWaitsBeforeItTriesAgain) {
  SimFaults faults;
  faults.accept_error = 1;  // always
  SimWorld world(3, faults);
  SimIo io(&world, 0);
  Acceptor acceptor;
  Endpoint server = *Endpoint::Parse("192.0.2.1:25");
  int listen_fd = world.Listen(server);
  Listener listener(&io, listen_fd, &acceptor);
  listener.Start();
  auto client = world.Connect(server);
  Counters counters;
  {
    CountersScope scope(&counters);
    world.RunFor(Seconds(10));
  }
  // One try per pause, and now and then an aborted connection between.
  uint64_t tries = counters.Get(Counter::kRingCompletions);
  EXPECT_GT(tries, 50u);
  EXPECT_LT(tries, 3 * 10'000 / limits::kAcceptRetryMillis);
  world.faults().accept_error = 0;
  EXPECT_TRUE(world.RunUntil([&] { return acceptor.fds.size() == 1; }));
  listener.Stop();
  EXPECT_TRUE(world.RunUntil([&] { return listener.stopped(); }));
  io.Close(acceptor.fds[0]);
  world.StopListening(listen_fd);
}

TEST(ListenerTest, StopWhileItWaitsToTryAgain) {
  SimFaults faults;
  faults.accept_error = 1;
  SimWorld world(3, faults);
  SimIo io(&world, 0);
  Acceptor acceptor;
  Endpoint server = *Endpoint::Parse("192.0.2.1:25");
  int listen_fd = world.Listen(server);
  Listener listener(&io, listen_fd, &acceptor);
  listener.Start();
  auto client = world.Connect(server);
  world.RunFor(Millis(500));
  listener.Stop();
  EXPECT_TRUE(world.RunUntil([&] { return listener.stopped(); }));
  // And it can begin again.
  world.faults().accept_error = 0;
  listener.Start();
  EXPECT_TRUE(world.RunUntil([&] { return acceptor.fds.size() == 1; }));
  listener.Stop();
  EXPECT_TRUE(world.RunUntil([&] { return listener.stopped(); }));
  io.Close(acceptor.fds[0]);
  world.StopListening(listen_fd);
}

// On the kernel: out of descriptors, clients wait in the backlog and are served once there are
// some.
TEST(ListenerTest, OutOfDescriptorsOnTheRealRing) {
  auto rig = MakeRealRig({});
  Acceptor acceptor;
  Endpoint local;
  int listen_fd = rig->Listen(&local);
  rig->RunFor(Millis(2));  // UBSan's checks of types need a descriptor the first time
  auto peer = rig->Connect(local);
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none{1, old.rlim_max};
  Counters counters;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  // The kernel reads the limit when the accept is armed, not when a connection comes.
  Listener listener(&rig->io(), listen_fd, &acceptor);
  listener.Start();
  {
    CountersScope scope(&counters);
    rig->RunFor(Millis(350));
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(acceptor.fds.empty());
  EXPECT_LE(counters.Get(Counter::kRingCompletions), 10u) << "it spins";
  EXPECT_TRUE(rig->RunUntil([&] { return acceptor.fds.size() == 1; }));
  listener.Stop();
  EXPECT_TRUE(rig->RunUntil([&] { return listener.stopped(); }));
  rig->io().Close(acceptor.fds[0]);
  rig->StopListening(listen_fd);
}

}  // namespace
}  // namespace ringpost::reactor
