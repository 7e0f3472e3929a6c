// ringpost-bench: load, sink and comparison for SMTP servers, this project's or another's.
#include <cstdio>
#include <exception>
#include <string_view>

#include "bench/load/commands.h"

namespace {

int Run(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compare") {
    return ringpost::bench::RunCompare(argc - 2, argv + 2);
  }
  CLI::App app("Load and capacity tool for SMTP servers", "ringpost-bench");
  app.require_subcommand(1);
  int exit_code = 0;
  ringpost::bench::AddLoadCommand(&app, &exit_code);
  ringpost::bench::AddIdleCommand(&app, &exit_code);
  ringpost::bench::AddConnectCommand(&app, &exit_code);
  ringpost::bench::AddLoginCommand(&app, &exit_code);
  ringpost::bench::AddSinkCommand(&app, &exit_code);
  ringpost::bench::AddRelayCommand(&app, &exit_code);
  ringpost::bench::AddCommitCommand(&app, &exit_code);
  ringpost::bench::AddHandshakeCommand(&app, &exit_code);
  ringpost::bench::AddCompareCommand(&app);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ringpost-bench: %s\n", error.what());
    return 1;
  }
}
