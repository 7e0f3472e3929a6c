// The command line of ringpost status, drain, reload, trace, config, shaping.
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {
namespace {

void AddShapingCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* shaping = line->Group("shaping", "How fast mail goes to whom, and by which rule");
  CLI::App* explain = line->Add(shaping, "explain",
                                "Every setting for a domain's mail, and the line it comes from; by "
                                "the files, no daemon is asked",
                                [options] { return ShapingExplain(*options); });
  explain->add_option("DOMAIN", options->domain, "the recipients' domain")
      ->required()
      ->check(RefuseEmpty);
  explain
      ->add_option("--mx", options->hosts, "the hosts that its mail goes to; the DNS is not asked")
      ->type_name("HOST")
      ->check(RefuseEmpty);
  explain->add_option("--source", options->source, "the egress source")
      ->type_name("NAME")
      ->check(RefuseEmpty);
  AddAccountOption(line, explain, "whose mail it is");
  explain->add_option("--config", options->config, "a ringpost.toml; its [shaping] file is read")
      ->type_name("FILE")
      ->check(RefuseEmpty);
  line->Add(shaping, "check", "Say all that is wrong with a shaping file",
            [options] { return ShapingCheck(*options); })
      ->add_option("FILE", options->file, "a shaping.toml")
      ->required()
      ->check(RefuseEmpty);
}

}  // namespace

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
  AddShapingCommands(line);
}

}  // namespace ringpost::cli
