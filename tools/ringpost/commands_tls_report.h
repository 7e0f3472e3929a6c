// ringpost tls outcomes, tls report: what came of TLS with mail exchangers, and reports on it.
#pragma once

#include <string>

#include "tools/ringpost/command_line.h"
#include "tools/ringpost/commands.h"

namespace ringpost::cli {

struct TlsReportOptions {
  std::string day;  // "2026-11-28"; empty: today
  bool send = false;
};

void AddTlsReportCommands(CommandLine* line, CLI::App* tls);

// `limit` ends the list.
int TlsOutcomes(const Options& options, const TlsReportOptions& about);
// Of the domain `name`.
int TlsReport(const Options& options, const TlsReportOptions& about);

}  // namespace ringpost::cli
