// RingIo on the kernel: the rules of io.h, and the traps of io_uring that each cost somebody a day.
#include "gateway/reactor/ring_io.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"

namespace ringpost::reactor {
namespace {

struct Op : Completion {
  Op() : Completion(&Op::Done) {}
  static void Done(Completion* completion, Result&& result) {
    Op* op = static_cast<Op*>(completion);
    EXPECT_FALSE(op->submitting) << "run inside the call that submitted it";
    op->values.push_back(result.value);
    op->more = result.more;
    op->bytes.append(result.buffer.view());
    if (op->keep) op->kept.Append(result.buffer);
    if (op->on_result) op->on_result(result);
  }
  std::vector<int32_t> values;
  bool more = false;
  std::string bytes;
  bool keep = false;
  SliceChain kept;
  bool submitting = false;
  std::function<void(Result&)> on_result;
};

class RingIoTest : public testing::Test {
 protected:
  explicit RingIoTest(RingOptions options = {}) {
    auto made = RingIo::Make(options);
    if (!made.ok()) ADD_FAILURE() << std::string(MessageOf(made.status()));
    io_ = std::move(*made);
  }
  ~RingIoTest() override {
    for (int fd : fds_) close(fd);
  }

  bool RunUntil(std::function<bool()> done, Millis patience = Seconds(10)) {
    done_ = std::move(done);
    struct Deadline : Timer {
      using Timer::Timer;
      RingIo* io;
    } deadline([](Timer* timer) { static_cast<Deadline*>(timer)->io->Stop(); });
    deadline.io = io_.get();
    io_->timers().Schedule(&deadline, ReadMonoClock() + patience);
    io_->Run([](void* self) { static_cast<RingIoTest*>(self)->AfterTurn(); }, this);
    return done_();
  }
  void AfterTurn() {
    ++turns_;
    if (done_()) io_->Stop();
  }
  void RunFor(Millis span) {
    RunUntil([] { return false; }, span);
  }
  // A connected pair of TCP sockets; [0] is ours, in blocking mode.
  std::array<int, 2> TcpPair() {
    int listener = Listener();
    sockaddr_storage address;
    socklen_t length = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), length), 0);
    int server = accept(listener, nullptr, nullptr);
    fds_.push_back(client);
    fds_.push_back(server);
    return {server, client};
  }
  int Listener() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_storage address;
    socklen_t length = Endpoint{IpAddress::V4(INADDR_LOOPBACK), 0}.ToSockaddr(&address);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd, 1000), 0);
    fds_.push_back(fd);
    return fd;
  }
  int ConnectTo(int listener) {
    sockaddr_storage address;
    socklen_t length = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    fds_.push_back(fd);
    return fd;
  }
  void EndReceive(int fd, Op& op) {
    io_->Shutdown(fd);
    io_->Cancel(&op);
    EXPECT_TRUE(RunUntil([&] { return !op.in_flight(); }));
  }

  std::unique_ptr<RingIo> io_;
  std::vector<int> fds_;
  std::function<bool()> done_;
  int turns_ = 0;
};

TEST_F(RingIoTest, SaysWhatThisKernelCanDo) {
  std::string words = io_->Features();
  EXPECT_NE(words.find("kernel "), std::string::npos);
  EXPECT_NE(words.find("registered_ring yes"), std::string::npos) << words;
  EXPECT_NE(words.find("msg_ring "), std::string::npos);
  EXPECT_NE(words.find("minimum_wait "), std::string::npos);
  RecordProperty("features", words);
  std::fprintf(stderr, "%s\n", words.c_str());
}

TEST_F(RingIoTest, SendAndReceive) {
  auto [ours, theirs] = TcpPair();
  Op receive, send;
  receive.submitting = true;
  io_->Receive(ours, &receive);
  receive.submitting = false;
  ASSERT_EQ(write(theirs, "ping", 4), 4);
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "ping"; }));
  EXPECT_TRUE(receive.more);
  std::string part1 = "gathered ", part2 = "from ", part3 = "parts";
  iovec parts[] = {{part1.data(), part1.size()}, {part2.data(), part2.size()}, {part3.data(), 5}};
  send.submitting = true;
  io_->Send(ours, parts, &send);
  send.submitting = false;
  std::fill(std::begin(parts), std::end(parts), iovec{});  // the parts may go, their bytes may not
  ASSERT_TRUE(RunUntil([&] { return !send.in_flight(); }));
  EXPECT_EQ(send.values, std::vector<int32_t>{19});
  char got[64];
  EXPECT_EQ(read(theirs, got, sizeof got), 19);
  EXPECT_EQ(std::string_view(got, 19), "gathered from parts");
  close(theirs);
  ASSERT_TRUE(RunUntil([&] { return !receive.in_flight(); }));
  EXPECT_EQ(receive.values.back(), 0);
  std::erase(fds_, theirs);
}

