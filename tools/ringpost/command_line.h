// The command line of `ringpost`: the program, and what its groups of commands declare themselves
// with, a file for each (command_line_*.cc). What the commands do is in commands.h.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/ringpost/commands.h"

namespace ringpost::cli {

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Reads the arguments, does what they say, and gives the exit code.
  int Run(int argc, char** argv);

  CLI::App* app() { return &app_; }
  // What the options declared here write to, and the commands read.
  Options* options() { return &options_; }

  // A command that lacks its command: `queue`.
  CLI::App* Group(const char* name, const char* help);
  CLI::App* Add(CLI::App* parent, const char* name, const char* help, std::function<int()> run);
  // One that is about a NAME.
  CLI::App* AddNamed(CLI::App* group, const char* name, const char* help, std::function<int()> run);

 private:
  int Explain(const CLI::ParseError& error);

  CLI::App app_;
  Options options_;
  std::function<int()> run_;
};

// The groups; `line` outlives what they declare.
void AddDaemonCommands(CommandLine* line);
void AddQueueCommands(CommandLine* line);
void AddIdentityCommands(CommandLine* line);
void AddDomainCommands(CommandLine* line);
void AddTlsCommands(CommandLine* line);
void AddSuppressionCommands(CommandLine* line);
void AddStoreCommands(CommandLine* line);
void AddBounceCommands(CommandLine* line);

// An option that is given and empty is a mistake (a variable of a script that was not set), and
// must not widen what a command is about.
std::string RefuseEmpty(const std::string& value);
// --account.
void AddAccountOption(CommandLine* line, CLI::App* command, const char* help);
// --region; --region, --domain, --next-hop.
void AddRegionOption(CommandLine* line, CLI::App* command);
void AddSiteOptions(CommandLine* line, CLI::App* command);

}  // namespace ringpost::cli
