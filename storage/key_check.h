// KeyCheck: at an opening, before anything of the keys is written: are these the keys of this
// store? Private to storage.
//
// A store that holds messages and whose keys are missing, damaged or another store's is a disaster
// to be told, not to be papered over with new keys, which would be written over the old ones. A
// store that holds none can begin anew.
#pragma once

#include "storage/database.h"
#include "storage/engine.h"

namespace ringpost::storage {

// FAILED_PRECONDITION: with messages in the store, the store's key is not the one the store was
// made with, or the slots are missing or hold no key that opens: in words, which file to restore.
// Otherwise keeps what tells the store's key from another (FORMAT.md, `check`) where it is not
// there yet.
Status CheckKeys(const Engine& engine, Database& database);

}  // namespace ringpost::storage
