// A worker of `load` against a sink that is slow: what its latencies count.
#include "bench/load/load_worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
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
}

TEST(LoadWorkerTest, AClosedLoopCountsFromTheLastByte) {
  const LoadStats stats = Load(0);
  EXPECT_EQ(stats.final_reply.count(), kMessages);
  EXPECT_GE(stats.final_reply.Quantile(0.5), kReplyNanos * 9 / 10);
  EXPECT_LE(stats.final_reply.Quantile(0.5), stats.transaction.Quantile(0.5));
  EXPECT_EQ(stats.due.count(), 0u);
}

}  // namespace
}  // namespace ringpost::bench
