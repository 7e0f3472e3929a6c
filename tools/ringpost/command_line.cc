#include "tools/ringpost/command_line.h"

#include <utility>
#include <vector>

#include "gateway/app/version.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 refused, failed or nothing matched; 2 wrong use or not confirmed;\n"
    "3 no daemon answers; 4 done in part. More in ringpost(1).";

}  // namespace

std::string RefuseEmpty(const std::string& value) {
  return value.empty() ? "is empty: give it a value, or leave it out" : "";
}

CommandLine::CommandLine() : app_("Look at and steer a running ringpostd.", "ringpost") {
  options_.terminal = Terminal::OfStandardOutput();
  app_.footer(kFooter);
  app_.set_version_flag("--version", std::string("ringpost ") + std::string(app::kVersion));
  app_.add_option("--socket", options_.socket, "where ringpostd listens (or $RINGPOST_SOCKET)")
      ->type_name("PATH")
      ->check(RefuseEmpty);
  app_.add_flag("--json", options_.json, "print the daemon's answers: JSON, one object a line");
  app_.require_subcommand(1);
  app_.fallthrough();
  AddDaemonCommands(this);
  AddQueueCommands(this);
  AddIdentityCommands(this);
  AddDomainCommands(this);
  AddTlsCommands(this);
  AddSuppressionCommands(this);
  AddStoreCommands(this);
  AddBounceCommands(this);
}

int CommandLine::Run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Explain(error);
  }
  return run_ ? run_() : kUsage;
}

int CommandLine::Explain(const CLI::ParseError& error) {
  // Where parsing got to; still a group of commands, it lacks its command.
  CLI::App* group = &app_;
  while (!group->get_subcommands().empty()) group = group->get_subcommands()[0];
  std::string commands;
  for (CLI::App* command : group->get_subcommands([](CLI::App*) { return true; })) {
    commands += (commands.empty() ? "" : ", ") + command->get_name();
  }
  bool lacks = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
  if (lacks && !commands.empty()) {
    std::vector<std::string> rest = app_.remaining(/*recurse=*/true);
    Complain((rest.empty() ? "which command? There"
                           : "no command \"" + SafeText(rest[0]) + "\"; there") +
             " are: " + commands);
    return kUsage;
  }
  // Help and version are not errors.
  return app_.exit(error) == 0 ? kDone : kUsage;
}

CLI::App* CommandLine::Group(const char* name, const char* help) {
  CLI::App* group = app_.add_subcommand(name, help);
  group->require_subcommand(1);
  group->fallthrough();
  return group;
}

CLI::App* CommandLine::Add(CLI::App* parent, const char* name, const char* help,
                           std::function<int()> run) {
  CLI::App* command = parent->add_subcommand(name, help);
  command->callback([this, run = std::move(run)] { run_ = run; });
  return command;
}

CLI::App* CommandLine::AddNamed(CLI::App* group, const char* name, const char* help,
                                std::function<int()> run) {
  CLI::App* command = Add(group, name, help, std::move(run));
  command->add_option("NAME", options_.name)->required()->check(RefuseEmpty);
  return command;
}

void AddAccountOption(CommandLine* line, CLI::App* command, const char* help) {
  command->add_option("--account", line->options()->account, help)
      ->type_name("NAME")
      ->check(RefuseEmpty);
}

}  // namespace ringpost::cli
