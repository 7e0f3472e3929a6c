// The daemon's answers as text for people: pure functions of the JSON that `--json` prints.
#pragma once

#include <string>

#include "gateway/base/time.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

std::string ViewStatus(const Json& status, bool all_counters, const Terminal& terminal);
std::string ViewSummary(const Json& answer, WallTime now, const Terminal& terminal);
// A page of queue list, two or three lines a message; `show` adds what a list leaves out.
std::string ViewEntries(const Json& entries, WallTime now, const Terminal& terminal);
std::string ViewEntryInFull(const Json& entry, WallTime now, const Terminal& terminal);
std::string ViewSuspensions(const Json& answer, WallTime now, const Terminal& terminal);

// {"error":{...}} as lines: what and why, then what to do.
std::string ViewError(const Json& answer);

// A member, or something empty: an older or newer daemon may not have it.
std::string TextOf(const Json& object, const char* name);
uint64_t NumberOf(const Json& object, const char* name);
bool FlagOf(const Json& object, const char* name);
const Json& ListOf(const Json& object, const char* name);

}  // namespace ringpost::cli
