// A worker of `load` against a sink: what its latencies count where the sink is slow, and both
// under TLS.
#include "bench/load/load_worker.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "bench/load/sink_server.h"

namespace ringpost::bench {
namespace {

constexpr uint64_t kReplyNanos = 30'000'000;
constexpr uint64_t kMessages = 10;

// A sink in a thread of its own that holds every final reply back for kReplyNanos.
class SlowSink {
 public:
  SlowSink() {
    options_.rules[static_cast<size_t>(Phase::kFinal)].delay_nanos = kReplyNanos;
    events_.on_message = [](const ReceivedMessage&) -> std::string_view { return {}; };
    EXPECT_TRUE(ParseEndpoint("127.0.0.1:0", &endpoint_));
    const int listener = ListenOn(endpoint_, /*shared=*/false);
    endpoint_.length = sizeof endpoint_.address;
    EXPECT_EQ(
        getsockname(listener, reinterpret_cast<sockaddr*>(&endpoint_.address), &endpoint_.length),
        0);
    thread_ = std::thread([this, listener] {
      Poller poller;
      SinkServer server(&options_, &events_, listener, /*seed=*/1, &poller, [] {});
      while (!stop_) server.Turn(NowNanos() + 10'000'000);
    });
  }
  ~SlowSink() {
    stop_ = true;
    thread_.join();
  }
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  SinkOptions options_;
  SinkEvents events_;
  Endpoint endpoint_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

LoadStats Load(double rate) {
  const SlowSink sink;
  LoadOptions options;
  options.server = sink.endpoint();
  options.connections = 1;
  options.messages = kMessages;
  options.rate = rate;
  const MessageMaker maker(options);
  LoadWorker worker(&options, &maker, 0);
  EXPECT_TRUE(worker.Prepare() && worker.Run());
  EXPECT_EQ(worker.stats().accepted, kMessages);
  return worker.stats();
}

// All are due within 10 ms and the only connection is busy 30 ms with each: the last has waited for
// nine others.
TEST(LoadWorkerTest, AnOpenLoopCountsTheWaitForAConnection) {
  const LoadStats stats = Load(1000);
  EXPECT_EQ(stats.due.count(), kMessages);
  EXPECT_GE(stats.due.max(), (kMessages - 1) * kReplyNanos);
  EXPECT_GE(stats.due.Quantile(0.5), (kMessages / 2 - 1) * kReplyNanos);
  // That of the server alone is told beside it: of the transaction, and of the final dot.
  EXPECT_GE(stats.transaction.Quantile(0.5), kReplyNanos);
  EXPECT_LT(stats.transaction.Quantile(0.5), stats.due.Quantile(0.5));
  EXPECT_GE(stats.final_reply.Quantile(0.5), kReplyNanos * 9 / 10);
  EXPECT_LT(stats.final_reply.Quantile(0.5), stats.due.Quantile(0.5));
  // What is held back is the final reply alone.
  EXPECT_EQ(stats.mail_reply.count(), kMessages);
  EXPECT_LT(stats.mail_reply.Quantile(0.5), kReplyNanos / 2);
}

TEST(LoadWorkerTest, AClosedLoopCountsFromTheLastByte) {
  const LoadStats stats = Load(0);
  EXPECT_EQ(stats.final_reply.count(), kMessages);
  EXPECT_GE(stats.final_reply.Quantile(0.5), kReplyNanos * 9 / 10);
  EXPECT_LE(stats.final_reply.Quantile(0.5), stats.transaction.Quantile(0.5));
  EXPECT_EQ(stats.due.count(), 0u);
}

// --- TLS

// A sink in a thread of its own, and what it has seen.
class TlsSink {
 public:
  explicit TlsSink(TlsMode mode) {
    options_.tls = mode;
    events_.on_message = [this](const ReceivedMessage& message) -> std::string_view {
      ++(message.secured ? secured : clear);
      bytes += message.bytes;
      return {};
    };
    events_.on_handshake = [this](Handshake how) { ++handshakes[static_cast<size_t>(how)]; };
    EXPECT_TRUE(ParseEndpoint("127.0.0.1:0", &endpoint));
    const int listener = ListenOn(endpoint, /*shared=*/false);
    endpoint.length = sizeof endpoint.address;
    EXPECT_EQ(
        getsockname(listener, reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.length), 0);
    std::string error;
    auto context = mode == TlsMode::kNone ? nullptr : MakeServerContext("", "", &error);
    thread_ = std::thread([this, listener, context] {
      Poller poller;
      SinkServer server(&options_, &events_, listener, /*seed=*/1, &poller, [] {}, context);
      while (!stop_) server.Turn(NowNanos() + 10'000'000);
    });
  }
  ~TlsSink() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  uint64_t count(Handshake how) const { return handshakes[static_cast<size_t>(how)]; }

