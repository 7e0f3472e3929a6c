// The command line of ringpost bounce.
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {

void AddBounceCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* bounce = line->Group("bounce", "What bounces and refusals mean");
  CLI::App* classify =
      line->Add(bounce, "classify", "Say of a mail that came back, or of a reply, what it means",
                [options] { return BounceClassify(*options); });
  classify
      ->add_option("FILE", options->file,
                   "a whole mail, or a reply such as 550 5.1.1 ...; - is standard input")
      ->required()
      ->check(RefuseEmpty);
  classify
      ->add_option("--classes", options->classes,
                   "a bounce-classes.toml in the place of the rules that are compiled in")
      ->type_name("PATH")
      ->check(RefuseEmpty);
}

}  // namespace ringpost::cli
