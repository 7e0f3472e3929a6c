// The sub-commands of ringpost-bench. Each adds itself to the program and sets `*exit_code` when it
// ran.
#pragma once

#include <CLI/CLI.hpp>

namespace ringpost::bench {

void AddLoadCommand(CLI::App* app, int* exit_code);
void AddIdleCommand(CLI::App* app, int* exit_code);
void AddSinkCommand(CLI::App* app, int* exit_code);
void AddRelayCommand(CLI::App* app, int* exit_code);
void AddCompareCommand(CLI::App* app, int* exit_code);

}  // namespace ringpost::bench