TEST_F(RingIoTest, MorePartsThanOneSendTakesAreAShortSend) {
  auto [ours, theirs] = TcpPair();
  std::vector<iovec> parts(limits::kSendPartsMax + 10, iovec{const_cast<char*>("x"), 1});
  Op send;
  io_->Send(ours, parts, &send);
  ASSERT_TRUE(RunUntil([&] { return !send.in_flight(); }));
  EXPECT_EQ(send.values[0], static_cast<int32_t>(limits::kSendPartsMax));
}

TEST_F(RingIoTest, SendToAClosedSocketIsAnErrorAndNoSignal) {
  auto [ours, theirs] = TcpPair();
  io_->Shutdown(ours);
  Op send;
  iovec part{const_cast<char*>("x"), 1};
  io_->Send(ours, {&part, 1}, &send);
  ASSERT_TRUE(RunUntil([&] { return !send.in_flight(); }));
  EXPECT_EQ(send.values[0], -EPIPE);
  (void)theirs;
}

TEST_F(RingIoTest, AcceptsManyWithOneRequestAndTheyHaveNoDelay) {
  int listener = Listener();
  Op accept;
  io_->Accept(listener, &accept);
  for (int i = 0; i < 50; ++i) ConnectTo(listener);
  ASSERT_TRUE(RunUntil([&] { return accept.values.size() == 50; }));
  EXPECT_TRUE(accept.in_flight());
  for (int fd : accept.values) {
    ASSERT_GE(fd, 0);
    int on = 0;
    socklen_t length = sizeof on;
    EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
    EXPECT_NE(on, 0);
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << "io_uring gives up at once on these";
    EXPECT_EQ(io_->PeerOf(fd).address, IpAddress::V4(INADDR_LOOPBACK));
    EXPECT_NE(io_->LocalOf(fd).port, 0);
    io_->Close(fd);
  }
  io_->Cancel(&accept);
  ASSERT_TRUE(RunUntil([&] { return !accept.in_flight(); }));
  EXPECT_EQ(accept.values.back(), -ECANCELED);
}

TEST_F(RingIoTest, AcceptWithoutDescriptorsFailsAndDoesNotSpin) {
  int listener = Listener();
  RunFor(Millis(2));  // UBSan's checks of types need a descriptor the first time
  ConnectTo(listener);
  rlimit old;
  getrlimit(RLIMIT_NOFILE, &old);
  rlimit none{1, old.rlim_max};
  Op accept;
  io_->Accept(listener, &accept);
  setrlimit(RLIMIT_NOFILE, &none);
  bool came = RunUntil([&] { return !accept.values.empty(); });
  setrlimit(RLIMIT_NOFILE, &old);
  ASSERT_TRUE(came);
  EXPECT_EQ(accept.values[0], -EMFILE);
  EXPECT_FALSE(accept.in_flight());
}

// As they come from a service manager, or from code that polls.
TEST_F(RingIoTest, NonBlockingDescriptorsAreWaitedForToo) {
  int listener = Listener();
  fcntl(listener, F_SETFL, O_NONBLOCK);
  Op accept, receive;
  io_->Accept(listener, &accept);
  auto [ours, theirs] = TcpPair();
  fcntl(ours, F_SETFL, O_NONBLOCK);
  io_->Receive(ours, &receive);
  RunFor(Millis(5));
  EXPECT_TRUE(accept.values.empty());
  EXPECT_TRUE(receive.values.empty());
  ConnectTo(listener);
  ASSERT_EQ(write(theirs, "x", 1), 1);
  ASSERT_TRUE(RunUntil([&] { return accept.values.size() == 1 && receive.bytes == "x"; }));
  io_->Close(accept.values[0]);
  io_->Cancel(&accept);
  EndReceive(ours, receive);
  ASSERT_TRUE(RunUntil([&] { return !accept.in_flight(); }));
}

TEST_F(RingIoTest, ConnectFromASource) {
  int listener = Listener();
  Endpoint server = io_->LocalOf(listener);
  IpAddress source = *IpAddress::Parse("127.0.0.9");
  int fd = io_->OpenSocket(server, &source);
  ASSERT_GE(fd, 0);
  Op connect;
  io_->Connect(fd, server, &connect);
  ASSERT_TRUE(RunUntil([&] { return !connect.in_flight(); }));
  EXPECT_EQ(connect.values[0], 0);
  EXPECT_EQ(io_->LocalOf(fd).address, source);
  EXPECT_EQ(io_->PeerOf(fd), server);
  io_->Close(fd);
}

