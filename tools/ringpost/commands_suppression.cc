// ringpost suppression add, remove, list, show, export.
#include <cstdio>

#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/output_file.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/suppression_lines.h"
#include "tools/ringpost/suppression_request.h"
#include "tools/ringpost/table.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

Table ListTable() {
  return Table({{"ENTRY", false, true}, {"REASON"}, {"SINCE"}, {"DETAIL", false, true}});
}

void AddRow(const Json& entry, Table* table) {
  table->Row({SafeText(TextOf(entry, "entry")), SafeText(TextOf(entry, "reason")),
              FormatTime(TextOf(entry, "since")), SafeText(TextOf(entry, "detail"))});
}

// Asks, and says what came of it: `words` are the verb's.
int AskForChange(const Json& request, const char* member, const char* words, const char* nothing,
                 const Options& options) {
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone || options.json) return code;
  const uint64_t done = NumberOf(*answer, member) + NumberOf(*answer, "changed");
  const uint64_t same = NumberOf(*answer, "unchanged");
  std::string text = std::string(words) + " " + FormatCount(done) + " of the list " +
                     WhoseList(options) + ", region " + SafeText(TextOf(*answer, "region"));
  if (same > 0) text += "; " + FormatCount(same) + " " + nothing;
  Print(text + ".\n");
  return kDone;
}

std::string CsvLine(const Json& entry) {
  std::string line;
  for (const char* member : {"entry", "reason", "since", "detail", "message"}) {
    line += (line.empty() ? "" : ",") + CsvField(TextOf(entry, member));
  }
  return line + "\n";
}

int Failed(const Options& options, const ringpost::Status& status) {
  if (options.json && !options.file.empty()) {
    PrintJson(ErrorJson("unavailable", MessageOf(status)));
  }
  Complain(SafeText(MessageOf(status)));
  return kRefused;
}

}  // namespace

Json SuppressionRequestOf(const char* command, const Options& options) {
  if (options.account.empty() && !options.own) {
    Complain("whose list? --account NAME, or --own for that of the trusted hosts");
    return nullptr;
  }
  Json request = {{"command", command}};
  if (!options.own) request["account"] = options.account;
  if (!options.region.empty()) request["region"] = options.region;
  return request;
}

std::string WhoseList(const Options& options) {
  return options.own ? "of the trusted hosts" : "of account " + SafeText(options.account);
}

int SuppressionAdd(const Options& options) {
  Json request = SuppressionRequestOf("suppression add", options);
  if (request.is_null()) return kUsage;
  request["entries"] = Json::array();
  for (const std::string& name : options.entries) {
    Json entry = {{"entry", name}};
    if (!options.reason.empty()) entry["reason"] = options.reason;
    if (!options.since.empty()) entry["since"] = options.since;
    if (!options.detail.empty()) entry["detail"] = options.detail;
    request["entries"].push_back(std::move(entry));
  }
  return AskForChange(request, "added", "Added", "had been there already", options);
}

int SuppressionRemove(const Options& options) {
  Json request = SuppressionRequestOf("suppression remove", options);
  if (request.is_null()) return kUsage;
  request["entries"] = options.entries;
  return AskForChange(request, "removed", "Removed", "had not been there", options);
}

int SuppressionList(const Options& options) {
  Json request = SuppressionRequestOf("suppression list", options);
  if (request.is_null()) return kUsage;
  if (!options.reason.empty()) request["reason"] = options.reason;
  if (!options.domain.empty()) request["domain"] = options.domain;
  Session session(options);
  Table table = ListTable();
  PagesEnd end =
      EachPage(&session, std::move(request), "entries", options.limit, [&](const Json& entries) {
        for (const Json& entry : entries) {
          if (!entry.is_object()) continue;
          options.json ? PrintJson(entry) : AddRow(entry, &table);
        }
        if (!table.empty()) Print(table.NextPage(options.terminal));
        return true;
      });
  const int code = end.code;
  EndList(options, std::move(end), "There is none.");
  return code;
}

int SuppressionShow(const Options& options) {
  Json request = SuppressionRequestOf("suppression show", options);
  if (request.is_null()) return kUsage;
  request["name"] = options.name;
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone || options.json) return code;
  for (const Json& entry : ListOf(*answer, "entries")) {
    if (!entry.is_object()) continue;
    Print(SafeText(TextOf(entry, "entry")) + "\n  reason   " + SafeText(TextOf(entry, "reason")) +
          "\n  since    " + FormatTime(TextOf(entry, "since")) + "\n");
    for (const auto& [member, title] :
         {std::pair("message", "message  "), std::pair("detail", "detail   ")}) {
      const std::string text = SafeText(TextOf(entry, member));
      if (!text.empty()) Print(std::string("  ") + title + text + "\n");
    }
  }
  return code;
}

int SuppressionExport(const Options& options) {
  Json request = SuppressionRequestOf("suppression list", options);
  if (request.is_null()) return kUsage;
  CatchInterrupts();
  const std::string path = options.file == "-" ? "" : options.file;
  OutputFile output(path, OutputFile::Readers::kOwner);
  Session session(options);
  if (!session.Open()) return session.code();
  ringpost::Status status = output.Open();
  if (status.ok() && options.csv) status = output.Write("entry,reason,since,detail,message\n");
  if (!status.ok()) return Failed(options, status);
  Progress progress("exporting", "entries");
  uint64_t total = 0;
  PagesEnd end = EachPage(&session, std::move(request), "entries", 0, [&](const Json& entries) {
    std::string text;
    for (const Json& entry : entries) {
      if (entry.is_object()) text += options.csv ? CsvLine(entry) : JsonText(entry) + "\n";
    }
    status = output.Write(text);
    progress.Show(total += entries.size());
    return status.ok() && !Interrupted();
  });
  progress.Clear();
  if (session.interrupted() || Interrupted()) {
    Complain(std::string("interrupted; ") +
             (path.empty() ? "the list is not whole" : "nothing was written"));
    return kPartial;
  }
  if (end.code != kDone) return end.code;
  if (status.ok()) status = output.Finish();
  if (!status.ok()) return Failed(options, status);
  if (options.json && !path.empty()) PrintJson({{"ok", true}, {"entries", total}});
  std::fputs(("Exported " + FormatCount(total) + (total == 1 ? " entry" : " entries") +
              " of the list " + WhoseList(options) + ".\n")
                 .c_str(),
             stderr);
  return kDone;
}

}  // namespace ringpost::cli
