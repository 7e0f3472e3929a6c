// `ringpost-bench login`: logs in again and again, each time on a new connection in clear: the
// connect, 220, EHLO, AUTH PLAIN, QUIT. Or guesses: the same with wrong passwords, and no QUIT. In
// a closed loop, or so many a second whatever the server does. What AUTH was answered is counted by
// code.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/auth_plain.h"
#include "bench/load/client_socket.h"
#include "bench/load/commands.h"
#include "bench/load/histogram.h"
#include "bench/load/net.h"
#include "bench/load/reply_reader.h"

namespace ringpost::bench {
namespace {

// For answers when the time is over: passwords are verified one after the other.
constexpr uint64_t kDrainNanos = 20 * kNanosPerSecond;
constexpr uint64_t kRoundNanosMax = 50'000'000;

struct LoginOptions {
  std::string server_text = "127.0.0.1:2525";
  Endpoint server;
  unsigned connections = 50;
  unsigned sources = 1;
  double seconds = 5;
  double rate = 0;  // logins a second; 0: closed loop
  std::string user;
  std::string password;
  uint64_t names = 1;
  bool bad = false;
};

struct LoginCounts {
  uint64_t begun = 0;
  uint64_t right = 0;     // 235
  uint64_t failures = 0;  // connections that went wrong: no answer, or not to what was asked
  std::map<int, uint64_t> codes;  // of answers to AUTH
  uint64_t answered = 0;
  uint64_t last_nanos = 0;   // when the last one was
  uint64_t waiting_max = 0;  // open loop: due, and no connection free
  Histogram whole_nanos;     // from the connect to the answer
  Histogram auth_nanos;      // from AUTH to its answer
};

class LoginLoop : public PollHandler {
 public:
  LoginLoop(const LoginOptions* options, Poller* poller, LoginCounts* counts)
      : options_(options), poller_(poller), counts_(counts) {}

  bool open() const { return socket_.open(); }

  // Login number `index`: its name and its address go round by it.
  void Open(uint64_t index) {
    begun_nanos_ = NowNanos();
    index_ = index;
    said_ = Said::kNothing;
    replies_.Reset();
    const auto source = static_cast<unsigned>(index % options_->sources);
    if (!socket_.Open(options_->server, source, poller_, this)) Ended();
  }

  void OnEvents(uint32_t) override {
    if (!socket_.open()) return;
    const ClientSocket::Event event =
        socket_.Read([this](std::string_view said) { replies_.Append(said); });
    while (socket_.open()) {
      const auto reply = replies_.Next();
      if (!reply) break;
      OnReply(reply->code);
    }
    if (socket_.open() && event == ClientSocket::Event::kEnded) Ended();
  }

 private:
  enum class Said : uint8_t { kNothing, kEhlo, kAuth, kQuit };

  void OnReply(int code) {
    switch (said_) {
      case Said::kNothing:
        return code == 220 ? Say("EHLO load.example\r\n", Said::kEhlo) : Ended();
      case Said::kEhlo:
        auth_nanos_ = NowNanos();
        return code == 250 ? Say(Command(), Said::kAuth) : Ended();
      case Said::kAuth:
        OnAnswer(code);
        return options_->bad ? socket_.Close() : Say("QUIT\r\n", Said::kQuit);
      case Said::kQuit:
        return code == 221 ? socket_.Close() : Ended();
    }
  }

  void OnAnswer(int code) {
    const uint64_t now = NowNanos();
    ++counts_->answered;
    ++counts_->codes[code];
    if (code == 235) ++counts_->right;
    counts_->last_nanos = now;
    counts_->whole_nanos.Record(now - begun_nanos_);
    counts_->auth_nanos.Record(now - auth_nanos_);
  }

  std::string Command() const {
    std::string user = options_->user;
    if (options_->names > 1) user += std::to_string(index_ % options_->names);
    if (!options_->bad) return AuthPlain(user, options_->password);
    return AuthPlain(user, "wrong " + std::to_string(index_));
  }

  void Say(std::string_view words, Said said) {
    said_ = said;
    if (!socket_.Say(words)) Ended();
  }

  void Ended() {
    ++counts_->failures;
    socket_.Close();
  }