TEST_F(RingIoTest, OpenSocketFromAForeignSourceFails) {
  IpAddress source = *IpAddress::Parse("203.0.113.77");
  EXPECT_EQ(io_->OpenSocket(*Endpoint::Parse("127.0.0.1:25"), &source), -EADDRNOTAVAIL);
}

TEST_F(RingIoTest, CancelEndsAReceiveThatWaits) {
  auto [ours, theirs] = TcpPair();
  Op receive;
  io_->Receive(ours, &receive);
  RunFor(Millis(5));
  io_->Cancel(&receive);
  ASSERT_TRUE(RunUntil([&] { return !receive.in_flight(); }));
  EXPECT_EQ(receive.values, std::vector<int32_t>{-ECANCELED});
  // The socket is as good as before.
  io_->Receive(ours, &receive);
  ASSERT_EQ(write(theirs, "x", 1), 1);
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "x"; }));
  EndReceive(ours, receive);
}

TEST_F(RingIoTest, CancelInTheSameTurnAsTheRequest) {
  auto [ours, theirs] = TcpPair();
  Op receive;
  io_->Receive(ours, &receive);
  io_->Cancel(&receive);
  ASSERT_TRUE(RunUntil([&] { return !receive.in_flight(); }));
  (void)theirs;
}

TEST_F(RingIoTest, CancelThatComesTooLateHasNoEffect) {
  auto [ours, theirs] = TcpPair();
  Op send;
  iovec part{const_cast<char*>("abc"), 3};
  io_->Send(ours, {&part, 1}, &send);
  io_->Cancel(&send);
  ASSERT_TRUE(RunUntil([&] { return !send.in_flight(); }));
  EXPECT_TRUE(send.values[0] == 3 || send.values[0] == -ECANCELED);
  io_->Cancel(&send);  // nothing in flight
  RunFor(Millis(2));
  EXPECT_EQ(send.values.size(), 1u);
  (void)theirs;
}

TEST_F(RingIoTest, CancelEndsAConnectThatWaits) {
  // A listener whose backlog is full takes no more: the connect waits.
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  fds_.push_back(listener);
  sockaddr_storage address;
  socklen_t length = Endpoint{IpAddress::V4(INADDR_LOOPBACK), 0}.ToSockaddr(&address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  Endpoint server = io_->LocalOf(listener);
  std::vector<std::unique_ptr<Op>> connects;
  std::vector<int> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.push_back(io_->OpenSocket(server, nullptr));
    connects.push_back(std::make_unique<Op>());
    io_->Connect(sockets.back(), server, connects.back().get());
  }
  RunFor(Millis(50));
  ASSERT_TRUE(connects.back()->in_flight());
  for (auto& connect : connects) io_->Cancel(connect.get());
  ASSERT_TRUE(RunUntil([&] {
    return std::none_of(connects.begin(), connects.end(), [](auto& op) { return op->in_flight(); });
  }));
  EXPECT_EQ(connects.back()->values[0], -ECANCELED);
  for (int fd : sockets) io_->Close(fd);
}

// A send in flight is not hit by the cancel of a receive on the same socket.
TEST_F(RingIoTest, CancelOfAReceiveLeavesTheSendAlone) {
  auto [ours, theirs] = TcpPair();
  std::string big(16'000'000, 'x');
  Op send, receive;
  iovec part{big.data(), big.size()};
  io_->Send(ours, {&part, 1}, &send);
  io_->Receive(ours, &receive);
  RunFor(Millis(5));
  // The kernel took a first part; the next send waits.
  ASSERT_FALSE(send.in_flight());
  ASSERT_GT(send.values[0], 0);
  io_->Send(ours, {&part, 1}, &send);
  RunFor(Millis(5));
  while (!send.in_flight()) {
    io_->Send(ours, {&part, 1}, &send);
    RunFor(Millis(5));
  }
  io_->Cancel(&receive);
  ASSERT_TRUE(RunUntil([&] { return !receive.in_flight(); }));
  RunFor(Millis(5));
  EXPECT_TRUE(send.in_flight());
  io_->Cancel(&send);
  ASSERT_TRUE(RunUntil([&] { return !send.in_flight(); }));
  EXPECT_EQ(send.values.back(), -ECANCELED);
  (void)theirs;
}

