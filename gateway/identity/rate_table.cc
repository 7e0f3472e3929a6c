#include "gateway/identity/rate_table.h"

#include <algorithm>
#include <chrono>

#include "gateway/base/counters.h"

namespace ringpost::identity {
namespace {

constexpr size_t kWordsPerEntry = 2;  // its key, and when nothing is owed any more

uint64_t KeyOf(RateTable::Kind kind, uint32_t id) {
  return PlaceKey(static_cast<uint8_t>(kind), id);
}

int64_t NanosOf(WallTime now) { return ToMillis(now) * 1'000'000; }

}  // namespace

bool RateTable::Place::Free(WallTime now) const {
  return due_ns.load(std::memory_order_relaxed) <= NanosOf(now);
}

Millis RateTable::Take(Kind kind, uint32_t id, const RateLimit& limit, WallTime now,
                       uint32_t amount) {
  if (!limit.limited()) return Millis(0);
  Place* place = table_.FindOrTake(KeyOf(kind, id), now);
  if (!place) {
    Count(Counter::kLimitsNotCounted);
    return Millis(0);
  }
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
  Place* place = table_.Find(KeyOf(kind, id));
  if (!place) return;
  int64_t period_ns = std::chrono::nanoseconds(limit.period).count();
  place->due_ns.fetch_sub(std::min(period_ns / limit.count * amount, period_ns),
                          std::memory_order_relaxed);
}

void RateTable::Save(size_t first, size_t count, WallTime now, std::vector<uint64_t>* words) const {
  for (size_t i = first; i < first + count; ++i) {
    const Place& place = table_.at(i);
    uint64_t key = place.key.load(std::memory_order_acquire);
    if (key == 0 || place.Free(now)) continue;
    words->push_back(key);
    words->push_back(static_cast<uint64_t>(place.due_ns.load(std::memory_order_relaxed)));
  }
}

void RateTable::Load(std::span<const uint64_t> words, WallTime now) {
  for (; words.size() >= kWordsPerEntry; words = words.subspan(kWordsPerEntry)) {
    int64_t due_ns = static_cast<int64_t>(words[1]);
    if (words[0] == 0 || due_ns <= NanosOf(now)) continue;
    Place* place = table_.FindOrTake(words[0], now);
    if (!place) continue;
    // Two records may have it: what is owed more is newer.
    due_ns = std::max(due_ns, place->due_ns.load(std::memory_order_relaxed));
    place->due_ns.store(due_ns, std::memory_order_relaxed);
  }
}

}  // namespace ringpost::identity
