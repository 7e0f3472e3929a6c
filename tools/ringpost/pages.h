// Lists that the daemon gives page by page.
#pragma once

#include <cstdint>
#include <functional>

#include "tools/ringpost/session.h"

namespace ringpost::cli {

struct PagesEnd {
  int code = 0;        // how it ended; what is not kDone has been said
  uint64_t shown = 0;  // entries that were given
  bool more = false;   // the limit ended it
  Json last;           // the last answer without its entries; null: there was none
};

// Asks for page after page; `member` has an answer's entries. `limit` 0: to the end. False from
// `on_page`: it ends.
PagesEnd EachPage(Session* session, Json request, const char* member, uint64_t limit,
                  const std::function<bool(const Json& entries)>& on_page);

// What is said behind a list; `nothing` where it is empty. With --json: the last page's answer
// without its entries, and how many there were.
void EndList(const Options& options, PagesEnd end, const char* nothing);

}  // namespace ringpost::cli
