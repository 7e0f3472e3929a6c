// The parts of a RocksSpool, in the order in which they are made; they go in the reverse. Private
// to storage.
#pragma once

#include <optional>

#include "storage/committer.h"
#include "storage/housekeeper.h"
#include "storage/key_ring.h"
#include "storage/reader_pool.h"
#include "storage/rocks_spool.h"
#include "storage/scanner.h"
#include "storage/space_guard.h"
#include "storage/space_reclaim.h"
#include "storage/store.h"

namespace ringpost::storage {

struct RocksSpool::Parts {
  explicit Parts(Engine given) : engine(std::move(given)), store(engine), space(engine) {}

  Engine engine;
  Store store;
  SpaceGuard space;
  std::unique_ptr<KeyRing> ring;
  std::optional<Committer> committer;
  std::optional<ReaderPool> readers;
  std::optional<Housekeeper> housekeeper;
  std::optional<SpaceReclaim> reclaim;
  std::optional<Scanner> scanner;
  std::atomic<int64_t> scanned{0};
};

}  // namespace ringpost::storage
