// The command line of ringpost queue, mailq, suspend, resume, suspensions.
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {
namespace {

void AddFilter(CommandLine* line, CLI::App* command) {
  Options* options = line->options();
  AddSiteOptions(line, command);
  command->add_option("--sender", options->sender, "from this reverse-path; \"<>\" is the null one")
      ->type_name("ADDRESS")
      ->check(RefuseEmpty);
  command->add_flag("--held", options->held, "only what is held");
}

void AddList(CommandLine* line, CLI::App* parent, const char* name, const char* help) {
  Options* options = line->options();
  CLI::App* list = line->Add(parent, name, help, [options] { return QueueList(*options); });
  AddFilter(line, list);
  list->add_option("--limit", options->limit, "show at most so many entries")->type_name("N");
}

CLI::App* AddChange(CommandLine* line, CLI::App* queue, const char* verb, const char* help) {
  Options* options = line->options();
  CLI::App* command = line->Add(queue, verb, help, [options, name = std::string(verb)] {
    return QueueChange(name, *options);
  });
  AddFilter(line, command);
  command->add_flag("--all", options->all, "every queued message");
  command->add_option("ID", options->ids, "message ids");
  if (std::string_view(verb) == "delete" || std::string_view(verb) == "bounce") {
    command->add_flag("--yes,-y", options->yes, "do not ask");
  }
  return command;
}

void AddSuspensions(CommandLine* line) {
  Options* options = line->options();
  CLI::App* suspend =
      line->Add(line->app(), "suspend", "Stop delivering to a domain or next hop for a while",
                [options] { return Suspend(*options); });
  AddSiteOptions(line, suspend);
  suspend->add_option("--for", options->duration, "how long: 30m, 4h, \"1d 12h\"")
      ->type_name("TIME")
      ->default_str("4h");
  CLI::App* resume =
      line->Add(line->app(), "resume", "End suspensions", [options] { return Resume(*options); });
  AddSiteOptions(line, resume);
  resume->add_flag("--all", options->all, "every suspension");
  AddRegionOption(line, line->Add(line->app(), "suspensions", "What is suspended, and until when",
                                  [options] { return Suspensions(*options); }));
}

}  // namespace

void AddRegionOption(CommandLine* line, CLI::App* command) {
  command->add_option("--region", line->options()->region, "only this region")
      ->type_name("NAME")
      ->check(RefuseEmpty);
}

void AddSiteOptions(CommandLine* line, CLI::App* command) {
  AddRegionOption(line, command);
  command->add_option("--domain", line->options()->domain, "recipients of this domain")
      ->type_name("DOMAIN")
      ->check(RefuseEmpty);
  command->add_option("--next-hop", line->options()->next_hop, "what goes to this next hop")
      ->type_name("HOST:PORT")
      ->check(RefuseEmpty);
}

void AddQueueCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* queue = line->Group("queue", "Look at the queue and change it");
  AddSiteOptions(line, line->Add(queue, "summary", "How much waits, by domain and next hop",
                                 [options] { return QueueSummary(*options); }));
  AddList(line, queue, "list", "Messages, oldest first");
  CLI::App* show = line->Add(queue, "show", "All about these messages",
                             [options] { return QueueShow(*options); });
  AddRegionOption(line, show);
  show->add_option("ID", options->ids, "message ids")->required();
  AddChange(line, queue, "retry", "Try them now");
  AddChange(line, queue, "hold", "Keep them back until released; held messages do not expire");
  AddChange(line, queue, "release", "Let held messages go");
  AddChange(line, queue, "delete", "Remove them, telling nobody");
  AddChange(line, queue, "bounce", "Return them to their senders")
      ->add_option("--reason", options->reason, "words for the report")
      ->type_name("TEXT")
      ->check(RefuseEmpty);
  AddList(line, line->app(), "mailq", "The same as queue list");
  AddSuspensions(line);
}

}  // namespace ringpost::cli
