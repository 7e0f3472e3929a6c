// MessageWalk: goes over the envelope rows of a store that may be damaged. Where a block does not
// read, it finds the next key that does, names the gap, and goes on. Private to storage.
#pragma once

#include <functional>
#include <string_view>

#include "storage/database.h"
#include "storage/store_tools.h"

namespace ringpost::storage {

// Calls `visit` with each id and raw envelope row; a status that is not OK ends the walk and is
// returned.
Status WalkMessages(Database& database, StoreReport* report,
                    const std::function<Status(const MessageId&, std::string_view)>& visit);

}  // namespace ringpost::storage
