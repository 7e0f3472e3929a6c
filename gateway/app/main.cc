// ringpostd: reads its arguments and its configuration, and runs.
#include <cstdio>
#include <string>
#include <string_view>

#include "gateway/app/config.h"
#include "gateway/app/daemon.h"
#include "gateway/app/version.h"

namespace ringpost::app {
namespace {

// sysexits.h: what service managers and scripts know.
constexpr int kExitUsage = 64;
constexpr int kExitConfig = 78;

constexpr char kHelp[] =
    "ringpostd: outbound mail gateway\n"
    "\n"
    "  ringpostd --config FILE           run\n"
    "  ringpostd --config FILE --check   read the file, say what is wrong with it, end\n"
    "  ringpostd                         run in the embedded development mode: 127.0.0.1:2525 and\n"
    "                                    :2587 to 127.0.0.1:2626; nothing leaves the machine\n"
    "  ringpostd --version | --help\n"
    "\n"
    "Signals: SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reads the file again,\n"
    "SIGUSR1 opens the log files anew.\n"
    "Exit status: 0 ended in order, 1 could not run, 64 wrong arguments, 78 wrong configuration.\n";

struct Arguments {
  std::string config;
  bool check = false, version = false, help = false;
  std::string wrong;  // not empty: what is wrong with them
};

Arguments Read(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--check") {
      arguments.check = true;
    } else if (word == "--version") {
      arguments.version = true;
    } else if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if (word == "--config" && i + 1 < argc) {
      arguments.config = argv[++i];
    } else if (word.starts_with("--config=")) {
      arguments.config = word.substr(9);
    } else if (word == "--config") {
      arguments.wrong = "--config needs a file";
    } else {
      arguments.wrong = "unknown argument " + std::string(word);
    }
  }
  if (arguments.check && arguments.config.empty()) {
    arguments.wrong = "--check needs --config FILE";
  }
  return arguments;
}

int Run(int argc, char** argv) {
  Arguments arguments = Read(argc, argv);
  if (arguments.help) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (arguments.version) {
    std::printf("ringpostd %.*s\n", static_cast<int>(kVersion.size()), kVersion.data());
    return 0;
  }
  if (!arguments.wrong.empty()) {
    std::fprintf(stderr, "ringpostd: %s\n\n%s", arguments.wrong.c_str(), kHelp);
    return kExitUsage;
  }
  if (arguments.config.empty()) {
    auto config = DevelopmentConfig();
    if (config.ok()) return RunDaemon(std::move(*config));
    std::fprintf(stderr, "ringpostd: %s\n", std::string(MessageOf(config.status())).c_str());
    return kExitConfig;
  }
  ConfigResult result = LoadConfig(arguments.config);
  if (!result.config) {
    std::fputs(result.ErrorText(arguments.config).c_str(), stderr);
    return kExitConfig;
  }
  if (arguments.check) {
    std::printf("%s: good\n", arguments.config.c_str());
    return 0;
  }
  return RunDaemon(std::move(*result.config));
}

}  // namespace
}  // namespace ringpost::app

int main(int argc, char** argv) { return ringpost::app::Run(argc, argv); }
