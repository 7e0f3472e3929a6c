// `ringpost-bench idle`: holds many SMTP connections open that say EHLO (under TLS where that is
// asked for) and then nothing, to weigh them.
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load/client_socket.h"
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
  TlsMode tls = TlsMode::kNone;
  // Not resumed: what is weighed is what the server keeps of a full handshake.
  std::shared_ptr<const tls::ClientContext> tls_context;
};

struct IdleCounts {
  size_t opening = 0;
  size_t ready = 0;
  size_t failed = 0;
  size_t lost = 0;
};

class IdleConnection : public PollHandler {
 public:
  IdleConnection(const IdleOptions* options, Poller* poller, IdleCounts* counts)
      : options_(options), poller_(poller), counts_(counts) {
    // What is said when a reply has come, in this order; nothing after the last.
    if (options->tls == TlsMode::kStartTls) {
      script_ = {"EHLO idle.example\r\n", "STARTTLS\r\n", kHandshake, "EHLO idle.example\r\n"};
    } else {
      script_ = {"EHLO idle.example\r\n"};
    }
  }

  void Open(size_t number) {
    ++counts_->opening;
    const auto source = static_cast<unsigned>(number % options_->sources);
    if (!socket_.Open(options_->server, source, poller_, this)) return Failed();
    if (options_->tls != TlsMode::kImplicit) return;
    connecting_ = true;
    poller_->Modify(socket_.fd(), EPOLLOUT, this);
  }

  void OnEvents(uint32_t) override {
    if (!socket_.open()) return;
    if (connecting_) {
      connecting_ = false;
      poller_->Modify(socket_.fd(), EPOLLIN, this);
      if (ConnectError(socket_.fd()) != 0 || !StartTls()) Failed();
      return;
    }
    const ClientSocket::Event event =
        socket_.Read([this](std::string_view said) { replies_.Append(said); });
    if (event == ClientSocket::Event::kEnded) return Failed();
    if (event == ClientSocket::Event::kSecured && said_ > 0 && !GoOn()) return Failed();
    while (const auto reply = replies_.Next()) {
      if (reply->code / 100 != 2 || !GoOn()) return Failed();
    }
  }

 private:
  static constexpr std::string_view kHandshake = "";

  bool StartTls() { return socket_.StartTls(options_->tls_context, "server"); }

  // The next step of the script; behind the last the connection is ready.
  bool GoOn() {
    if (said_ < script_.size()) {
      const std::string_view words = script_[said_++];
      return words == kHandshake ? StartTls() : socket_.Say(words);
    }
    if (std::exchange(ready_, true)) return false;  // nothing was asked
    --counts_->opening;
    ++counts_->ready;
    return true;
  }

  void Failed() {
    socket_.Close();
    if (ready_) {
      --counts_->ready;
      ++counts_->lost;
    } else {
      --counts_->opening;
      ++counts_->failed;
    }
  }

  const IdleOptions* const options_;
  Poller* const poller_;
  IdleCounts* const counts_;
  ClientSocket socket_;
  bool connecting_ = false;
  bool ready_ = false;
  std::vector<std::string_view> script_;
  size_t said_ = 0;  // steps of the script
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
      connections.push_back(std::make_unique<IdleConnection>(&options, &poller, &counts));
      connections.back()->Open(connections.size() - 1);
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
  idle->add_option("--tls", options->tls, "none, starttls or implicit; any certificate will do")
      ->transform(CLI::CheckedTransformer(kTlsModes))
      ->default_str("none");
  idle->callback([options, exit_code] {
    if (options->tls != TlsMode::kNone) options->tls_context = MakeClientContext(/*resume=*/false);
    if (!ParseEndpoint(options->server_text, &options->server)) {
      throw CLI::ValidationError("--server", "expected a numeric ADDRESS:PORT");
    }
    *exit_code = RunIdle(*options);
  });
}

}  // namespace ringpost::bench
