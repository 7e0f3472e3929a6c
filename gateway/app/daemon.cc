#include "gateway/app/daemon.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "gateway/app/console_log.h"
#include "gateway/app/control_gateway.h"
#include "gateway/app/control_server.h"
#include "gateway/app/gateway.h"
#include "gateway/app/listen_fds.h"
#include "gateway/app/log_file.h"
#include "gateway/app/process_setup.h"
#include "gateway/app/sd_notify.h"
#include "gateway/app/version.h"
#include "gateway/reactor/process_limits.h"

namespace ringpost::app {
namespace {

void Say(std::string_view words) {
  std::fprintf(stderr, "ringpostd: %.*s\n", static_cast<int>(words.size()), words.data());
}

class Daemon {
 public:
  explicit Daemon(Config config) : config_(std::move(config)) {}
  int Run();

 private:
  Status Setup();
  Status OpenLog();
  void Introduce();
  void Loop();
  void TakeSignals();
  void Drain(std::string_view why);
  void Reload();
  bool Finished();
  void StoreListeners();
  void Tell(const Status& sent);

  Config config_;
  ServiceNotifier notifier_;
  std::string file_limit_;
  int signals_ = -1;
  std::unique_ptr<Log> log_;
  LogFile* log_file_ = nullptr;  // log_, where it is a file
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<GatewayControl> target_;
  std::unique_ptr<ControlServer> control_;
  bool draining_ = false;
  MonoTime deadline_;             // of the drain
  std::set<std::string> stored_;  // names of sockets the service manager keeps
};

Status Daemon::OpenLog() {
  if (config_.log.path.empty()) {
    log_ = std::make_unique<ConsoleLog>();
    return OkStatus();
  }
  auto file = LogFile::Open(config_.log.path, 4);
  if (!file.ok()) return file.status();
  log_file_ = file->get();
  log_ = std::move(*file);
  return OkStatus();
}

Status Daemon::Setup() {
  notifier_ = ServiceNotifier::FromEnvironment();
  ListenFds handed_over = ListenFds::FromEnvironment();
  umask(027);
  ForbidDumps();
  reactor::RaiseFileLimit(&file_limit_);
  StatusOr<int> signals = OpenSignals();
  if (!signals.ok()) return signals.status();
  signals_ = *signals;
  Status status = OpenLog();
  if (!status.ok()) return status;
  for (const std::string& problem : handed_over.problems()) Say(problem);
  std::string socket = config_.control.socket;
  auto gateway = Gateway::Make(config_, &handed_over, log_.get());
  if (!gateway.ok()) return gateway.status();
  gateway_ = std::move(*gateway);
  status = MakeDirectories(socket.substr(0, std::max<size_t>(socket.rfind('/'), 1)));
  if (!status.ok()) return status;
  target_ = std::make_unique<GatewayControl>(gateway_.get());
  auto control = ControlServer::Start(socket, target_.get(), log_.get());
  if (!control.ok()) return control.status();
  control_ = std::move(*control);
  status = gateway_->Start();
  // In a SO_REUSEPORT group a socket nobody accepts on would still be given connections. A start
  // that failed leaves all that is kept to the next one.
  if (!status.ok()) return status;
  for (const std::string& name : handed_over.CloseRest()) Tell(notifier_.RemoveFds(name));
  return OkStatus();
}

void Daemon::Introduce() {
  Say("version " + std::string(kVersion) + " runs as " + config_.hostname +
      (config_.development ? " in its embedded development mode" : ""));
  for (const std::string& line : gateway_->Introduction()) Say("  " + line);
  Say("  " + file_limit_);
  if (config_.development) {
    Say("  nothing leaves this machine. The certificate is made at each start; nobody trusts it");
    Say("  try: swaks --server 127.0.0.1:2525 --to you@example.com");
  }
  LogLine(ReadWallClock(), "started")
      .Text("version", kVersion)
      .Text("config", config_.source_path)
      .To(*log_);
}

// What the service manager does not take is said once it happens, and hurts nothing else.
void Daemon::Tell(const Status& sent) {
  if (!sent.ok()) Say(MessageOf(sent));
}

// The service manager keeps the listening sockets, so that a restart refuses nobody.
void Daemon::StoreListeners() {
  if (!notifier_.enabled()) return;
  std::set<std::string> wanted;
  for (const auto& [name, fd] : gateway_->ListeningSockets()) {
    wanted.insert(name);
    if (!stored_.contains(name)) Tell(notifier_.StoreFds(name, {{fd}}));
  }
  for (const std::string& name : stored_) {
    if (!wanted.contains(name)) Tell(notifier_.RemoveFds(name));
  }
  stored_ = std::move(wanted);
}

void Daemon::Drain(std::string_view why) {
  MonoTime now = ReadMonoClock();
  if (draining_) {
    deadline_ = now;  // asked twice: without waiting
    return;
  }
  draining_ = true;
  Seconds grace = gateway_->drain_grace();
  deadline_ = now + grace;
  Say(std::string(why) + ": finishing what is in hand, for " + std::to_string(grace.count()) +
      " seconds at most; once more to end at once");
  Tell(notifier_.Stopping("draining"));
  Tell(notifier_.ExtendTimeout(grace + Seconds(2 * limits::kStopSeconds)));
  gateway_->BeginDrain();
}

void Daemon::Reload() {
  Tell(notifier_.Reloading());
  ReloadOutcome outcome = gateway_->Reload();
  Say(outcome.words);
  StoreListeners();
  Tell(notifier_.Ready("running"));
}

void Daemon::TakeSignals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    switch (info.ssi_signo) {
      case SIGHUP:
        Reload();
        break;
      case SIGUSR1:
        gateway_->ReopenLogs();
        if (log_file_) log_file_->Reopen();
        break;
      default:
        Drain(info.ssi_signo == SIGINT ? "interrupted" : "asked to end");
    }
  }
}