  const LoginOptions* const options_;
  Poller* const poller_;
  LoginCounts* const counts_;
  ClientSocket socket_;
  ReplyReader replies_;
  Said said_ = Said::kNothing;
  uint64_t index_ = 0;
  uint64_t begun_nanos_ = 0, auth_nanos_ = 0;
};

// How many should have begun by now.
uint64_t DueBy(const LoginOptions& options, uint64_t nanos) {
  if (options.rate <= 0) return UINT64_MAX;
  return static_cast<uint64_t>(static_cast<double>(nanos) / 1e9 * options.rate) + 1;
}

void PrintLogins(const LoginCounts& counts, uint64_t begin) {
  const double seconds =
      counts.answered > 0 ? static_cast<double>(counts.last_nanos - begin) / 1e9 : 0;
  nlohmann::ordered_json codes = nlohmann::ordered_json::object();
  for (const auto& [code, count] : counts.codes) codes[std::to_string(code)] = count;
  const auto times = [](const Histogram& nanos) {
    return nlohmann::ordered_json{{"p50", static_cast<double>(nanos.Quantile(0.5)) / 1e3},
                                  {"p99", static_cast<double>(nanos.Quantile(0.99)) / 1e3}};
  };
  const nlohmann::ordered_json json = {
      {"begun", counts.begun},
      {"answered", counts.answered},
      {"failures", counts.failures},
      {"seconds", seconds},
      {"rate", seconds > 0 ? static_cast<double>(counts.answered) / seconds : 0},
      {"waiting_max", counts.waiting_max},
      {"replies", codes},
      {"whole_us", times(counts.whole_nanos)},
      {"auth_us", times(counts.auth_nanos)},
      {"cpu_seconds", static_cast<double>(ProcessCpuNanos()) / 1e9},
  };
  std::printf("%s\n", json.dump().c_str());
}

class LoginRun {
 public:
  explicit LoginRun(const LoginOptions* options) : options_(options) {
    for (unsigned i = 0; i < options->connections; ++i) {
      loops_.push_back(std::make_unique<LoginLoop>(options, &poller_, &counts_));
    }
  }

  void Run() {
    begin_ = NowNanos();
    const uint64_t end = begin_ + static_cast<uint64_t>(options_->seconds * 1e9);
    for (uint64_t now = begin_; now < end; now = NowNanos()) {
      const uint64_t due = DueBy(*options_, now - begin_);
      for (const auto& loop : loops_) {
        if (counts_.begun < due && !loop->open()) loop->Open(counts_.begun++);
      }
      if (options_->rate > 0) {
        counts_.waiting_max = std::max(counts_.waiting_max, due - counts_.begun);
      }
      poller_.Wait(std::min(end, NextWake(now, due)));
      // A server that is not there: not tried as fast as the processor allows.
      if (counts_.answered == 0 && counts_.failures > options_->connections) return;
    }
    while (AnyOpen() && NowNanos() < end + kDrainNanos) poller_.Wait(NowNanos() + kRoundNanosMax);
    for (const auto& loop : loops_) counts_.failures += loop->open() ? 1 : 0;
  }

  const LoginCounts& counts() const { return counts_; }
  uint64_t begin() const { return begin_; }

 private:
  // When the next one is due; with one that waits, a reply wakes us.
  uint64_t NextWake(uint64_t now, uint64_t due) const {
    if (options_->rate <= 0 || due > counts_.begun) return now + kRoundNanosMax;
    return begin_ + static_cast<uint64_t>(static_cast<double>(due) / options_->rate * 1e9);
  }
  bool AnyOpen() const {
    return std::any_of(loops_.begin(), loops_.end(), [](const auto& loop) { return loop->open(); });
  }

  const LoginOptions* const options_;
  Poller poller_;
  LoginCounts counts_;
  uint64_t begin_ = 0;
  std::vector<std::unique_ptr<LoginLoop>> loops_;
};

int RunLogin(const LoginOptions& options) {
  RaiseOpenFileLimit();
  LoginRun run(&options);
  run.Run();
  const LoginCounts& counts = run.counts();
  PrintLogins(counts, run.begin());
  const uint64_t wanted = options.bad ? 0 : counts.answered;
  return counts.answered > 0 && counts.failures == 0 && counts.right == wanted ? 0 : 3;
}

}  // namespace

void AddLoginCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* const command = app->add_subcommand(
      "login",
      "Log in by AUTH PLAIN again and again, on a new connection in clear each time. Prints a line "
      "of JSON with the replies by code. Exit 0: all were let in, or with --bad none; 3: not so.");
  command->add_option("--server", options->server_text, "ADDRESS:PORT")->capture_default_str();
  command->add_option("--connections", options->connections, "At a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--seconds", options->seconds, "How long; answers are waited for behind it")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--rate", options->rate,
                      "Logins a second in an open loop, as far as there are connections; without "
                      "it each connection goes on when it is free");
  command->add_option("--sources", options->sources, "Connect from 127.0.0.1 and the N - 1 behind")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1'000'000u));
  command->add_option("--user", options->user, "Whose name")->required();
  command->add_option("--names", options->names, "More than 1: NAME0, NAME1 and so on, in turns")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  auto* const password = command->add_option("--password", options->password, "The password");
  command->add_flag("--bad", options->bad, "Wrong passwords, another each time, and no QUIT")
      ->excludes(password);
  command->callback([options, exit_code] {
    if (!ParseEndpoint(options->server_text, &options->server)) {
      throw CLI::ValidationError("--server", "expected a numeric ADDRESS:PORT");
    }
    if (!options->bad && options->password.empty()) {
      throw CLI::ValidationError("login", "give --password or --bad");
    }
    *exit_code = RunLogin(*options);
  });
}

}  // namespace ringpost::bench
