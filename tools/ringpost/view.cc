#include "tools/ringpost/view.h"
#include "gateway/base/units.h"

#include <algorithm>
#include <utility>

#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

std::string Label(std::string_view name) {
  std::string label = "  " + std::string(name);
  label.resize(std::max<size_t>(label.size() + 1, 14), ' ');
  return label;
}

std::string Join(const Json& list) {
  std::string text;
  for (const Json& one : list) {
    if (one.is_string())
      text.append(text.empty() ? "" : ", ").append(SafeText(one.get<std::string>()));
  }
  return text;
}

std::string Age(const Json& object, const char* name, WallTime now) {
  auto time = ParseTime(TextOf(object, name));
  if (!time) return "-";
  return FormatDuration(std::chrono::floor<Seconds>(now - *time));
}

std::string When(const Json& entry, WallTime now) {
  std::string state = TextOf(entry, "state");
  if (state != "deferred" && state != "queued") return "";
  auto next = ParseTime(TextOf(entry, "next_attempt"));
  if (!next) return "";
  if (*next <= now) return "next attempt now";
  return "next attempt in " + FormatDuration(std::chrono::ceil<Seconds>(*next - now));
}

std::string PaintState(const std::string& state, const Terminal& terminal) {
  if (state == "held" || state == "suspended") return terminal.Warn(state);
  if (state == "delivering") return terminal.Good(state);
  return state;
}

std::string Sender(const Json& entry) {
  std::string sender = SafeText(TextOf(entry, "sender"));
  return sender.empty() ? "<>" : sender;
}

std::string Attempts(const Json& entry) {
  uint64_t attempts = NumberOf(entry, "attempts");
  if (attempts == 0) return "not tried";
  return attempts == 1 ? "1 attempt" : FormatCount(attempts) + " attempts";
}

std::string Micros(uint64_t micros) {
  if (micros == 0) return "-";
  if (micros < 1000) return std::to_string(micros) + " us";
  std::string tenths = std::to_string(micros / 100);
  return tenths.substr(0, tenths.size() - 1) + "." + tenths.back() + " ms";
}

std::string ViewRegions(const Json& regions, const Terminal& terminal) {
  Table table({{"REGION"},
               {"STORE"},
               {"QUEUED", true},
               {"IN MEMORY", true},
               {"FREE DISK", true},
               {"MEMTABLES", true},
               {"COMMIT P50", true},
               {"P99", true}});
  std::string troubles;
  for (const Json& region : regions) {
    const Json& spool = ListOf(region, "spool");
    bool accepting = FlagOf(spool, "accepting");
    std::string name = SafeText(TextOf(region, "region"));
    table.Row({name,
               !accepting                    ? "refusing"
               : FlagOf(region, "scan_done") ? "good"
                                             : "scanning",
               FormatCount(NumberOf(region, "queued_entries")),
               FormatBytes(NumberOf(region, "held_body_bytes")),
               FormatBytes(NumberOf(spool, "free_bytes")),
               FormatBytes(NumberOf(spool, "memtable_bytes")),
               Micros(NumberOf(spool, "commit_p50_us")), Micros(NumberOf(spool, "commit_p99_us"))});
    if (!accepting) {
      troubles += terminal.Bad("region " + name + " refuses mail: ") +
                  SafeText(TextOf(spool, "reason")) + "\n";
    }
    if (spool.contains("key_memory_locked") && !FlagOf(spool, "key_memory_locked")) {
      troubles += terminal.Warn("region " + name + ": ") +
                  "keys are not locked in memory and may reach the swap; raise LimitMEMLOCK\n";
    }
  }
  return table.ToString(terminal) + troubles;
}

