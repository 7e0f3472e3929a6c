// The end of the log at a start: what a crash or a power cut left of records that were written and
// not synced. Private to storage.
//
// RocksDB forgives a last record that ends too early. But a power cut may also leave the length of
// the file and of the bytes only some blocks, with zeros for the others: the length is in the file
// system's journal before the bytes are on the disk. To RocksDB that is damage, and the store would
// refuse to open over a record that nobody was ever told of. So the end is looked at here, by
// RocksDB's own checksums, and cut off where it was torn. What makes a torn end: nothing whole
// comes after it, in that log or a later one. A record that was acknowledged is followed by
// others, or is the very last one; damage to that one record looks the same and is the price, as it
// is of forgiving one that ends too early (decisions/010).
#pragma once

#include "gateway/base/status.h"
#include "storage/engine.h"

namespace ringpost::storage {

// True: there was a torn end, and it is gone, synced; a line in the log says how many bytes. False:
// there is none, and what RocksDB complains of is something else.
StatusOr<bool> CutTornTail(const Engine& engine);

}  // namespace ringpost::storage
