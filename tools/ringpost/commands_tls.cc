// ringpost tls policies.
#include "gateway/base/time.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"
#include "tools/ringpost/view_tls.h"

namespace ringpost::cli {
namespace {

int ShowOne(const Options& options) {
  Session session(options);
  auto answer = session.Ask({{"command", "tls policies"}, {"domain", options.domain}});
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone || options.json) return code;
  for (const Json& policy : ListOf(*answer, "policies")) {
    if (policy.is_object()) Print(ViewStsPolicy(policy, ReadWallClock(), options.terminal));
  }
  return code;
}

}  // namespace

int TlsPolicies(const Options& options) {
  if (!options.domain.empty()) return ShowOne(options);
  Session session(options);
  Table table = StsPolicyTable();
  const WallTime now = ReadWallClock();
  PagesEnd end =
      EachPage(&session, {{"command", "tls policies"}}, "policies", options.limit,
               [&](const Json& policies) {
                 for (const Json& policy : policies) {
                   if (!policy.is_object()) continue;
                   options.json ? PrintJson(policy) : AddStsPolicyRow(policy, now, &table);
                 }
                 if (!table.empty()) Print(table.NextPage(options.terminal));
                 return true;
               });
  const int code = end.code;
  EndList(options, std::move(end), "None is known.");
  return code;
}

}  // namespace ringpost::cli
