#include "tools/ringpost/commands_tls_report.h"

#include <cstdio>
#include <memory>

#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/table.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

void AddDayOption(CLI::App* command, TlsReportOptions* about) {
  command->add_option("--day", about->day, "a UTC day; without it: today")
      ->type_name("YYYY-MM-DD")
      ->check(RefuseEmpty);
}

std::string ViewSending(const Json& sending) {
  std::string text;
  for (const Json& target : ListOf(sending, "targets")) {
    std::string words = TextOf(target, "words");
    text += TextOf(target, "state") + ": " + TextOf(target, "uri") +
            (words.empty() ? "" : " (" + words + ")") + "\n";
  }
  std::string words = TextOf(sending, "words");
  if (!words.empty()) text += "not sent: " + words + "\n";
  return SafeLines(text);
}

bool AllSent(const Json& sending) {
  const Json& targets = ListOf(sending, "targets");
  bool all = targets.is_array() && !targets.empty();
  for (const Json& target : targets) all = all && TextOf(target, "state") == "sent";
  return all;
}

}  // namespace

void AddTlsReportCommands(CommandLine* line, CLI::App* tls) {
  Options* options = line->options();
  auto about = std::make_shared<TlsReportOptions>();
  CLI::App* outcomes =
      line->Add(tls, "outcomes", "How sessions with the exchangers of each domain went in a day",
                [=] { return TlsOutcomes(*options, *about); });
  AddDayOption(outcomes, about.get());
  outcomes->add_option("--limit", options->limit, "show at most so many")->type_name("N");
  CLI::App* report = line->AddNamed(tls, "report", "The report on a domain's exchangers, as JSON",
                                    [=] { return TlsReport(*options, *about); });
  AddDayOption(report, about.get());
  report->add_flag("--send", about->send, "send it now, to whom the domain's DNS names");
}

int TlsOutcomes(const Options& options, const TlsReportOptions& about) {
  Json request = {{"command", "tls outcomes"}};
  if (!about.day.empty()) request["day"] = about.day;
  Session session(options);
  Table table({{"DOMAIN", false, true}, {"SUCCESSFUL", true}, {"FAILED", true}});
  PagesEnd end = EachPage(&session, request, "outcomes", options.limit, [&](const Json& rows) {
    for (const Json& row : rows) {
      if (!row.is_object()) continue;
      if (options.json) {
        PrintJson(row);
      } else {
        table.Row({SafeText(TextOf(row, "domain")), FormatCount(NumberOf(row, "successful")),
                   FormatCount(NumberOf(row, "failed"))});
      }
    }
    if (!table.empty()) Print(table.NextPage(options.terminal));
    return true;
  });
  const int code = end.code;
  const uint64_t lost = end.last.is_object() ? NumberOf(end.last, "lost") : 0;
  if (lost > 0 && !options.json) {
    Print(FormatCount(lost) + " outcomes since the start had no room, and are in no report.\n");
  }
  EndList(options, std::move(end), "No session with a mail exchanger is known of on that day.");
  return code;
}

int TlsReport(const Options& options, const TlsReportOptions& about) {
  Json request = {{"command", "tls report"}, {"name", options.name}};
  if (!about.day.empty()) request["day"] = about.day;
  if (about.send) request["send"] = true;
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone) return code;
  const Json& sending = ListOf(*answer, "sending");
  if (!options.json) {
    if (!about.send) Print(SafeLines(ListOf(*answer, "report").dump(2)) + "\n");
    if (sending.is_object()) std::fputs(ViewSending(sending).c_str(), about.send ? stdout : stderr);
  }
  return about.send && !AllSent(sending) ? kRefused : kDone;
}

}  // namespace ringpost::cli
