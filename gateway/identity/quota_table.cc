#include "gateway/identity/quota_table.h"

#include <algorithm>
#include <utility>

#include "gateway/base/counters.h"

namespace ringpost::identity {
namespace {

constexpr size_t kWordsPerEntry = 3;  // its key, the day's count, the month's

uint64_t KeyOf(QuotaTable::Kind kind, uint32_t id) {
  return PlaceKey(static_cast<uint8_t>(kind), id);
}

}  // namespace

bool QuotaTable::Place::Free(WallTime now) const {
  return held.load(std::memory_order_acquire) == 0 && month.period() < UtcMonth(now);
}

QuotaUse QuotaTable::UseOf(Kind kind, uint32_t id, WallTime now) const {
  const Place* place = table_.Find(KeyOf(kind, id));
  if (!place) return {};
  return {place->day.Of(UtcDay(now)), place->month.Of(UtcMonth(now))};
}

void QuotaTable::Save(size_t first, size_t count, WallTime now,
                      std::vector<uint64_t>* words) const {
  uint32_t this_month = UtcMonth(now);
  for (size_t i = first; i < first + count; ++i) {
    const Place& place = table_.at(i);
    uint64_t key = place.key.load(std::memory_order_acquire);
    if (key == 0 || place.month.period() < this_month) continue;
    words->insert(words->end(), {key, place.day.word(), place.month.word()});
  }
}

void QuotaTable::Load(std::span<const uint64_t> words, WallTime now) {
  for (; words.size() >= kWordsPerEntry; words = words.subspan(kWordsPerEntry)) {
    if (words[0] == 0) continue;
    Place* place = table_.FindOrTake(words[0], now);
    if (!place) continue;
    // Two records may have it. Within a period counts only grow: the greater word is newer.
    place->day.set_word(std::max(words[1], place->day.word()));
    place->month.set_word(std::max(words[2], place->month.word()));
  }
}

QuotaHold& QuotaHold::operator=(QuotaHold&& other) noexcept {
  if (this == &other) return *this;
  GiveBack();
  place_ = std::exchange(other.place_, nullptr);
  held_ = std::exchange(other.held_, 0);
  return *this;
}

// Held first and looked at then, and counted before it is no longer held: whoever comes in between
// sees too much, never too little.
QuotaTable::Over QuotaHold::Take(QuotaTable* table, QuotaTable::Kind kind, uint32_t id,
                                 const Quota& quota, WallTime now) {
  using Over = QuotaTable::Over;
  if (!quota.limited()) return Over::kNone;
  QuotaTable::Place* place = held_ > 0 ? place_ : table->table_.FindOrTake(KeyOf(kind, id), now);
  if (!place) {
    Count(Counter::kLimitsNotCounted);
    return Over::kNone;
  }
  uint64_t held = uint64_t{place->held.fetch_add(1, std::memory_order_acq_rel)} + 1;
  Over over = Over::kNone;
  if (quota.daily > 0 && place->day.Of(UtcDay(now)) + held > quota.daily) over = Over::kDaily;
  // Of both the one that lasts longer is said.
  if (quota.monthly > 0 && place->month.Of(UtcMonth(now)) + held > quota.monthly) {
    over = Over::kMonthly;
  }
  if (over != Over::kNone) {
    place->held.fetch_sub(1, std::memory_order_acq_rel);
    return over;
  }
  place_ = place;
  ++held_;
  return Over::kNone;
}

void QuotaHold::GiveBackOne() {
  if (held_ == 0) return;
  --held_;
  place_->held.fetch_sub(1, std::memory_order_acq_rel);
}

void QuotaHold::GiveBack() {
  if (held_ > 0) place_->held.fetch_sub(std::exchange(held_, 0), std::memory_order_acq_rel);
}

void QuotaHold::Accept(WallTime now) {
  if (held_ == 0) return;
  place_->day.Add(UtcDay(now), held_);
  place_->month.Add(UtcMonth(now), held_);
  GiveBack();
}

}  // namespace ringpost::identity