// close() alone would neither cancel nor send FIN while a request holds the file.
TEST_F(RingIoTest, ShutdownTellsThePeerThoughAReceiveIsInFlight) {
  auto [ours, theirs] = TcpPair();
  Op receive;
  io_->Receive(ours, &receive);
  RunFor(Millis(2));
  io_->Shutdown(ours);
  ASSERT_TRUE(RunUntil([&] { return !receive.in_flight(); }));
  EXPECT_EQ(receive.values.back(), 0);
  char byte;
  EXPECT_EQ(recv(theirs, &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(RingIoTest, DeferRunsInTheNextTurn) {
  Op op;
  int rounds = 0;
  op.on_result = [&](Result&) {
    if (++rounds == 3) return;
    io_->Defer(&op, rounds);
  };
  op.submitting = true;
  io_->Defer(&op, 0);
  op.submitting = false;
  int before = turns_;
  ASSERT_TRUE(RunUntil([&] { return rounds == 3; }));
  EXPECT_EQ(turns_ - before, 3) << "one per turn, and no sleep between";
  EXPECT_EQ(op.values, (std::vector<int32_t>{0, 1, 2}));
}

TEST_F(RingIoTest, TimersFireWhileNothingElseHappens) {
  struct Tick : Timer {
    using Timer::Timer;
    MonoTime fired;
  } tick([](Timer* timer) { static_cast<Tick*>(timer)->fired = ReadMonoClock(); });
  MonoTime due = ReadMonoClock() + Millis(30);
  io_->timers().Schedule(&tick, due);
  ASSERT_TRUE(RunUntil([&] { return !tick.scheduled(); }));
  EXPECT_GE(tick.fired, due);
  EXPECT_LT(tick.fired, due + Millis(200));
  EXPECT_LE(turns_, 5) << "it sleeps, it does not poll";
}

TEST_F(RingIoTest, ClocksAreReadOncePerTurn) {
  MonoTime before = io_->now();
  usleep(5000);
  EXPECT_EQ(io_->now(), before);
  RunFor(Millis(2));
  EXPECT_GT(io_->now(), before);
  EXPECT_LT(std::abs((io_->wall_now() - ReadWallClock()).count()), 1000);
}

TEST_F(RingIoTest, CountsWhatItDoes) {
  Counters counters;
  CountersScope scope(&counters);
  auto [ours, theirs] = TcpPair();
  Op receive, send;
  io_->Receive(ours, &receive);
  iovec part{const_cast<char*>("12345"), 5};
  io_->Send(ours, {&part, 1}, &send);
  ASSERT_EQ(write(theirs, "abc", 3), 3);
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "abc" && !send.in_flight(); }));
  EXPECT_EQ(counters.Get(Counter::kReceiveBytes), 3u);
  EXPECT_EQ(counters.Get(Counter::kSendBytes), 5u);
  EXPECT_GE(counters.Get(Counter::kRingCompletions), 2u);
  EXPECT_GE(counters.Get(Counter::kRingEnters), 1u);
  EndReceive(ours, receive);
}

class SmallRingTest : public RingIoTest {
 protected:
  SmallRingTest()
      : RingIoTest({.submission_entries = 4,
                    .completion_entries = 8,
                    .buffer_bytes = 512,
                    .buffer_count = 8}) {}
};

// More requests than the submission queue holds, more completions than the completion queue holds:
// the rest is handed over in between, and nothing is lost or run early.
TEST_F(SmallRingTest, QueuesThatOverflowLoseNothing) {
  constexpr int kPairs = 100;
  std::vector<std::array<int, 2>> pairs;
  std::vector<std::unique_ptr<Op>> receives, sends;
  for (int i = 0; i < kPairs; ++i) pairs.push_back(TcpPair());
  iovec part{const_cast<char*>("hello"), 5};
  for (auto [ours, theirs] : pairs) {
    ASSERT_EQ(write(theirs, "x", 1), 1);
    receives.push_back(std::make_unique<Op>());
    sends.push_back(std::make_unique<Op>());
    Op* receive = receives.back().get();
    receive->on_result = [this, receive, fd = ours](Result& result) {
      if (result.value == -ENOBUFS) io_->ParkForBuffers(receive);
      if (result.value == 0 && !receive->in_flight()) io_->Receive(fd, receive);  // unparked
    };
    receive->submitting = sends.back()->submitting = true;
    io_->Receive(ours, receive);
    io_->Send(ours, {&part, 1}, sends.back().get());
    receive->submitting = sends.back()->submitting = false;
  }
  ASSERT_TRUE(RunUntil([&] {
    return std::all_of(receives.begin(), receives.end(),
                       [](auto& op) { return op->bytes == "x"; }) &&
           std::none_of(sends.begin(), sends.end(), [](auto& op) { return op->in_flight(); });
  }));
  for (auto& send : sends) EXPECT_EQ(send->values, std::vector<int32_t>{5});
  for (size_t i = 0; i < pairs.size(); ++i) {
    receives[i]->on_result = nullptr;
    io_->Shutdown(pairs[i][0]);
  }
  ASSERT_TRUE(RunUntil([&] {
    return std::none_of(receives.begin(), receives.end(), [](auto& op) { return op->in_flight(); });
  }));
}