  Endpoint endpoint;
  // To be looked at when it has stopped.
  uint64_t secured = 0, clear = 0, bytes = 0;
  std::array<uint64_t, 3> handshakes{};

 private:
  SinkOptions options_;
  SinkEvents events_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

LoadStats LoadTls(TlsSink* sink, LoadOptions options) {
  options.server = sink->endpoint;
  const MessageMaker maker(options);
  LoadWorker worker(&options, &maker, 0);
  EXPECT_TRUE(worker.Prepare() && worker.Run());
  sink->Stop();
  return worker.stats();
}

TEST(LoadTlsTest, ConnectionsAreKept) {
  for (const TlsMode mode : {TlsMode::kStartTls, TlsMode::kImplicit}) {
    TlsSink sink(mode);
    LoadOptions options;
    options.tls = mode;
    options.connections = 5;
    options.messages = 200;
    const LoadStats stats = LoadTls(&sink, options);
    EXPECT_EQ(stats.accepted, 200u);
    EXPECT_EQ(stats.tls_handshakes, 5u);
    EXPECT_EQ(stats.tls_failures, 0u);
    EXPECT_EQ(stats.disconnects, 0u);
    EXPECT_EQ(sink.secured, 200u);
    EXPECT_EQ(sink.clear, 0u);
    EXPECT_EQ(sink.count(Handshake::kFull), 5u);
    EXPECT_EQ(sink.bytes, stats.text_bytes + 200 * 3);  // the final dots
  }
}

// Larger than what is sealed at once, and than the sockets take.
TEST(LoadTlsTest, LargeMessagesArriveWhole) {
  for (const bool bdat : {false, true}) {
    TlsSink sink(TlsMode::kStartTls);
    LoadOptions options;
    options.tls = TlsMode::kStartTls;
    options.connections = 3;
    options.messages = 6;
    options.sizes = {{5'000'000, 1}};
    options.bdat = bdat;
    const LoadStats stats = LoadTls(&sink, options);
    EXPECT_EQ(stats.accepted, 6u);
    EXPECT_EQ(sink.secured, 6u);
    EXPECT_EQ(sink.bytes, stats.text_bytes + (bdat ? 0 : 6 * 3));
  }
}

TEST(LoadTlsTest, SessionsAreResumedOnlyWhereThatIsAskedFor) {
  for (const bool resume : {false, true}) {
    TlsSink sink(TlsMode::kImplicit);
    LoadOptions options;
    options.tls = TlsMode::kImplicit;
    options.resume = resume;
    options.session_per_message = true;
    options.connections = 2;
    options.messages = 20;
    const LoadStats stats = LoadTls(&sink, options);
    EXPECT_EQ(stats.accepted, 20u);
    // One may be opened again before it is known that no message is left.
    EXPECT_GE(stats.tls_handshakes, 20u);
    EXPECT_EQ(stats.tls_resumed, resume ? stats.tls_handshakes - 2 : 0u);
    EXPECT_EQ(sink.count(Handshake::kResumed), stats.tls_resumed);
  }
}

// Nothing is sent in clear to a server that has no TLS, and what went wrong is counted.
TEST(LoadTlsTest, WithoutTlsAtTheServerNothingIsSent) {
  for (const TlsMode mode : {TlsMode::kStartTls, TlsMode::kImplicit}) {
    TlsSink sink(TlsMode::kNone);
    LoadOptions options;
    options.tls = mode;
    options.connections = 2;
    options.seconds = 0.2;
    const LoadStats stats = LoadTls(&sink, options);
    EXPECT_EQ(stats.started, 0u);
    EXPECT_EQ(sink.clear, 0u);
    EXPECT_GT(stats.disconnects, 0u);
    if (mode == TlsMode::kImplicit) {
      EXPECT_GT(stats.tls_failures, 0u);
      EXPECT_NE(stats.tls_failure, "");
    }
  }
}

}  // namespace
}  // namespace ringpost::bench
