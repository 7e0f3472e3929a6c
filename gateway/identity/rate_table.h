// RateTable: what has been taken of the rates of accounts, credentials, listeners, return paths, web
// clients and bounces, over all shards: one number each (rate.h), without a lock.
//
// Only what is owed is kept: an entry whose time has come is as if it were not there, and its place
// is anybody's. So the table is as large as the limits that are in use at once; where none of the
// places for a key is free, the rate is not counted, and mail passes.
//
// Two threads that take one free place for two keys at the same moment may count one message too
// few: rates are kept to about a message per thread.
//
// Threads: any; Load before the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/place_table.h"
#include "gateway/identity/rate.h"

namespace ringpost::identity {

class RateTable {
 public:
  enum class Kind : uint8_t { kAccount = 1, kCredential, kListener, kReturnPath, kWebClient, kBounce };
  explicit RateTable(size_t places) : table_(places) {}  // a power of two

  // Zero: taken. Else nothing is, and it would be after so long.
  Millis Take(Kind kind, uint32_t id, const RateLimit& limit, WallTime now, uint32_t amount = 1);
  // Gives back what was just taken: of two limits the second refused.
  void GiveBack(Kind kind, uint32_t id, const RateLimit& limit, uint32_t amount = 1);

  // To keep it over a restart: what is owed in `count` places from `first` on, as words that Load
  // takes. What Load does not understand it leaves out.
  size_t places() const { return table_.size(); }
  void Save(size_t first, size_t count, WallTime now, std::vector<uint64_t>* words) const;
  void Load(std::span<const uint64_t> words, WallTime now);

 private:
  struct Place {
    std::atomic<uint64_t> key;
    std::atomic<int64_t> due_ns;
    bool Free(WallTime now) const;
  };
  PlaceTable<Place> table_;
};

}  // namespace ringpost::identity