// Certificates that come by themselves: each name's, and what is wrong.
std::string ViewAcme(const Json& names, const Terminal& terminal) {
  if (names.empty()) return "";
  Table table({{"NAME", false, true}, {"CERTIFICATE UNTIL"}, {"NEXT TRY"}, {"STATE"}});
  std::string troubles;
  for (const Json& one : names) {
    std::string name = SafeText(TextOf(one, "name")), until = TextOf(one, "not_after");
    uint64_t failures = NumberOf(one, "failures");
    table.Row({name, until.empty() ? "none yet" : FormatTime(until),
               FormatTime(TextOf(one, "next_try")),
               failures > 0    ? "failing"
               : until.empty() ? "asking"
                               : "good"});
    if (failures == 0) continue;
    troubles += terminal.Bad("no certificate for " + name) + " after " +
                (failures == 1 ? "1 try" : FormatCount(failures) + " tries") + ": " +
                SafeText(TextOf(one, "last_failure")) + "\n";
  }
  return "\n" + table.ToString(terminal) + troubles;
}

uint64_t CounterOf(const Json& shard, const char* name) {
  return shard.contains("counters") ? NumberOf(shard["counters"], name) : 0;
}

// Cells of one line: a shard, or the sum of all threads.
std::vector<std::string> Traffic(const std::string& name, uint64_t connections, uint64_t held,
                                 const Json& counted) {
  std::vector<std::string> cells{name, FormatCount(connections)};
  for (const char* counter :
       {"messages_accepted_total", "messages_refused_total", "recipients_delivered_total",
        "recipients_deferred_total", "recipients_bounced_total"}) {
    cells.push_back(FormatCount(CounterOf(counted, counter)));
  }
  cells.push_back(FormatBytes(held));
  return cells;
}

std::string ViewShards(const Json& status, const Terminal& terminal) {
  Table table({{"SHARD"},
               {"CONNS", true},
               {"ACCEPTED", true},
               {"REFUSED", true},
               {"DELIVERED", true},
               {"DEFERRED", true},
               {"BOUNCED", true},
               {"BUFFERS HELD", true}});
  uint64_t connections = 0, held = 0;
  for (const Json& shard : ListOf(status, "shards")) {
    connections += NumberOf(shard, "connections");
    held += NumberOf(shard, "pool_bytes_held");
    table.Row(Traffic(std::to_string(NumberOf(shard, "shard")), NumberOf(shard, "connections"),
                      NumberOf(shard, "pool_bytes_held"), shard));
  }
  table.Row(Traffic("all", connections, held, status));
  return table.ToString(terminal);
}

// Nothing where the daemon is older than they are.
std::string ViewReturnPaths(const Json& counters) {
  if (!counters.contains("return_paths_taken_total")) return "";
  const uint64_t taken = NumberOf(counters, "return_paths_taken_total");
  return "return paths: " + FormatCount(taken) + (taken == 1 ? " bounce" : " bounces") +
         " taken, " + FormatCount(NumberOf(counters, "return_paths_refused_total")) + " refused\n";
}

std::string ViewCounters(const Json& status, const Terminal& terminal) {
  std::vector<Table::Column> columns{{"COUNTER"}};
  for (const Json& shard : ListOf(status, "shards")) {
    columns.push_back({"SHARD " + std::to_string(NumberOf(shard, "shard")), true});
  }
  columns.push_back({"ALL THREADS", true});
  Table table(std::move(columns));
  const Json& totals = ListOf(status, "counters");
  for (const auto& item : totals.items()) {
    std::vector<std::string> cells{SafeText(item.key())};
    for (const Json& shard : ListOf(status, "shards")) {
      cells.push_back(FormatCount(CounterOf(shard, item.key().c_str())));
    }
    cells.push_back(FormatCount(NumberOf(totals, item.key().c_str())));
    table.Row(std::move(cells));
  }
  return table.ToString(terminal);
}

}  // namespace

std::string TextOf(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}
uint64_t NumberOf(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}
bool FlagOf(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}
const Json& ListOf(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  auto found = object.find(name);
  return found != object.end() && found->is_structured() ? *found : kNone;
}

