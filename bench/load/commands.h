// The sub-commands of ringpost-bench. Each adds itself to the program and sets `*exit_code` when it
// ran.
#pragma once

#include <CLI/CLI.hpp>

namespace ringpost::bench {

void AddLoadCommand(CLI::App* app, int* exit_code);
void AddIdleCommand(CLI::App* app, int* exit_code);
void AddConnectCommand(CLI::App* app, int* exit_code);
void AddLoginCommand(CLI::App* app, int* exit_code);
void AddSinkCommand(CLI::App* app, int* exit_code);
void AddRelayCommand(CLI::App* app, int* exit_code);
void AddCommitCommand(CLI::App* app, int* exit_code);
void AddHandshakeCommand(CLI::App* app, int* exit_code);
// Only for the list of sub-commands: its arguments are the script's.
void AddCompareCommand(CLI::App* app);
// Becomes the script; returns an exit code only when that fails. `argv` begins behind "compare".
int RunCompare(int argc, char** argv);

}  // namespace ringpost::bench
