#include "tools/ringpost/view_tls.h"

#include "gateway/base/units.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

// "6d 4h"; "over"; "-": there is no such time.
std::string Until(const Json& object, const char* member, WallTime now) {
  auto time = ParseTime(TextOf(object, member));
  if (!time) return "-";
  if (*time <= now) return "over";
  return FormatDuration(std::chrono::ceil<Seconds>(*time - now));
}

std::string Patterns(const Json& policy, const char* between) {
  std::string text;
  for (const Json& pattern : ListOf(policy, "mx")) {
    if (!pattern.is_string()) continue;
    text += (text.empty() ? "" : between) + SafeText(pattern.get<std::string>());
  }
  return text.empty() ? "-" : text;
}

std::string OrDash(std::string text) { return text.empty() ? "-" : text; }

std::string Line(const char* name, const std::string& value) {
  return "  " + std::string(name) + value + "\n";
}

}  // namespace

std::string ViewStsPolicy(const Json& policy, WallTime now, const Terminal& terminal) {
  std::string text = terminal.Bold("MTA-STS of " + SafeText(TextOf(policy, "domain"))) + "\n";
  const std::string mode = SafeText(TextOf(policy, "mode"));
  if (!mode.empty()) {
    text += Line("mode        ", mode) + Line("id          ", SafeText(TextOf(policy, "id"))) +
            Line("mx          ", Patterns(policy, "\n              ")) +
            Line("fetched     ", OrDash(FormatTime(TextOf(policy, "fetched")))) +
            Line("expires     ", OrDash(FormatTime(TextOf(policy, "expires"))) + ", in " +
                                     Until(policy, "expires", now)) +
            Line("next fetch  ", OrDash(FormatTime(TextOf(policy, "next_fetch")))) +
            Line("last used   ", OrDash(FormatTime(TextOf(policy, "last_used"))));
  } else {
    text += Line("mode        ", "none is known");
  }
  const Json& failure = ListOf(policy, "failure");
  if (!failure.is_object()) return text;
  return text +
         Line("failed      ", FormatTime(TextOf(failure, "time")) + ", " +
                                  terminal.Bad(SafeText(TextOf(failure, "result")))) +
         Line("            ", SafeText(TextOf(failure, "words")));
}

Table StsPolicyTable() {
  return Table({{"DOMAIN", false, true},
                {"MODE"},
                {"ID", false, true},
                {"EXPIRES IN"},
                {"MX", false, true},
                {"LAST FAILURE", false, true}});
}

void AddStsPolicyRow(const Json& policy, WallTime now, Table* table) {
  const Json& failure = ListOf(policy, "failure");
  table->Row({SafeText(TextOf(policy, "domain")), OrDash(SafeText(TextOf(policy, "mode"))),
              OrDash(SafeText(TextOf(policy, "id"))), Until(policy, "expires", now),
              Patterns(policy, ", "),
              failure.is_object() ? SafeText(TextOf(failure, "words")) : std::string()});
}

}  // namespace ringpost::cli
