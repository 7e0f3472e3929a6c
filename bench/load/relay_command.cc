// `ringpost-bench relay`: the bare ceiling. Takes mail, keeps nothing on disk, checks nothing, says
// 250 and passes the bytes on: what a relay could do on this machine if storing and deciding cost
// nothing.
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>

#include "bench/load/commands.h"
#include "bench/load/relay_upstream.h"
#include "bench/load/sink_server.h"

namespace ringpost::bench {
namespace {

constexpr uint64_t kRoundNanosMax = 50'000'000;

struct RelayOptions {
  std::string listen = "127.0.0.1:2525";
  std::string next_hop = "127.0.0.1:2626";
  unsigned connections = 20;
  Endpoint next_hop_endpoint;
  SinkOptions sink;
};

volatile sig_atomic_t g_stop = 0;

int RunRelay(const RelayOptions& options) {
  RaiseOpenFileLimit();
  struct sigaction action{};
  action.sa_handler = [](int) { g_stop = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const int listener = ListenOn(options.sink.listen, /*shared=*/false);
  if (listener < 0) {
    std::perror("relay: listen");
    return 1;
  }
  Poller poller;
  RelayUpstream upstream(options.next_hop_endpoint, options.connections, &poller);
  SinkEvents events;
  events.capture = true;
  events.on_message = [&upstream](const ReceivedMessage& message) -> std::string_view {
    if (upstream.full()) {
      ++upstream.counts().refused;
      return "452 4.3.1 too many messages wait\r\n";
    }
    upstream.Send(message);
    return {};
  };
  events.on_refusal = [](Phase, int) {};
  SinkServer server(&options.sink, &events, listener, options.sink.seed, &poller, [] {});
  while (g_stop == 0) {
    upstream.Reopen();
    server.Turn(NowNanos() + kRoundNanosMax);
  }
  const RelayCounts& counts = upstream.counts();
  std::printf("{\"passed_on\":%llu,\"failed\":%llu,\"refused\":%llu,\"cpu_seconds\":%.3f}\n",
              static_cast<unsigned long long>(counts.passed_on),
              static_cast<unsigned long long>(counts.failed),
              static_cast<unsigned long long>(counts.refused),
              static_cast<double>(ProcessCpuNanos()) / 1e9);
  return 0;
}

}  // namespace

void AddRelayCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<RelayOptions>();
  options->sink.chunking = false;  // passed on by DATA, as it came
  CLI::App* const relay =
      app->add_subcommand("relay", "Pass mail on without storing it: the bare ceiling of a relay");
  relay->add_option("--listen", options->listen, "ADDRESS:PORT")->capture_default_str();
  relay->add_option("--next-hop", options->next_hop, "ADDRESS:PORT")->capture_default_str();
  relay->add_option("--connections", options->connections, "Connections to the next hop")
      ->capture_default_str();
  relay->callback([options, exit_code] {
    if (!ParseEndpoint(options->listen, &options->sink.listen) ||
        !ParseEndpoint(options->next_hop, &options->next_hop_endpoint)) {
      throw CLI::ValidationError("relay", "expected numeric ADDRESS:PORT");
    }
    *exit_code = RunRelay(*options);
  });
}

}  // namespace ringpost::bench
