// `ringpost-bench compare`: the comparison with Postfix is a script (bench/compare.py), since it
// mostly starts, watches and stops other programs; this runs it with the same arguments.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/commands.h"

namespace ringpost::bench {

void AddCompareCommand(CLI::App* app, int* exit_code) {
  CLI::App* const compare = app->add_subcommand(
      "compare",
      "Run the same work on this gateway and on Postfix, in turns (see compare -- --help)");
  compare->prefix_command();
  compare->callback([compare, exit_code] {
    std::vector<std::string> words = {"python3", RINGPOST_COMPARE_SCRIPT};
    for (const std::string& word : compare->remaining()) {
      if (word != "--") words.push_back(word);
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp("python3", arguments.data());
    std::perror("python3");
    *exit_code = 1;
  });
}

}  // namespace ringpost::bench
