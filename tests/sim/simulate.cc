// simulate [--bug NAME] [--digest] FIRST COUNT: runs the whole gateway on the simulated ring, clock
// and store, one seed one run (sim_run.h), COUNT seeds from FIRST, and says how to repeat one that
// fails.
//
// --bug lost-completion, early-250 or double-free seeds a bug of that kind into what the gateway
// stands on: then seeds must fail. --digest prints what tells one run from another.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gateway/base/counters.h"
#include "tests/sim/sim_run.h"

namespace ringpost::sim {
namespace {

unsigned long long seed_now = 0;
const char* bug_option = "";

// A broken invariant has said so, or memory is not what it was; this says in which run.
void OnFatalSignal(int number) {
  char line[128];
  int size = std::snprintf(line, sizeof(line),
                           "seed %llu: ended by a signal\n  again: simulate %s%llu 1\n", seed_now,
                           bug_option, seed_now);
  if (write(STDOUT_FILENO, line, static_cast<size_t>(size)) != size) _exit(2);
  signal(number, SIG_DFL);
  raise(number);
}

bool ParseBug(const char* name, Bug* bug) {
  struct Named {
    const char* name;
    const char* option;
    Bug bug;
  };
  constexpr Named kBugs[] = {{"lost-completion", "--bug lost-completion ", Bug::kLostCompletion},
                             {"early-250", "--bug early-250 ", Bug::kEarly250},
                             {"double-free", "--bug double-free ", Bug::kDoubleFree}};
  for (const Named& known : kBugs) {
    if (std::strcmp(known.name, name) != 0) continue;
    *bug = known.bug;
    bug_option = known.option;
    return true;
  }
  return false;
}

void Print(unsigned long long seeds, int failures, const Totals& totals) {
  std::printf("%llu seeds, %d failed; %llu steps\n", seeds, failures,
              static_cast<unsigned long long>(totals.steps));
  struct Row {
    const char* what;
    uint64_t count;
  };
  const Row rows[] = {
      {"acknowledged", totals.acknowledged},
      {"of their recipients held at the end", totals.held},
      {"refused, 5xx", totals.refused},
      {"answered 4xx after end of data", totals.temp_failed},
      {"of them out all the same", totals.temp_failed_but_out},
      {"sent whole and not answered", totals.unanswered},
      {"not finished", totals.unfinished},
      {"reports", totals.reports},
      {"duplicates", totals.duplicates},
      {"recipients left in doubt", totals.in_doubt},
      {"power cuts", totals.power_cuts},
      {"orderly restarts", totals.restarts},
      {"operator's commands", totals.commands},
      {"handshakes in", SpilledCount(Counter::kTlsHandshakes)},
      {"handshakes out", SpilledCount(Counter::kTlsOut)},
      {"tries in clear after one out failed", SpilledCount(Counter::kTlsOutFallbacks)},
      {"times the kernel took over sending", SpilledCount(Counter::kTlsKernelSend)},
      {"... and receiving", SpilledCount(Counter::kTlsKernelReceive)},
      {"signatures made", SpilledCount(Counter::kDkimSigned)},
      {"messages sent without theirs", SpilledCount(Counter::kDkimUnsigned)}};
  for (const Row& row : rows) {
    std::printf("%10llu %s\n", static_cast<unsigned long long>(row.count), row.what);
  }
}

int Main(int argc, char** argv) {
  Bug bug = Bug::kNone;
  bool digest = false;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    bool known = std::strcmp(argv[at], "--digest") == 0;
    if (known) digest = true;
    if (!known && std::strcmp(argv[at], "--bug") == 0 && at + 1 < argc) {
      known = ParseBug(argv[++at], &bug);
    }
    if (!known) at = argc;
  }
  if (argc - at != 2) {
    std::fprintf(stderr,
                 "usage: simulate [--bug lost-completion|early-250|double-free] [--digest] "
                 "FIRST_SEED COUNT\n");
    return 2;
  }
  for (int number : {SIGABRT, SIGSEGV, SIGBUS}) signal(number, OnFatalSignal);
  unsigned long long first = std::strtoull(argv[at], nullptr, 10);
  unsigned long long count = std::strtoull(argv[at + 1], nullptr, 10);
  Totals totals;
  int failures = 0;
  for (seed_now = first; seed_now < first + count; ++seed_now) {
    SimRun run(seed_now, bug);
    std::string wrong = run.Go(&totals);
    if (digest) {
      std::printf("%llu %016llx\n", seed_now, static_cast<unsigned long long>(run.digest()));
    }
    if (wrong.empty()) continue;
    ++failures;
    std::printf("seed %llu: %s\n  again: simulate %s%llu 1\n", seed_now, wrong.c_str(), bug_option,
                seed_now);
    std::fflush(stdout);
  }
  Print(count, failures, totals);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ringpost::sim

int main(int argc, char** argv) { return ringpost::sim::Main(argc, argv); }
