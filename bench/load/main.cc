// ringpost-bench: load, sink and comparison for SMTP servers, this project's or another's.
#include "bench/load/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Load and capacity tool for SMTP servers", "ringpost-bench");
  app.require_subcommand(1);
  int exit_code = 0;
  ringpost::bench::AddLoadCommand(&app, &exit_code);
  ringpost::bench::AddIdleCommand(&app, &exit_code);
  ringpost::bench::AddSinkCommand(&app, &exit_code);
  ringpost::bench::AddRelayCommand(&app, &exit_code);
  ringpost::bench::AddCompareCommand(&app, &exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
