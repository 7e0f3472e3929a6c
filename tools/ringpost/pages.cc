#include "tools/ringpost/pages.h"

#include <algorithm>
#include <string>

#include "gateway/base/limits.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

constexpr uint64_t kPageEntries = limits::kControlListEntriesMax;

}  // namespace

PagesEnd EachPage(Session* session, Json request, const char* member, uint64_t limit,
                  const std::function<bool(const Json& entries)>& on_page) {
  PagesEnd end;
  std::string after;
  for (;;) {
    request["limit"] = limit > 0 ? std::min(limit - end.shown, kPageEntries) : kPageEntries;
    auto answer = session->Ask(request);
    if (!answer) {
      end.code = session->code();
      return end;
    }
    end.code = session->CodeOf(*answer);
    const Json& entries = ListOf(*answer, member);
    end.shown += entries.size();
    const bool goes_on = on_page(entries);
    const std::string next = TextOf(*answer, "next");
    answer->erase(member);
    end.last = std::move(*answer);
    const bool enough = limit > 0 && end.shown >= limit;
    end.more = !next.empty() && enough;
    // A cursor that stays where it is would never end.
    if (end.code != kDone || next.empty() || enough || !goes_on || next == after) return end;
    after = next;
    request["after"] = next;
  }
}

void EndList(const Options& options, PagesEnd end, const char* nothing) {
  if (options.json) {
    if (!end.last.is_object()) return;
    end.last["listed"] = end.shown;
    return PrintJson(end.last);
  }
  if (end.code != kDone) return;
  if (end.shown == 0) Print(std::string(nothing) + "\n");
  // The daemon's total counts what a filter leaves out, too.
  if (end.more) Print("There is more: raise --limit.\n");
}

}  // namespace ringpost::cli
