// `ringpost-bench connect`: opens connections again and again, each for a greeting and no mail: the
// connect, a full TLS handshake where that is asked for, 220, QUIT, 221, the end. What a server
// pays for a connection, and with TLS for a handshake, without what a message costs. In clear, a
// NOOP can stand for the round trip that a handshake takes.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/client_socket.h"
#include "bench/load/commands.h"
#include "bench/load/histogram.h"
#include "bench/load/net.h"
#include "bench/load/reply_reader.h"

namespace ringpost::bench {
namespace {

struct ConnectOptions {
  std::string server_text = "127.0.0.1:2525";
  Endpoint server;
  unsigned connections = 50;
  unsigned sources = 1;
  double seconds = 5;
  unsigned noops = 0;  // before QUIT, each after the reply to what was said before
  TlsMode tls = TlsMode::kNone;
  std::shared_ptr<const tls::ClientContext> tls_context;
};

struct ConnectCounts {
  uint64_t whole = 0;  // connections that went as they should, from the connect to 221
  uint64_t handshakes = 0;
  uint64_t handshake_failures = 0;
  uint64_t failures = 0;  // of any kind
  Histogram nanos;        // of whole ones
};

class ConnectLoop : public PollHandler {
 public:
  ConnectLoop(const ConnectOptions* options, unsigned number, Poller* poller, ConnectCounts* counts)
      : options_(options), number_(number), poller_(poller), counts_(counts) {}

  void Open() {
    begun_nanos_ = NowNanos();
    said_ = 0;
    replies_.Reset();
    connecting_ = options_->tls == TlsMode::kImplicit;
    if (!socket_.Open(options_->server, number_ % options_->sources, poller_, this)) return Ended();
    if (connecting_) poller_->Modify(socket_.fd(), EPOLLOUT, this);
  }
  // Between two connections: opens the next.
  void GoOn() {
    if (!socket_.open()) Open();
  }
  bool open() const { return socket_.open(); }

  void OnEvents(uint32_t) override {
    if (!socket_.open()) return;
    if (connecting_) {
      connecting_ = false;
      poller_->Modify(socket_.fd(), EPOLLIN, this);
      if (ConnectError(socket_.fd()) != 0 || !socket_.StartTls(options_->tls_context, "server")) {
        Ended();
      }
      return;
    }
    const ClientSocket::Event event =
        socket_.Read([this](std::string_view said) { replies_.Append(said); });
    if (event == ClientSocket::Event::kSecured) ++counts_->handshakes;
    while (const auto reply = replies_.Next()) {
      if (said_ > options_->noops) return reply->code == 221 ? Whole() : Ended();
      const std::string_view words = said_ < options_->noops ? "NOOP\r\n" : "QUIT\r\n";
      if (reply->code != (said_ == 0 ? 220 : 250) || !socket_.Say(words)) return Ended();
      ++said_;
    }
    if (event == ClientSocket::Event::kEnded) Ended();
  }

 private:
  void Whole() {
    ++counts_->whole;
    counts_->nanos.Record(NowNanos() - begun_nanos_);
    socket_.Close();
  }
  void Ended() {
    ++counts_->failures;
    const TlsLink* link = socket_.tls();
    if (link != nullptr &&
        (link->state() == TlsLink::State::kHandshake || link->state() == TlsLink::State::kFailed)) {
      ++counts_->handshake_failures;
    }
    socket_.Close();
  }

  const ConnectOptions* const options_;
  const unsigned number_;
  Poller* const poller_;
  ConnectCounts* const counts_;
  ClientSocket socket_;
  bool connecting_ = false;
  unsigned said_ = 0;  // commands
  uint64_t begun_nanos_ = 0;
  ReplyReader replies_;
};

int RunConnect(const ConnectOptions& options) {
  RaiseOpenFileLimit();
  Poller poller;
  ConnectCounts counts;
  std::vector<std::unique_ptr<ConnectLoop>> loops;
  for (unsigned i = 0; i < options.connections; ++i) {
    loops.push_back(std::make_unique<ConnectLoop>(&options, i, &poller, &counts));
  }
  const uint64_t begin = NowNanos();
  const uint64_t end = begin + static_cast<uint64_t>(options.seconds * 1e9);
  while (NowNanos() < end) {
    for (const auto& loop : loops) loop->GoOn();
    poller.Wait(std::min(end, NowNanos() + 50'000'000));
    // A server that is not there: not tried as fast as the processor allows.
    if (counts.whole == 0 && counts.failures > options.connections) break;
  }
  const double seconds = static_cast<double>(NowNanos() - begin) / 1e9;
  const auto micros = [&counts](double q) {
    return static_cast<double>(counts.nanos.Quantile(q)) / 1e3;
  };
  std::printf(
      "{\"connections\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"handshakes\":%llu,"
      "\"handshake_failures\":%llu,\"failures\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,"
      "\"cpu_seconds\":%.4f}\n",
      static_cast<unsigned long long>(counts.whole), seconds,
      static_cast<double>(counts.whole) / seconds,
      static_cast<unsigned long long>(counts.handshakes),
      static_cast<unsigned long long>(counts.handshake_failures),
      static_cast<unsigned long long>(counts.failures), micros(0.5), micros(0.99),
      static_cast<double>(ProcessCpuNanos()) / 1e9);
  return counts.whole > 0 && counts.failures == 0 ? 0 : 3;
}

}  // namespace

void AddConnectCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<ConnectOptions>();
  CLI::App* const command = app->add_subcommand(
      "connect",
      "Open connections again and again, each for a greeting and QUIT. Prints a line of JSON. Exit "
      "0: all went well; 3: some failed.");
  command->add_option("--server", options->server_text, "ADDRESS:PORT")->capture_default_str();
  command->add_option("--connections", options->connections, "At a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--seconds", options->seconds, "How long")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--sources", options->sources, "Connect from 127.0.0.1 to 127.0.0.N")
      ->capture_default_str()
      ->check(CLI::Range(1u, 254u));
  command->add_option("--noops", options->noops, "NOOP commands before QUIT")
      ->capture_default_str();
  command
      ->add_option("--tls", options->tls,
                   "none or implicit: every handshake is a full one, any certificate will do")
      ->transform(CLI::CheckedTransformer(std::map<std::string, TlsMode>{
          {"none", TlsMode::kNone}, {"implicit", TlsMode::kImplicit}}))
      ->default_str("none");
  command->callback([options, exit_code] {
    if (!ParseEndpoint(options->server_text, &options->server)) {
      throw CLI::ValidationError("--server", "expected a numeric ADDRESS:PORT");
    }
    if (options->tls != TlsMode::kNone) options->tls_context = MakeClientContext(/*resume=*/false);
    *exit_code = RunConnect(*options);
  });
}

}  // namespace ringpost::bench
