// ringpost account|credential|sender list, show; audit.
#include <pwd.h>

#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"
#include "tools/ringpost/view_identity.h"

namespace ringpost::cli {
namespace {

Json ListRequest(const std::string& type, const Options& options) {
  Json request = {{"command", "identity list"}, {"type", type}};
  if (!options.kind.empty()) request["kind"] = options.kind;
  if (!options.account.empty()) request["account"] = options.account;
  return request;
}

// The name of a user of this machine, or the number.
std::string UserName(uint64_t uid) {
  const passwd* user = ::getpwuid(static_cast<uid_t>(uid));
  return user ? SafeText(user->pw_name) : "uid " + std::to_string(uid);
}

}  // namespace

int RecordList(const std::string& type, const Options& options) {
  Session session(options);
  Table table = RecordTable(type);
  PagesEnd end = EachPage(&session, ListRequest(type, options), "records", options.limit,
                          [&](const Json& records) {
                            for (const Json& record : records) {
                              if (!record.is_object()) continue;
                              options.json ? PrintJson(record) : AddRecordRow(record, &table);
                            }
                            if (!table.empty()) Print(table.NextPage(options.terminal));
                            return true;
                          });
  const int code = end.code;
  EndList(options, std::move(end), "There is none.");
  return code;
}

int RecordShow(const std::string& type, const Options& options) {
  Session session(options);
  Json request = ListRequest(type, options);
  request["name"] = options.name;
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone) SayKindHint(*answer, type, options);
  if (code != kDone || options.json) return code;
  bool any = false;
  for (const Json& record : ListOf(*answer, "records")) {
    if (!record.is_object()) continue;
    Print((any ? "\n" : "") + ViewRecord(record, options.terminal));
    any = true;
  }
  Print(ViewUse(ListOf(*answer, "use")));
  return code;
}

int Audit(const Options& options) {
  Session session(options);
  Json request = {{"command", "identity audit"}};
  if (!options.account.empty()) request["account"] = options.account;
  PagesEnd end =
      EachPage(&session, request, "entries", options.audit_limit, [&](const Json& entries) {
        for (const Json& entry : entries) {
          if (!entry.is_object()) continue;
          if (options.json) {
            PrintJson(entry);
            continue;
          }
          // The daemon itself has a word in the place of a number.
          const std::string by = SafeText(TextOf(entry, "by"));
          const std::string who = by.empty() ? UserName(NumberOf(entry, "uid")) : by;
          Print(ViewAuditEntry(entry, who, options.terminal));
        }
        return true;
      });
  const int code = end.code;
  EndList(options, std::move(end), "Nothing was changed yet.");
  return code;
}

}  // namespace ringpost::cli
