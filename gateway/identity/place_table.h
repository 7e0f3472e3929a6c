// PlaceTable: counts by key for all shards, without a lock: a fixed number of places, each with its
// key, found by hashing. What RateTable, QuotaTable and OutcomeCounts have in common; private to
// them.
//
// A Place is atomics alone, means nothing where all of it is zero, and says by Free when it means
// nothing any more: then it is anybody's. Where none of the places that a key may have is free,
// there is none for it.
//
// Two threads that take one free place for two keys at the same moment may mix a count up, by one
// operation; whoever counts says what that means for him.
//
// Memory: what was never touched costs none. Threads: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "gateway/base/check.h"
#include "gateway/base/time.h"

namespace ringpost::identity {

// `kind` is a table's own, and not 0.
inline uint64_t PlaceKey(uint8_t kind, uint32_t id) { return uint64_t{kind} << 32 | id; }
inline uint32_t IdOfPlaceKey(uint64_t key) { return static_cast<uint32_t>(key); }

// Place: `std::atomic<uint64_t> key` (0: nobody's), `bool Free(WallTime now) const`.
template <typename Place>
class PlaceTable {
 public:
  explicit PlaceTable(size_t places)  // a power of two
      : places_(static_cast<Place*>(std::calloc(places, sizeof(Place)))), mask_(places - 1) {
    // From calloc: the system's pages are zero before they are anybody's memory.
    static_assert(std::is_trivially_destructible_v<Place>);
    RP_CHECK(places_ && places >= kPlacesPerKey && (places & mask_) == 0);
  }

  size_t size() const { return mask_ + 1; }
  Place& at(size_t index) { return places_.get()[index]; }
  const Place& at(size_t index) const { return places_.get()[index]; }

  // Null: there is none.
  Place* Find(uint64_t key) const {
    size_t first = Hash(key);
    for (size_t i = 0; i < kPlacesPerKey; ++i) {
      Place& place = places_.get()[(first + i) & mask_];
      if (place.key.load(std::memory_order_acquire) == key) return &place;
    }
    return nullptr;
  }

  Place* FindOrTake(uint64_t key, WallTime now) {
    if (Place* found = Find(key)) return found;
    size_t first = Hash(key);
    for (size_t i = 0; i < kPlacesPerKey; ++i) {
      Place& place = at((first + i) & mask_);
      uint64_t other = place.key.load(std::memory_order_acquire);
      if (other != 0 && !place.Free(now)) continue;
      if (place.key.compare_exchange_strong(other, key, std::memory_order_acq_rel)) return &place;
      if (other == key) return &place;
    }
    return nullptr;
  }

 private:
  static constexpr size_t kPlacesPerKey = 16;  // that are looked at
  struct Freed {
    void operator()(Place* places) const { std::free(places); }
  };

  // Keys are numbers that we gave: no client chooses which of them meet. (splitmix64's last steps.)
  static size_t Hash(uint64_t key) {
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9;
    key = (key ^ (key >> 27)) * 0x94d049bb133111eb;
    return static_cast<size_t>(key ^ (key >> 31));
  }

  std::unique_ptr<Place, Freed> places_;
  size_t mask_;
};

}  // namespace ringpost::identity