std::string ViewStatus(const Json& status, bool all_counters, const Terminal& terminal) {
  std::string state = SafeText(TextOf(status, "state"));
  std::string text = terminal.Bold("ringpostd " + SafeText(TextOf(status, "version"))) + " on " +
                     SafeText(TextOf(status, "hostname")) + ": " +
                     (state == "running" ? terminal.Good(state) : terminal.Warn(state)) + ", up " +
                     FormatDuration(Seconds(NumberOf(status, "uptime_seconds"))) + "\n";
  std::string config = SafeText(TextOf(status, "config"));
  text += Label("process") + "pid " + std::to_string(NumberOf(status, "pid")) + ", kernel " +
          SafeText(TextOf(status, "kernel")) + ", " +
          FormatCount(NumberOf(status, "open_files_max")) + " open files\n";
  text += Label("config") + (config.empty() ? "none: embedded development mode" : config) +
          ", loaded " + FormatTime(TextOf(status, "config_loaded")) + "\n";
  text += Label("listens on") + Join(ListOf(status, "listeners")) + "\n";
  uint64_t ceiling = NumberOf(status, "memory_ceiling_bytes");
  text += Label("memory") + FormatBytes(NumberOf(status, "memory_bytes")) +
          (ceiling > 0 ? " of " + FormatBytes(ceiling) : "") + "\n";
  std::string features = SafeText(TextOf(status, "reactor_features"));
  if (!features.empty()) {
    size_t width = terminal.tty ? terminal.width : SIZE_MAX;
    text += Wrap(Label("reactor") + features, width, Label("").size()) + "\n";
  }
  text += "\n" + ViewRegions(ListOf(status, "regions"), terminal);
  text += ViewAcme(ListOf(status, "acme"), terminal);
  text += "\n" + ViewShards(status, terminal) + ViewReturnPaths(ListOf(status, "counters"));
  if (all_counters) text += "\n" + ViewCounters(status, terminal);
  return text;
}

std::string ViewSummary(const Json& answer, WallTime now, const Terminal& terminal) {
  const Json& rows = ListOf(answer, "rows");
  if (rows.empty()) return "The queue is empty.\n";
  bool regions = std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
    return TextOf(row, "region") != TextOf(rows[0], "region");
  });
  std::vector<Table::Column> columns;
  if (regions) columns.push_back({"REGION"});
  for (Table::Column column : std::initializer_list<Table::Column>{{"DOMAIN", false, true},
                                                                   {"NEXT HOP", false, true},
                                                                   {"QUEUED", true},
                                                                   {"DEFERRED", true},
                                                                   {"HELD", true},
                                                                   {"DELIVERING", true},
                                                                   {"OLDEST", true}}) {
    columns.push_back(std::move(column));
  }
  Table table(std::move(columns));
  auto add = [&](const Json& row, std::string domain, std::string hop) {
    std::vector<std::string> cells;
    if (regions) cells.push_back(SafeText(TextOf(row, "region")));
    cells.push_back(std::move(domain));
    cells.push_back(std::move(hop));
    for (const char* name : {"queued", "deferred", "held", "delivering"}) {
      cells.push_back(FormatCount(NumberOf(row, name)));
    }
    cells.push_back(Age(row, "oldest", now));
    table.Row(std::move(cells));
  };
  for (const Json& row : rows) {
    std::string domain = SafeText(TextOf(row, "domain"));
    if (domain.empty()) domain = "(further domains)";
    add(row, std::move(domain),
        SafeText(TextOf(row, "next_hop")) + (FlagOf(row, "suspended") ? " (suspended)" : ""));
  }
  if (rows.size() > 1) add(ListOf(answer, "totals"), "all", "");
  std::string text = table.ToString(terminal);
  uint64_t left_out = NumberOf(answer, "rows_left_out");
  if (left_out > 0) {
    text +=
        FormatCount(left_out) + " smaller domains are counted in the last line and not shown.\n";
  }
  return text;
}

