#include "tools/ringpost/view_domain.h"

#include <algorithm>
#include <utility>

#include "gateway/base/units.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

// "3d 4h ago"; "-": there is no such time.
std::string Ago(const Json& object, const char* member, WallTime now) {
  auto time = ParseTime(TextOf(object, member));
  if (!time) return "-";
  return FormatDuration(std::max(std::chrono::floor<Seconds>(now - *time), Seconds(0))) + " ago";
}

std::string NextCheck(const Json& domain, WallTime now) {
  auto time = ParseTime(TextOf(domain, "next_check"));
  if (!time) return "-";
  if (*time <= now) return "now";
  return "in " + FormatDuration(std::chrono::ceil<Seconds>(*time - now));
}

std::string PaintState(const std::string& state, const Terminal& terminal) {
  if (state == "verified") return terminal.Good(state);
  if (state == "broken") return terminal.Bad(state);
  return terminal.Warn(state);
}

std::string Sentences(const Json& domain, const char* member) {
  std::string text;
  for (const Json& words : ListOf(domain, member)) {
    if (words.is_string()) text += "  " + SafeText(words.get<std::string>()) + "\n";
  }
  return text;
}

std::string Found(const Json& domain) {
  std::string text = Sentences(domain, "words");
  return text.empty() ? "  all is right\n" : text;
}

std::string Advice(const Json& domain) {
  std::string text = Sentences(domain, "advice");
  return text.empty() ? "" : "\nAdvice, which its state does not depend on:\n" + text;
}

std::string KeyTable(const Json& domain, const Terminal& terminal) {
  Table table({{"SELECTOR", false, true}, {"KIND"}, {"SLOT"}, {"KEY"}, {"SINCE"}, {"UNTIL"}});
  for (const Json& key : ListOf(domain, "keys")) {
    if (!key.is_object()) continue;
    const std::string since = FormatTime(TextOf(key, "since"));
    table.Row({SafeText(TextOf(key, "selector")), SafeText(TextOf(key, "kind")),
               SafeText(TextOf(key, "slot")), SafeText(TextOf(key, "state")),
               since.empty() ? "-" : since, FormatTime(TextOf(key, "until"))});
  }
  return table.empty() ? "" : "\n" + table.ToString(terminal);
}

std::string Title(const Json& domain, const Terminal& terminal) {
  return terminal.Bold("domain " + SafeText(TextOf(domain, "name"))) + " of account " +
         SafeText(TextOf(domain, "account"));
}

}  // namespace

std::string ViewRecordsToPublish(const Json& domain, const Terminal& terminal) {
  std::string text;
  for (const Json& record : ListOf(domain, "publish")) {
    if (!record.is_object()) continue;
    const std::string why =
        (FlagOf(record, "required") ? "; " : "; Optional: ") + SafeText(TextOf(record, "why"));
    text += terminal.Dim(why) + "\n" + SafeText(TextOf(record, "line")) + "\n";
  }
  return text;
}

std::string ViewAddedDomain(const Json& domain, const Terminal& terminal) {
  const std::string name = SafeText(TextOf(domain, "name"));
  return "Added " + Title(domain, terminal) +
         ". These records have to be published in its DNS:\n\n" +
         ViewRecordsToPublish(domain, terminal) +
         "\nThey are looked for every 7 minutes until they are seen; then it may send.\n"
         "To ask at once: ringpost domain check " +
         name + "\n";
}

std::string ViewRotatedDomain(const Json& domain) {
  std::string text;
  for (const Json& key : ListOf(domain, "keys")) {
    if (!key.is_object()) continue;
    const std::string state = TextOf(key, "state"), until = FormatTime(TextOf(key, "until"));
    const std::string which = (TextOf(key, "kind") == "rsa" ? "RSA" : "Ed25519") +
                              (" key " + SafeText(TextOf(key, "slot"))) + " (" +
                              SafeText(TextOf(key, "selector")) + ")";
    if (state == "active") text += which + " signs from now on.\n";
    if (state == "retired") {
      text += which + " signs no more, and stays published until " + until +
              " for mail that is on its way.\n";
    }
  }
  return text + "The zone needs no change.\n";
}

std::string ViewDomain(const Json& domain, WallTime now, const Terminal& terminal) {
  const std::string state = SafeText(TextOf(domain, "state"));
  const std::string since = FormatTime(TextOf(domain, "since"));
  const std::string checked = FormatTime(TextOf(domain, "last_check"));
  std::string text = Title(domain, terminal) + "\n  state       " + PaintState(state, terminal) +
                     (since.empty() ? "" : " since " + since) + "\n  last check  ";
  if (checked.empty()) {
    text += "none yet\n";
  } else {
    text += checked + ", " + Ago(domain, "last_check", now) + "\n";
  }
  text += "  next check  " + NextCheck(domain, now) + "\n";
  if (!checked.empty()) text += "\nWhat the last check found:\n" + Found(domain) + Advice(domain);
  const std::string records = ViewRecordsToPublish(domain, terminal);
  if (!records.empty()) {
    text += state == "verified" ? "\nIts records, which have to stay published:\n"
            : checked.empty()   ? "\nRecords to publish:\n"
                                : "\nRecords to publish, if that has not been done (see above):\n";
    text += records;
  }
  return text + KeyTable(domain, terminal);
}

Table DomainTable() {
  return Table({{"NAME", false, true},
                {"ACCOUNT", false, true},
                {"STATE"},
                {"SINCE"},
                {"LAST CHECK"},
                {"WHAT IT FOUND", false, true}});
}

void AddDomainRow(const Json& domain, WallTime now, Table* table) {
  std::string first;
  const Json& words = ListOf(domain, "words");
  if (words.is_array() && !words.empty() && words[0].is_string()) {
    first = SafeText(words[0].get<std::string>());
  }
  table->Row({SafeText(TextOf(domain, "name")), SafeText(TextOf(domain, "account")),
              SafeText(TextOf(domain, "state")), Ago(domain, "since", now),
              Ago(domain, "last_check", now), first});
}

}  // namespace ringpost::cli
