// `ringpost-bench idle`: holds many SMTP connections open that say EHLO and then nothing, to weigh
// them.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/net.h"
#include "bench/load/reply_reader.h"

namespace ringpost::bench {
namespace {

// Connections that are being opened at one time: a burst beyond the listener's backlog would be
// dropped and come again a second later.
constexpr size_t kOpeningMax = 128;
// How long the server may take to answer them all.
constexpr uint64_t kOpeningNanosMax = 120 * kNanosPerSecond;

struct IdleOptions {
  std::string server_text = "127.0.0.1:2525";
  Endpoint server;
  size_t connections = 1000;
  unsigned sources = 1;
  double hold_seconds = 0;
};

struct IdleCounts {
  size_t opening = 0;
  size_t ready = 0;
  size_t failed = 0;
  size_t lost = 0;
};

class IdleConnection : public PollHandler {
 public:
  IdleConnection(Poller* poller, IdleCounts* counts) : poller_(poller), counts_(counts) {}
  ~IdleConnection() override {
    if (fd_ >= 0) close(fd_);
  }

  void Open(const IdleOptions& options, size_t number) {
    ++counts_->opening;
    fd_ = BeginConnect(options.server, static_cast<unsigned>(number % options.sources));
    if (fd_ < 0) return Failed();
    poller_->Add(fd_, EPOLLIN, this);
  }

  void OnEvents(uint32_t) override {
    if (fd_ < 0) return;
    char bytes[4096];
    const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return Failed();
    replies_.Append({bytes, static_cast<size_t>(count)});
    while (const auto reply = replies_.Next()) {
      if (reply->code / 100 != 2) return Failed();
      if (++answers_ == 1 && send(fd_, "EHLO idle.example\r\n", 19, MSG_NOSIGNAL) != 19) {
        return Failed();
      }
      if (answers_ == 2) {
        --counts_->opening;
        ++counts_->ready;
      }
    }
  }

 private:
  void Failed() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    if (answers_ < 2) {
      --counts_->opening;
      ++counts_->failed;
    } else {
      --counts_->ready;
      ++counts_->lost;
    }
  }

  Poller* const poller_;
  IdleCounts* const counts_;
  int fd_ = -1;
  int answers_ = 0;
  ReplyReader replies_;
};

void Print(const char* state, const IdleCounts& counts) {
  std::printf("{\"state\":\"%s\",\"ready\":%zu,\"failed\":%zu,\"lost\":%zu}\n", state, counts.ready,
              counts.failed, counts.lost);
  std::fflush(stdout);
}

volatile sig_atomic_t g_stop = 0;

int RunIdle(const IdleOptions& options) {
  RaiseOpenFileLimit();
  struct sigaction action{};
  action.sa_handler = [](int) { g_stop = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  Poller poller;
  IdleCounts counts;
  std::vector<std::unique_ptr<IdleConnection>> connections;
  const uint64_t give_up = NowNanos() + kOpeningNanosMax;
  while (g_stop == 0 && NowNanos() < give_up &&
         counts.ready + counts.failed + counts.lost < options.connections) {
    while (connections.size() < options.connections && counts.opening < kOpeningMax) {
      connections.push_back(std::make_unique<IdleConnection>(&poller, &counts));
      connections.back()->Open(options, connections.size() - 1);
    }
    poller.Wait(NowNanos() + 50'000'000);
  }
  Print("ready", counts);
  const uint64_t end = options.hold_seconds > 0
                           ? NowNanos() + static_cast<uint64_t>(options.hold_seconds * 1e9)
                           : ~uint64_t{0};
  while (g_stop == 0 && NowNanos() < end) poller.Wait(NowNanos() + 200'000'000);
  Print("end", counts);
  return counts.ready == options.connections ? 0 : 3;
}

}  // namespace

void AddIdleCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<IdleOptions>();
  CLI::App* const idle = app->add_subcommand(
      "idle",
      "Hold idle connections. Prints a line of JSON when all are open, and one at the end.");
  idle->add_option("--server", options->server_text, "ADDRESS:PORT")->capture_default_str();
  idle->add_option("--connections", options->connections, "How many")->capture_default_str();
  idle->add_option("--sources", options->sources, "Connect from 127.0.0.1 to 127.0.0.N")
      ->capture_default_str()
      ->check(CLI::Range(1u, 254u));
  idle->add_option("--hold", options->hold_seconds, "Seconds; without it until a signal");
  idle->callback([options, exit_code] {
    if (!ParseEndpoint(options->server_text, &options->server)) {
      throw CLI::ValidationError("--server", "expected a numeric ADDRESS:PORT");
    }
    *exit_code = RunIdle(*options);
  });
}

}  // namespace ringpost::bench