// One busy connection may take every buffer in one go. The others are parked, and served in their
// turn.
TEST_F(SmallRingTest, NoBuffersMeansParkNotSpin) {
  auto [ours, theirs] = TcpPair();
  std::string bytes(100'000, 'b');
  ASSERT_EQ(send(theirs, bytes.data(), bytes.size(), MSG_DONTWAIT),
            static_cast<ssize_t>(bytes.size()));
  Op receive;
  int no_buffers = 0;
  receive.on_result = [&, fd = ours](Result& result) {
    if (result.value == -ENOBUFS) {
      ++no_buffers;
      io_->ParkForBuffers(&receive);
    } else if (!receive.in_flight()) {
      io_->Receive(fd, &receive);
    }
  };
  io_->Receive(ours, &receive);
  ASSERT_TRUE(RunUntil([&] { return receive.bytes.size() == bytes.size(); }));
  EXPECT_GT(no_buffers, 0);
  EXPECT_EQ(receive.bytes, bytes);
  EXPECT_LT(turns_, 1000);
  receive.on_result = nullptr;
  EndReceive(ours, receive);
}

TEST_F(SmallRingTest, ParkedAreServedInOrderAndCanBeCancelled) {
  // All buffers are offered, so what is parked comes back at once, in order.
  std::vector<int> order;
  Op first, second, third;
  first.on_result = [&](Result&) { order.push_back(1); };
  second.on_result = [&](Result& result) { order.push_back(result.value); };
  third.on_result = [&](Result&) { order.push_back(3); };
  io_->ParkForBuffers(&first);
  io_->ParkForBuffers(&second);
  io_->ParkForBuffers(&third);
  io_->Cancel(&second);
  ASSERT_TRUE(RunUntil([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{-ECANCELED, 1, 3}));
}

// A receiver that keeps all it gets: buffers are copied out of before they run out for the others.
TEST_F(SmallRingTest, KeptSlicesDoNotStarveOthers) {
  auto [ours, theirs] = TcpPair();
  auto [other_ours, other_theirs] = TcpPair();
  Op hoarder, other;
  auto again = [this](Op& op, int fd) {
    return [this, &op, fd](Result& result) {
      if (op.in_flight()) return;
      result.value == -ENOBUFS ? io_->ParkForBuffers(&op) : io_->Receive(fd, &op);
    };
  };
  hoarder.keep = true;
  hoarder.on_result = again(hoarder, ours);
  other.on_result = again(other, other_ours);
  io_->Receive(ours, &hoarder);
  io_->Receive(other_ours, &other);
  std::string bytes(50'000, 'h');
  ASSERT_GT(send(theirs, bytes.data(), bytes.size(), MSG_DONTWAIT), 0);
  ASSERT_TRUE(RunUntil([&] { return hoarder.bytes.size() == bytes.size(); }));
  EXPECT_LE(io_->pool_bytes_held(), io_->pool_bytes() * 3 / 4);
  ASSERT_EQ(write(other_theirs, "me too", 6), 6);
  ASSERT_TRUE(RunUntil([&] { return other.bytes == "me too"; }));
  hoarder.on_result = other.on_result = nullptr;
  EndReceive(ours, hoarder);
  EndReceive(other_ours, other);
  EXPECT_EQ(hoarder.kept.Gather().view(), bytes);
  hoarder.kept.Clear();
  EXPECT_EQ(io_->pool_bytes_held(), 0u);
}

TEST(RingIoMakeTest, RefusesImpossibleSizesWithWords) {
  RingOptions options;
  options.submission_entries = 1u << 30;
  auto made = RingIo::Make(options);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(MessageOf(made.status()).find("refused the ring's sizes"), std::string_view::npos)
      << std::string(MessageOf(made.status()));
}

TEST(RingIoMakeTest, PinsAThreadToACoreThatExists) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_TRUE(PinThread(0));
  EXPECT_EQ(sched_getcpu(), 0);
  EXPECT_FALSE(PinThread(5000));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace ringpost::reactor
