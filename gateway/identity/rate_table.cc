#include "gateway/identity/rate_table.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <chrono>

#include "gateway/base/check.h"

namespace ringpost::identity {
namespace {

constexpr size_t kPlacesPerKey = 16;  // that are looked at

uint64_t KeyOf(RateTable::Kind kind, uint32_t id) {
  return uint64_t{static_cast<uint8_t>(kind)} << 32 | id;
}

int64_t NanosOf(WallTime now) { return ToMillis(now) * 1'000'000; }

}  // namespace

RateTable::RateTable(size_t places) : places_(new Place[places]), mask_(places - 1) {
  RP_CHECK(places >= kPlacesPerKey && (places & mask_) == 0);
}

RateTable::Place* RateTable::Find(uint64_t key) {
  size_t at = absl::HashOf(key);
  for (size_t i = 0; i < kPlacesPerKey; ++i) {
    Place& place = places_[(at + i) & mask_];
    if (place.key.load(std::memory_order_acquire) == key) return &place;
  }
  return nullptr;
}

RateTable::Place* RateTable::FindOrTake(uint64_t key, int64_t now_ns) {
  if (Place* found = Find(key)) return found;
  size_t at = absl::HashOf(key);
  for (size_t i = 0; i < kPlacesPerKey; ++i) {
    Place& place = places_[(at + i) & mask_];
    uint64_t other = place.key.load(std::memory_order_acquire);
    if (other != 0 && place.due_ns.load(std::memory_order_relaxed) > now_ns) continue;
    if (place.key.compare_exchange_strong(other, key, std::memory_order_acq_rel)) return &place;
    if (other == key) return &place;
  }
  return nullptr;
}

Millis RateTable::Take(Kind kind, uint32_t id, const RateLimit& limit, WallTime now,
                       uint32_t amount) {
  if (!limit.limited()) return Millis(0);
  Place* place = FindOrTake(KeyOf(kind, id), NanosOf(now));
  if (!place) return Millis(0);
  int64_t before = place->due_ns.load(std::memory_order_relaxed);
  for (;;) {
    Rate rate(before);
    Millis wait = rate.Take(limit, now, amount);
    if (wait > Millis(0) && rate.state_ns() == before) return wait;
    if (place->due_ns.compare_exchange_weak(before, rate.state_ns(), std::memory_order_relaxed)) {
      return wait;
    }
  }
}

void RateTable::GiveBack(Kind kind, uint32_t id, const RateLimit& limit, uint32_t amount) {
  if (!limit.limited()) return;
  Place* place = Find(KeyOf(kind, id));
  if (!place) return;
  int64_t period_ns = std::chrono::nanoseconds(limit.period).count();
  place->due_ns.fetch_sub(std::min(period_ns / limit.count * amount, period_ns),
                          std::memory_order_relaxed);
}

}  // namespace ringpost::identity
