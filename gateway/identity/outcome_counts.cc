#include "gateway/identity/outcome_counts.h"

#include <algorithm>
#include <chrono>

#include "gateway/base/counters.h"

namespace ringpost::identity {
namespace {

constexpr uint8_t kCredential = 1;  // the kind of all keys here
constexpr uint64_t kDayMillis = 86'400'000;

}  // namespace

bool OutcomeCounts::Place::Free(WallTime now) const {
  uint32_t today = UtcDay(now);
  return std::all_of(&counts[0][0], &counts[0][0] + kWhats * 2,
                     [today](const PeriodCount& count) { return count.period() + 1 < today; });
}

void OutcomeCounts::Add(uint32_t credential, What what, WallTime now, uint32_t amount) {
  if (credential == 0 || amount == 0) return;
  Place* place = table_.FindOrTake(PlaceKey(kCredential, credential), now);
  if (!place) {
    Count(Counter::kLimitsNotCounted);
    return;
  }
  uint32_t today = UtcDay(now);
  place->counts[static_cast<size_t>(what)][today & 1].Add(today, amount);
  if (what != What::kAccepted) changes_.fetch_add(1, std::memory_order_release);
}

OutcomeCounts::Sums OutcomeCounts::SumsOf(const Place& place, WallTime now) {
  uint32_t today = UtcDay(now);
  uint64_t past = static_cast<uint64_t>(std::max<int64_t>(ToMillis(now), 0)) % kDayMillis;
  auto sum = [&](What what) {
    const PeriodCount* counts = place.counts[static_cast<size_t>(what)];
    uint64_t yesterday = today > 0 ? counts[(today - 1) & 1].Of(today - 1) : 0;
    return counts[today & 1].Of(today) + yesterday * (kDayMillis - past) / kDayMillis;
  };
  return {sum(What::kAccepted), sum(What::kHardBounce), sum(What::kComplaint)};
}

OutcomeCounts::Sums OutcomeCounts::Of(uint32_t credential, WallTime now) const {
  const Place* place = table_.Find(PlaceKey(kCredential, credential));
  return place ? SumsOf(*place, now) : Sums();
}

void OutcomeCounts::Forget(uint32_t credential) {
  Place* place = table_.Find(PlaceKey(kCredential, credential));
  if (!place) return;
  for (auto& days : place->counts) {
    for (PeriodCount& count : days) count.set_word(0);
  }
}

void OutcomeCounts::ForEach(WallTime now,
                            const std::function<void(uint32_t, const Sums&)>& each) const {
  for (size_t i = 0; i < table_.size(); ++i) {
    const Place& place = table_.at(i);
    uint64_t key = place.key.load(std::memory_order_acquire);
    if (key != 0) each(IdOfPlaceKey(key), SumsOf(place, now));
  }
}

void OutcomeCounts::Save(size_t first, size_t count, WallTime now,
                         std::vector<uint64_t>* words) const {
  for (size_t i = first; i < first + count; ++i) {
    const Place& place = table_.at(i);
    uint64_t key = place.key.load(std::memory_order_acquire);
    if (key == 0 || place.Free(now)) continue;
    words->push_back(key);
    for (const auto& days : place.counts) {
      for (const PeriodCount& one : days) words->push_back(one.word());
    }
  }
}

void OutcomeCounts::Load(std::span<const uint64_t> words, WallTime now) {
  constexpr size_t kWordsPerEntry = 1 + kWhats * 2;
  for (; words.size() >= kWordsPerEntry; words = words.subspan(kWordsPerEntry)) {
    if (words[0] == 0) continue;
    Place* place = table_.FindOrTake(words[0], now);
    if (!place) continue;
    size_t at = 1;
    // Two records may have it. Within a day counts only grow: the greater word is newer.
    for (auto& days : place->counts) {
      for (PeriodCount& one : days) one.set_word(std::max(words[at++], one.word()));
    }
  }
}

}  // namespace ringpost::identity
