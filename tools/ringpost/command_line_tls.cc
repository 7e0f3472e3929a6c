// The command line of ringpost tls.
#include "tools/ringpost/command_line.h"
#include "tools/ringpost/commands_tls_report.h"

namespace ringpost::cli {

void AddTlsCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* tls = line->Group("tls", "TLS with mail exchangers: what domains want, and reports on it");
  CLI::App* policies = line->Add(tls, "policies", "Policies of MTA-STS, by domain",
                                 [=] { return TlsPolicies(*options); });
  policies->add_option("DOMAIN", options->domain, "all of this one's")->check(RefuseEmpty);
  policies->add_option("--limit", options->limit, "show at most so many")->type_name("N");
  AddTlsReportCommands(line, tls);
}

}  // namespace ringpost::cli
