// Echo over the ring: what one message costs a shard with no protocol on top. A second thread is
// the client: it writes to every connection, then reads every answer, with plain system calls.
//
// The figures: time is wall time per round trip of all connections; server_us is the shard's own
// CPU time (user and system) per message, enters its enter calls per message.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/reactor/ring_io.h"
#include "gateway/reactor/stream.h"

namespace ringpost::reactor {
namespace {

double ThreadCpuMicros() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

struct EchoSession final : StreamHandler {
  EchoSession(Io* io, size_t size, bool reply_only)
      : stream(io, this), expected(size), short_reply(reply_only) {}
  void OnConnected(int) override {}
  void OnReceive(Slice bytes) override {
    received += bytes.size();
    if (short_reply) {
      if (received < expected) return;
      stream.WriteCopy("250 2.0.0 queued as 01KABCDEFGHJKMNPQRSTVWXYZ0\r\n");
    } else {
      stream.Write(std::move(bytes));
    }
    received = 0;
    stream.Flush();
  }
  void OnSent() override {}
  void OnEnd(int) override { stream.Close(); }
  void OnClosed() override { closed = true; }
  Stream stream;
  size_t expected;
  size_t received = 0;
  bool short_reply;
  bool closed = false;
};

class EchoServer final : public Listener::Handler {
 public:
  EchoServer(int listen_fd, size_t size, bool short_reply)
      : size_(size), short_reply_(short_reply) {
    thread_ = std::thread([this, listen_fd] { Serve(listen_fd); });
    while (!ready_.load()) std::this_thread::yield();
  }
  ~EchoServer() { thread_.join(); }
  void OnAccept(int fd) override {
    sessions_.push_back(std::make_unique<EchoSession>(io_.get(), size_, short_reply_));
    sessions_.back()->stream.Adopt(fd);
  }
  double cpu_micros() const { return cpu_micros_.load(); }
  const Counters& counters() const { return counters_; }
  // Ends the server's loop; the figures are there once cpu_micros() is not zero.
  void Finish() { io_->Stop(); }

 private:
  void Serve(int listen_fd) {
    CountersScope scope(&counters_);
    auto made = RingIo::Make({});
    RP_CHECK(made.ok());
    io_ = std::move(*made);
    listener_.emplace(io_.get(), listen_fd, this);
    listener_->Start();
    ready_.store(true);
    io_->Run(nullptr, nullptr);
    cpu_micros_.store(ThreadCpuMicros());
    listener_->Stop();
    for (auto& session : sessions_) session->stream.Close();
    io_->Run([](void* self) { static_cast<EchoServer*>(self)->StopOnceQuiet(); }, this);
    listener_.reset();
    sessions_.clear();
    io_.reset();
  }

  void StopOnceQuiet() {
    bool quiet = listener_->stopped();
    for (auto& session : sessions_) quiet = quiet && session->closed;
    if (quiet) io_->Stop();
  }

  size_t size_;
  bool short_reply_;
  std::thread thread_;
  std::atomic<bool> ready_{false};
  std::unique_ptr<RingIo> io_;
  std::optional<Listener> listener_;
  std::vector<std::unique_ptr<EchoSession>> sessions_;
  Counters counters_;
  std::atomic<double> cpu_micros_{0};
};

void ReadAll(int fd, char* into, size_t size) {
  while (size > 0) {
    ssize_t n = recv(fd, into, size, 0);
    RP_CHECK(n > 0);
    size -= static_cast<size_t>(n);
  }
}

int ListenOnLoopback(Endpoint* local) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address;
  socklen_t length = Endpoint{IpAddress::V4(INADDR_LOOPBACK), 0}.ToSockaddr(&address);
  RP_CHECK(fd >= 0);
  RP_CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(fd, 1000) == 0);
  RP_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  *local = *Endpoint::FromSockaddr(address);
  return fd;
}

int ConnectToLoopback(const Endpoint& server) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address;
  socklen_t length = server.ToSockaddr(&address);
  RP_CHECK(fd >= 0);
  RP_CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  return fd;
}

void RunEcho(benchmark::State& state, bool short_reply) {
  auto connections = static_cast<size_t>(state.range(0));
  auto size = static_cast<size_t>(state.range(1));
  Endpoint local;
  int listen_fd = ListenOnLoopback(&local);
  EchoServer server(listen_fd, size, short_reply);
  std::vector<int> clients;
  for (size_t i = 0; i < connections; ++i) clients.push_back(ConnectToLoopback(local));
  std::string message(size, 'x'), answer(std::max<size_t>(size, 64), '\0');
  size_t answer_size = short_reply ? 48 : size;
  for (auto _ : state) {
    for (int fd : clients)
      RP_CHECK(send(fd, message.data(), size, 0) == static_cast<ssize_t>(size));
    for (int fd : clients) ReadAll(fd, answer.data(), answer_size);
  }
  server.Finish();
  for (int fd : clients) close(fd);
  double messages = static_cast<double>(state.iterations()) * static_cast<double>(connections);
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  while (server.cpu_micros() == 0) std::this_thread::yield();
  state.counters["server_us"] = server.cpu_micros() / messages;
  state.counters["enters"] =
      static_cast<double>(server.counters().Get(Counter::kRingEnters)) / messages;
  state.counters["completions"] =
      static_cast<double>(server.counters().Get(Counter::kRingCompletions)) / messages;
  close(listen_fd);
}

void EchoOverRing(benchmark::State& state) { RunEcho(state, /*short_reply=*/false); }
BENCHMARK(EchoOverRing)
    ->Args({1, 30})
    ->Args({50, 30})
    ->Args({200, 30})
    ->Args({50, 4096})
    ->UseRealTime();

// A message in, a short reply out: the shape of end of data.
void ReplyOverRing(benchmark::State& state) { RunEcho(state, /*short_reply=*/true); }
BENCHMARK(ReplyOverRing)->Args({50, 4096})->Args({200, 4096})->Args({50, 65536})->UseRealTime();

}  // namespace
}  // namespace ringpost::reactor
