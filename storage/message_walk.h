// MessageWalk: goes over the envelope rows of a store that may be damaged. Where a block does not
// read, it finds the next key that does, names the gap, and goes on. Private to storage.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "storage/database.h"
#include "storage/store_tools.h"

namespace ringpost::storage {

// The first key after `last` (16 bytes) from which envelope rows read again; nothing where none
// does up to the last of all. `unsure` becomes true where a place did not read for another reason
// than damage, so that the answer may be another one later.
std::optional<std::string> NextReadable(Database& database, std::string_view last, bool* unsure);

// Calls `visit` with each id and raw envelope row; a status that is not OK ends the walk and is
// returned.
Status WalkMessages(Database& database, StoreReport* report,
                    const std::function<Status(const MessageId&, std::string_view)>& visit);

}  // namespace ringpost::storage
