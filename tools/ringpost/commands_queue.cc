// ringpost queue ...
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

constexpr uint32_t kPageEntries = 500;

std::string PastOf(const std::string& verb) {
  if (verb == "hold") return "held";
  if (verb == "retry") return "due now";
  return verb + (verb.back() == 'e' ? "d" : "ed");  // released, deleted, bounced
}

// How many entries a destructive command is about, where the daemon can say: by domain and next
// hop.
std::string CountFor(Session* session, const Options& options) {
  if (!options.sender.empty() || options.held) return "";
  Json request = FilterJson(options);
  request.erase("all");
  request["command"] = "queue summary";
  auto answer = session->Ask(request);
  if (!answer || !answer->contains("totals")) return "";
  uint64_t count = 0;
  for (const char* name : {"queued", "deferred", "held", "delivering"}) {
    count += NumberOf((*answer)["totals"], name);
  }
  return " (" + FormatCount(count) + (count == 1 ? " entry)" : " entries)");
}

// True: go on. Messages by id are meant as they are; whole groups of them are asked about.
bool Confirmed(Session* session, const std::string& verb, const Options& options) {
  if ((verb != "delete" && verb != "bounce") || !options.ids.empty() || options.yes) return true;
  if (!CanAsk(options)) {
    Complain("this may " + verb + " more than one message: repeat with --yes");
    return false;
  }
  std::string count = CountFor(session, options);
  if (session->code() != kDone) return false;
  return AskWhether(verb + " queued mail: " + FilterWords(options) + count);
}

// A change may take long: on a terminal standard error says how far it is.
std::optional<Json> AskWithProgress(Session* session, const Json& request, const std::string& verb,
                                    const Options& options) {
  bool shown = !options.json && ::isatty(STDERR_FILENO) == 1;
  bool any = false;
  auto answer = session->Ask(request, [&](const Json& line) {
    if (!shown || !line.contains("progress")) return;
    any = true;
    std::fprintf(stderr, "\r\033[K%s: %s entries so far", verb.c_str(),
                 FormatCount(NumberOf(line["progress"], "affected")).c_str());
  });
  if (any) std::fputs("\r\033[K", stderr);
  return answer;
}

int ChangeByFilter(Session* session, const std::string& verb, const Options& options) {
  Json request = FilterJson(options);
  request["command"] = "queue " + verb;
  if (!options.reason.empty()) request["reason"] = options.reason;
  auto answer = AskWithProgress(session, request, verb, options);
  if (!answer) return session->code();
  if (options.json) PrintJson(*answer);
  int code = session->CodeOf(*answer);
  uint64_t affected = NumberOf(*answer, "affected");
  if (!options.json && answer->contains("affected")) {
    Print(affected == 0 ? "Nothing matched.\n"
                        : FormatCount(affected) + (affected == 1 ? " entry " : " entries ") +
                              PastOf(verb) + ".\n");
  }
  return code == kDone && affected == 0 ? kRefused : code;
}

int ChangeByIds(Session* session, const std::string& verb, const Options& options) {
  uint64_t entries = 0;
  size_t found = 0;
  int worst = kDone;
  for (const std::string& id : options.ids) {
    Json request = {{"command", "queue " + verb}, {"id", id}};
    if (!options.region.empty()) request["region"] = options.region;
    if (!options.reason.empty()) request["reason"] = options.reason;
    auto answer = session->Ask(request);
    if (!answer) return session->code();
    if (options.json) {
      (*answer)["id"] = id;
      PrintJson(*answer);
    }
    int code = session->CodeOf(*answer);
    uint64_t affected = NumberOf(*answer, "affected");
    if (code == kDone && affected == 0) {
      if (!options.json) {
        Complain(SafeText(id) + " is not queued, or is being delivered this moment");
      }
      code = kRefused;
    }
    if (code == kDone) ++found;
    worst = std::max(worst, code);
    entries += affected;
  }
  if (!options.json && entries > 0) {
    Print(FormatCount(entries) + (entries == 1 ? " entry " : " entries ") + PastOf(verb) + ".\n");
  }
  return worst != kDone && found > 0 ? kPartial : worst;
}

// Behind the entries. With --json: the last page's answer without them, and how many there were.
void EndList(const Options& options, Json last, uint64_t shown) {
  if (options.json) {
    last.erase("entries");
    last["listed"] = shown;
    return PrintJson(last);
  }
  if (shown == 0 && FlagOf(last, "ok")) Print("Nothing is queued that matches.\n");
  if (!TextOf(last, "next").empty()) Print("There is more: raise --limit, or leave it out.\n");
}

}  // namespace

int QueueSummary(const Options& options) {
  Session session(options);
  Json request = FilterJson(options);
  request["command"] = "queue summary";
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) {
    PrintJson(*answer);
  } else if (answer->contains("rows")) {
    Print(ViewSummary(*answer, ReadWallClock(), options.terminal));
  }
  return session.CodeOf(*answer);
}

int QueueList(const Options& options) {
  Session session(options);
  Json request = FilterJson(options);
  request["command"] = "queue list";
  uint64_t shown = 0;
  for (;;) {
    uint64_t left = options.limit > 0 ? options.limit - shown : kPageEntries;
    request["limit"] = std::min<uint64_t>(left, kPageEntries);
    auto answer = session.Ask(request);
    if (!answer) return session.code();
    const Json& entries = ListOf(*answer, "entries");
    shown += entries.size();
    if (options.json) {
      for (const Json& entry : entries) PrintJson(entry);
    } else {
      Print(ViewEntries(entries, ReadWallClock(), options.terminal));
    }
    int code = session.CodeOf(*answer);
    std::string next = TextOf(*answer, "next");
    bool enough = options.limit > 0 && shown >= options.limit;
    if (code != kDone || next.empty() || enough) {
      EndList(options, std::move(*answer), shown);
      return code;
    }
    request["after"] = next;
  }
}

int QueueShow(const Options& options) {
  Session session(options);
  int worst = kDone;
  size_t found = 0;
  for (const std::string& id : options.ids) {
    Json request = {{"command", "queue show"}, {"id", id}};
    if (!options.region.empty()) request["region"] = options.region;
    auto answer = session.Ask(request);
    if (!answer) return session.code();
    if (options.json) {
      PrintJson(*answer);
    } else {
      for (const Json& entry : ListOf(*answer, "entries")) {
        Print(ViewEntryInFull(entry, ReadWallClock(), options.terminal));
      }
    }
    int code = session.CodeOf(*answer);
    if (code == kDone) ++found;
    worst = std::max(worst, code);
  }
  return worst != kDone && found > 0 ? kPartial : worst;
}

int QueueChange(const std::string& verb, const Options& options) {
  bool filtered = !options.domain.empty() || !options.next_hop.empty() || !options.sender.empty() ||
                  options.held;
  if (options.ids.empty() && !filtered && !options.all) {
    Complain("which messages? Name ids, or --domain, --next-hop, --sender, --held, or --all");
    return kUsage;
  }
  if ((options.all && (filtered || !options.ids.empty())) || (filtered && !options.ids.empty())) {
    Complain("ids, filters (--domain, --next-hop, --sender, --held) and --all exclude each other");
    return kUsage;
  }
  Session session(options);
  if (!session.Open()) return session.code();
  if (!Confirmed(&session, verb, options)) {
    return session.code() != kDone ? session.code() : kUsage;
  }
  return options.ids.empty() ? ChangeByFilter(&session, verb, options)
                             : ChangeByIds(&session, verb, options);
}

}  // namespace ringpost::cli