std::string ViewEntries(const Json& entries, WallTime now, const Terminal& terminal) {
  std::string text;
  size_t room = terminal.tty ? terminal.width : SIZE_MAX;
  for (const Json& entry : entries) {
    text += terminal.Bold(SafeText(TextOf(entry, "id"))) + "  " +
            PaintState(SafeText(TextOf(entry, "state")), terminal) + ", " +
            Age(entry, "received", now) + " old, " + FormatBytes(NumberOf(entry, "bytes")) + ", " +
            Attempts(entry) + "\n";
    const Json& recipients = ListOf(entry, "recipients");
    std::string to = !recipients.is_array() || recipients.empty() || !recipients[0].is_string()
                         ? ""
                         : SafeText(recipients[0].get<std::string>());
    uint64_t open = NumberOf(entry, "recipients_open");
    if (open > 1) to += " (+" + FormatCount(open - 1) + " more)";
    text += Fit("  " + Sender(entry) + " -> " + to, room) + "\n";
    std::string when = When(entry, now);
    text += Fit("  via " + SafeText(TextOf(entry, "next_hop")) + (when.empty() ? "" : ", " + when),
                room) +
            "\n";
    std::string reply = SafeText(TextOf(entry, "last_reply"));
    if (!reply.empty()) text += terminal.Dim(Fit("  " + reply, room)) + "\n";
  }
  return text;
}

std::string ViewEntryInFull(const Json& entry, WallTime now, const Terminal& terminal) {
  std::string when = When(entry, now);
  std::string text = terminal.Bold(SafeText(TextOf(entry, "id"))) + "  " +
                     PaintState(SafeText(TextOf(entry, "state")), terminal) + "\n";
  text += Label("region") + SafeText(TextOf(entry, "region")) + "\n";
  text += Label("sender") + Sender(entry) + "\n";
  text += Label("next hop") + SafeText(TextOf(entry, "next_hop")) + "\n";
  text += Label("size") + FormatBytes(NumberOf(entry, "bytes")) + "\n";
  text += Label("received") + FormatTime(TextOf(entry, "received")) + ", " +
          Age(entry, "received", now) + " ago\n";
  text += Label("tried") + Attempts(entry) + (when.empty() ? "" : ", " + when) + "\n";
  text += Label("gives up") + FormatTime(TextOf(entry, "deadline")) + "\n";
  std::string reply = SafeText(TextOf(entry, "last_reply"));
  if (!reply.empty()) text += Label("last reply") + reply + "\n";
  const Json& recipients = ListOf(entry, "recipients");
  uint64_t open = NumberOf(entry, "recipients_open");
  text += Label("recipients") + FormatCount(open) + " open\n";
  for (const Json& recipient : recipients) {
    if (recipient.is_string()) text += "    " + SafeText(recipient.get<std::string>()) + "\n";
  }
  if (open > recipients.size()) {
    text += "    and " + FormatCount(open - recipients.size()) + " more\n";
  }
  return text;
}

std::string ViewSuspensions(const Json& answer, WallTime now, const Terminal& terminal) {
  const Json& list = ListOf(answer, "suspensions");
  if (list.empty()) return "Nothing is suspended.\n";
  Table table({{"REGION"}, {"DOMAIN", false, true}, {"NEXT HOP"}, {"UNTIL"}, {"LEFT", true}});
  for (const Json& one : list) {
    auto until = ParseTime(TextOf(one, "until"));
    std::string left = until ? FormatDuration(std::chrono::ceil<Seconds>(*until - now)) : "-";
    std::string domain = SafeText(TextOf(one, "domain")), hop = SafeText(TextOf(one, "next_hop"));
    table.Row({SafeText(TextOf(one, "region")), domain.empty() ? "-" : domain,
               hop.empty() ? "-" : hop, FormatTime(TextOf(one, "until")), left});
  }
  return table.ToString(terminal);
}

std::string ViewError(const Json& answer) {
  auto found = answer.find("error");
  if (found == answer.end()) return "";
  std::string text = "ringpost: " + SafeLines(TextOf(*found, "message"));
  if (!text.ends_with('\n')) text += "\n";
  std::string hint = SafeText(TextOf(*found, "hint"));
  if (!hint.empty()) text += "  " + hint + "\n";
  return text;
}

}  // namespace ringpost::cli