bool Daemon::Finished() {
  return draining_ && (gateway_->drained() || ReadMonoClock() >= deadline_);
}

void Daemon::Loop() {
  constexpr Millis kDrainLook{20}, kWatchdogEvery{1000};
  MonoTime next_tick = ReadMonoClock(), next_watchdog = next_tick;
  while (!Finished()) {
    pollfd waits[] = {{signals_, POLLIN, 0}, {gateway_->request_fd(), POLLIN, 0}};
    Millis left = std::max(Millis(0), next_tick - ReadMonoClock());
    if (draining_) left = std::min(left, kDrainLook);
    poll(waits, 2, static_cast<int>(left.count()));
    TakeSignals();
    if (gateway_->ServeRequests() && !draining_) Drain("the operator asked");
    if (!draining_) StoreListeners();  // a reload may have been among the requests
    if (ReadMonoClock() < next_tick) continue;
    MonoTime now = ReadMonoClock();
    next_tick = now + gateway_->Tick();
    if (!notifier_.watchdog_interval() || now < next_watchdog) continue;
    next_watchdog = now + kWatchdogEvery;
    Tell(notifier_.Watchdog());
  }
}

int Daemon::Run() {
  Status status = Setup();
  if (!status.ok()) {
    Say(MessageOf(status));
    if (control_) control_->Stop();
    if (gateway_ && !gateway_->Stop()) _exit(1);
    return 1;
  }
  Introduce();
  StoreListeners();
  Tell(notifier_.Ready("running"));
  Loop();
  bool drained = gateway_->drained();
  control_->Stop();
  bool ended = gateway_->Stop();
  control_->EndDrains(drained && ended);
  if (!ended) {
    Say("some work did not end in time; what was acknowledged is on the disk");
    _exit(1);
  }
  LogLine(ReadWallClock(), "stopped").Flag("drained", drained).To(*log_);
  Say(drained ? "ended; all transactions in hand were finished" : "ended");
  return 0;
}

}  // namespace

int RunDaemon(Config config) { return Daemon(std::move(config)).Run(); }

}  // namespace ringpost::app
