// The command line of ringpost status, drain, reload, trace, config.
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {

void AddDaemonCommands(CommandLine* line) {
  Options* options = line->options();
  line->Add(line->app(), "status", "How the daemon is: store, shards, memory, counters",
            [options] { return Status(*options); })
      ->add_flag("--counters", options->counters, "every counter, per shard");
  line->Add(line->app(), "drain", "Finish what is in hand, then stop the daemon; shows progress",
            [options] { return Drain(*options); });
  line->Add(line->app(), "reload", "Read the configuration file again; a bad one changes nothing",
            [options] { return Reload(*options); });
  CLI::App* trace = line->Add(line->app(), "trace", "Show SMTP sessions as they happen",
                              [options] { return Trace(*options); });
  trace->add_option("--client", options->client, "sessions from this address or network")
      ->type_name("NETWORK")
      ->check(RefuseEmpty);
  trace->add_option("--next-hop", options->next_hop, "sessions to this next hop")
      ->type_name("HOST:PORT")
      ->check(RefuseEmpty);

  CLI::App* config = line->Group("config", "Check configuration files");
  line->Add(config, "check",
            "Say all that is wrong with a file (without FILE: with the daemon's own)",
            [options] { return ConfigCheck(*options); })
      ->add_option("FILE", options->file, "a ringpost.toml");
}

}  // namespace ringpost::cli
