// ringpost: the operator's tool. See ringpost(1).
#include <CLI/CLI.hpp>
#include <string>

#include "gateway/app/version.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 refused, failed or nothing matched; 2 wrong use or not confirmed;\n"
    "3 no daemon answers; 4 done in part. More in ringpost(1).";

// An option that is given and empty is a mistake (a variable of a script that was not set), and
// must not widen what a command is about.
std::string RefuseEmpty(const std::string& value) {
  return value.empty() ? "is empty: give it a value, or leave it out" : "";
}

class Program {
 public:
  Program() : app_("Look at and steer a running ringpostd.", "ringpost") {
    options_.terminal = Terminal::OfStandardOutput();
    app_.footer(kFooter);
    app_.set_version_flag("--version", std::string("ringpost ") + std::string(app::kVersion));
    app_.add_option("--socket", options_.socket, "where ringpostd listens (or $RINGPOST_SOCKET)")
        ->type_name("PATH")
        ->check(RefuseEmpty);
    app_.add_flag("--json", options_.json, "print the daemon's answers: JSON, one object a line");
    app_.require_subcommand(1);
    app_.fallthrough();
    AddStatus();
    AddQueue();
    AddSuspensions();
    AddDaemon();
    AddConfig();
    AddStore();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return Explain(error);
    }
    return run_ ? run_() : kUsage;
  }

 private:
  int Explain(const CLI::ParseError& error) {
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

  CLI::App* Add(CLI::App* parent, const char* name, const char* help, std::function<int()> run) {
    CLI::App* command = parent->add_subcommand(name, help);
    command->callback([this, run = std::move(run)] { run_ = run; });
    return command;
  }
  void AddRegion(CLI::App* command) {
    command->add_option("--region", options_.region, "only this region")
        ->type_name("NAME")
        ->check(RefuseEmpty);
  }
  void AddSite(CLI::App* command) {
    AddRegion(command);
    command->add_option("--domain", options_.domain, "recipients of this domain")
        ->type_name("DOMAIN")
        ->check(RefuseEmpty);
    command->add_option("--next-hop", options_.next_hop, "what goes to this next hop")
        ->type_name("HOST:PORT")
        ->check(RefuseEmpty);
  }
  void AddFilter(CLI::App* command) {
    AddSite(command);
    command
        ->add_option("--sender", options_.sender, "from this reverse-path; \"<>\" is the null one")
        ->type_name("ADDRESS")
        ->check(RefuseEmpty);
    command->add_flag("--held", options_.held, "only what is held");
  }

  void AddStatus() {
    CLI::App* status = Add(&app_, "status", "How the daemon is: store, shards, memory, counters",
                           [this] { return Status(options_); });
    status->add_flag("--counters", options_.counters, "every counter, per shard");
  }

  void AddQueue() {
    CLI::App* queue = app_.add_subcommand("queue", "Look at the queue and change it");
    queue->require_subcommand(1);
    queue->fallthrough();
    AddSite(Add(queue, "summary", "How much waits, by domain and next hop",
                [this] { return QueueSummary(options_); }));
    CLI::App* list =
        Add(queue, "list", "Messages, oldest first", [this] { return QueueList(options_); });
    AddFilter(list);
    list->add_option("--limit", options_.limit, "show at most so many entries")->type_name("N");
    CLI::App* show =
        Add(queue, "show", "All about these messages", [this] { return QueueShow(options_); });
    AddRegion(show);
    show->add_option("ID", options_.ids, "message ids")->required();
    AddChange(queue, "retry", "Try them now");
    AddChange(queue, "hold", "Keep them back until released; held messages do not expire");
    AddChange(queue, "release", "Let held messages go");
    AddChange(queue, "delete", "Remove them, telling nobody");
    AddChange(queue, "bounce", "Return them to their senders")
        ->add_option("--reason", options_.reason, "words for the report")
        ->type_name("TEXT")
        ->check(RefuseEmpty);
    CLI::App* mailq =
        Add(&app_, "mailq", "The same as queue list", [this] { return QueueList(options_); });
    AddFilter(mailq);
    mailq->add_option("--limit", options_.limit, "show at most so many entries")->type_name("N");
  }
  CLI::App* AddChange(CLI::App* queue, const char* verb, const char* help) {
    CLI::App* command = Add(queue, verb, help, [this, name = std::string(verb)] {
      return QueueChange(name, options_);
    });
    AddFilter(command);
    command->add_flag("--all", options_.all, "every queued message");
    command->add_option("ID", options_.ids, "message ids");
    if (std::string_view(verb) == "delete" || std::string_view(verb) == "bounce") {
      command->add_flag("--yes,-y", options_.yes, "do not ask");
    }
    return command;
  }

  void AddSuspensions() {
    CLI::App* suspend = Add(&app_, "suspend", "Stop delivering to a domain or next hop for a while",
                            [this] { return Suspend(options_); });
    AddSite(suspend);
    suspend->add_option("--for", options_.duration, "how long: 30m, 4h, \"1d 12h\"")
        ->type_name("TIME")
        ->default_str("4h");
    CLI::App* resume = Add(&app_, "resume", "End suspensions", [this] { return Resume(options_); });
    AddSite(resume);
    resume->add_flag("--all", options_.all, "every suspension");
    AddRegion(Add(&app_, "suspensions", "What is suspended, and until when",
                  [this] { return Suspensions(options_); }));
  }

  void AddDaemon() {
    Add(&app_, "drain", "Finish what is in hand, then stop the daemon; shows progress",
        [this] { return Drain(options_); });
    Add(&app_, "reload", "Read the configuration file again; a bad one changes nothing",
        [this] { return Reload(options_); });
    CLI::App* trace = Add(&app_, "trace", "Show SMTP sessions as they happen",
                          [this] { return Trace(options_); });
    trace->add_option("--client", options_.client, "sessions from this address or network")
        ->type_name("NETWORK")
        ->check(RefuseEmpty);
    trace->add_option("--next-hop", options_.next_hop, "sessions to this next hop")
        ->type_name("HOST:PORT")
        ->check(RefuseEmpty);
  }

  void AddConfig() {
    CLI::App* config = app_.add_subcommand("config", "Check configuration files");
    config->require_subcommand(1);
    config->fallthrough();
    CLI::App* check = Add(config, "check",
                          "Say all that is wrong with a file (without FILE: with the daemon's own)",
                          [this] { return ConfigCheck(options_); });
    check->add_option("FILE", options_.file, "a ringpost.toml");
  }

  void AddStore() {
    CLI::App* store = app_.add_subcommand("store", "Look at a store that no ringpostd has open");
    store->require_subcommand(1);
    store->fallthrough();
    CLI::App* check = Add(store, "check", "Read all of it and name what is damaged",
                          [this] { return StoreCheck(options_); });
    CLI::App* salvage = Add(store, "salvage", "Copy what is whole into a new store",
                            [this] { return StoreSalvage(options_); });
    salvage->add_option("--to", options_.out, "where to; must not exist")
        ->type_name("PATH")
        ->required();
    CLI::App* queue = Add(store, "export-queue", "List what is queued, one JSON object a line",
                          [this] { return StoreExportQueue(options_); });
    queue
        ->add_option("--out", options_.out,
                     "a new directory: messages as ID.eml, the list as queue.jsonl")
        ->type_name("DIR");
    for (CLI::App* command : {check, salvage, queue}) {
      command->add_option("PATH", options_.file, "a region's store")->required();
    }
  }

  CLI::App app_;
  Options options_;
  std::function<int()> run_;
};

}  // namespace
}  // namespace ringpost::cli

int main(int argc, char** argv) { return ringpost::cli::Program().Run(argc, argv); }
