// `ringpost-bench sink`: a fast SMTP server that counts messages and keeps none, as slow and as
// unreliable as it is told to be.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/sink_ledger.h"
#include "bench/load/sink_server.h"

namespace ringpost::bench {
namespace {

// How long a thread may sleep before it looks whether it should stop.
constexpr uint64_t kStopCheckNanos = 50'000'000;

struct SinkFlags {
  std::string listen = "127.0.0.1:2626";
  std::vector<std::string> delays;
  std::vector<std::string> tempfails;
  std::vector<std::string> rejects;
  std::vector<std::string> drops;
};

// "final=0.05" into one field of the phase's rule. `scale` turns the unit given into the field's.
template <typename T>
void ParseRules(const std::vector<std::string>& texts, T PhaseRule::* field, double scale,
                PhaseRules* rules) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    double value = -1;
    if (equals != std::string::npos) {
      std::from_chars(text.data() + equals + 1, text.data() + text.size(), value);
    }
    bool known = false;
    for (size_t i = 0; i < kPhaseCount; ++i) {
      if (name != kPhaseNames[i] || value < 0) continue;
      (*rules)[i].*field = static_cast<T>(value * scale);
      known = true;
    }
    if (!known) {
      throw CLI::ValidationError(
          text,
          "expected PHASE=NUMBER, PHASE one of connect, ehlo, mail, rcpt, data, final, accepted");
    }
  }
}

void WriteStats(const SinkOptions& options, SinkLedger* ledger) {
  const std::string line = ledger->StatsJson() + "\n";
  if (options.stats_path.empty()) {
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
    return;
  }
  // Renamed into place: a reader sees the old line or the new one, never half of one.
  const std::string fresh = options.stats_path + ".new";
  FILE* const file = fopen(fresh.c_str(), "we");
  if (file == nullptr) return std::perror(fresh.c_str());
  std::fputs(line.c_str(), file);
  if (fclose(file) != 0 || rename(fresh.c_str(), options.stats_path.c_str()) != 0) {
    std::perror(options.stats_path.c_str());
  }
}

// Waits for signals and intervals while the threads work.
void Supervise(const SinkOptions& options, const sigset_t& signals, SinkLedger* ledger) {
  const double tick = 0.05;
  double since_stats = 0;
  for (;;) {
    timespec wait{0, static_cast<long>(tick * 1e9)};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGUSR1) {
      WriteStats(options, ledger);
    } else if (signal > 0) {
      return;
    }
    if (options.stop_after > 0 && ledger->unique_messages() >= options.stop_after) return;
    ledger->Flush();
    since_stats += tick;
    if (options.interval_seconds > 0 && since_stats >= options.interval_seconds) {
      since_stats = 0;
      WriteStats(options, ledger);
    }
  }
}

int RunSink(const SinkOptions& options) {
  RaiseOpenFileLimit();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  SinkLedger ledger(options);
  if (!ledger.Open()) {
    std::perror(options.ids_path.c_str());
    return 1;
  }
  SinkEvents events;
  events.on_message = [&ledger](const ReceivedMessage& message) { return ledger.Take(message); };
  events.on_refusal = [&ledger](Phase phase, int code) { ledger.Refused(phase, code); };
  events.on_handshake = [&ledger](Handshake how) { ledger.HandshakeEnded(how); };
  std::shared_ptr<const tls::ServerContext> tls;
  if (options.tls != TlsMode::kNone) {
    std::string error;
    tls = MakeServerContext(options.tls_chain_path, options.tls_key_path, &error);
    if (tls == nullptr) {
      std::fprintf(stderr, "sink: %s\n", error.c_str());
      return 1;
    }
  }
  std::atomic<bool> stop = false;
  std::vector<int> listeners;
  for (unsigned i = 0; i < options.threads; ++i) {
    listeners.push_back(ListenOn(options.listen, options.threads > 1));
    if (listeners.back() < 0) {
      std::perror("sink: listen");
      return 1;
    }
  }
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] {
      Poller poller;
      SinkServer server(
          &options, &events, listeners[i], options.seed + i, &poller,
          [&ledger] { ledger.Connected(); }, tls);
      while (!stop.load(std::memory_order_relaxed)) server.Turn(NowNanos() + kStopCheckNanos);
    });
  }
  Supervise(options, signals, &ledger);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  WriteStats(options, &ledger);
  return 0;
}

}  // namespace

void AddSinkCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<SinkOptions>();
  auto flags = std::make_shared<SinkFlags>();
  CLI::App* const sink = app->add_subcommand(
      "sink", "Take mail by SMTP, count it, keep nothing. SIGUSR1 prints the counts as JSON.");
  sink->add_option("--listen", flags->listen, "ADDRESS:PORT")->capture_default_str();
  sink->add_option("--threads", options->threads, "Threads")->capture_default_str();
  sink->add_option("--delay", flags->delays, "PHASE=MILLISECONDS before the phase's reply");
  sink->add_option("--tempfail", flags->tempfails, "PHASE=SHARE answered 4xx");
  sink->add_option("--reject", flags->rejects, "PHASE=SHARE answered 5xx");
  sink->add_option("--drop", flags->drops, "PHASE=SHARE: the connection is closed instead");
  sink->add_flag("--tempfail-first", options->tempfail_first,
                 "Answer the first attempt of every message 451");
  sink->add_flag("!--no-pipelining", options->pipelining, "Do not offer PIPELINING");
  sink->add_flag("!--no-chunking", options->chunking, "Do not offer CHUNKING");
  sink->add_flag("!--no-8bitmime", options->eight_bit, "Do not offer 8BITMIME");
  sink->add_flag("!--no-smtputf8", options->smtputf8, "Do not offer SMTPUTF8");
  sink->add_option("--size", options->size_max, "Offer SIZE with this many bytes");
  sink->add_option("--ids", options->ids_path, "Append \"ID RECIPIENT\" per recipient taken");
  sink->add_option("--stats", options->stats_path, "Write the counts here, not to standard output");
  sink->add_option("--interval", options->interval_seconds,
                   "Write the counts every so many seconds");
  sink->add_option("--stop-after", options->stop_after, "End after this many unique messages");
  sink->add_option("--tls", options->tls,
                   "none, starttls (offered, not demanded) or implicit; with a certificate made on "
                   "the spot unless --tls-chain and --tls-key name one")
      ->transform(CLI::CheckedTransformer(kTlsModes))
      ->default_str("none");
  CLI::Option* const chain =
      sink->add_option("--tls-chain", options->tls_chain_path, "PEM file of a certificate");
  CLI::Option* const key =
      sink->add_option("--tls-key", options->tls_key_path, "PEM file of its private key");
  chain->needs(key);
  key->needs(chain);
  sink->add_option("--seed", options->seed, "Seed of the shares")->capture_default_str();
  sink->add_flag("--print", options->print, "Print a line per message");
  sink->callback([options, flags, exit_code] {
    if (!ParseEndpoint(flags->listen, &options->listen)) {
      throw CLI::ValidationError("--listen", "expected a numeric ADDRESS:PORT");
    }
    ParseRules(flags->delays, &PhaseRule::delay_nanos, 1e6, &options->rules);
    ParseRules(flags->tempfails, &PhaseRule::tempfail, 1, &options->rules);
    ParseRules(flags->rejects, &PhaseRule::reject, 1, &options->rules);
    ParseRules(flags->drops, &PhaseRule::drop, 1, &options->rules);
    *exit_code = RunSink(*options);
  });
}

}  // namespace ringpost::bench
