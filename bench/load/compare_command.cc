// `ringpost-bench compare`: the comparison with Postfix is a script (bench/compare.py), since it
// mostly starts, watches and stops other programs; this runs it with the arguments as they are.
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "bench/load/commands.h"

namespace ringpost::bench {

int RunCompare(int argc, char** argv) {
  static char python[] = "python3";
  static char script[] = RINGPOST_COMPARE_SCRIPT;
  std::vector<char*> words = {python, script};
  words.insert(words.end(), argv, argv + argc);
  words.push_back(nullptr);
  execvp(python, words.data());
  std::perror(python);
  return 1;
}

void AddCompareCommand(CLI::App* app) {
  app->add_subcommand(
      "compare", "Run the same work on this gateway and on Postfix, in turns (compare --help)");
}

}  // namespace ringpost::bench
