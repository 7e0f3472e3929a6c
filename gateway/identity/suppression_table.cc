#include "gateway/identity/suppression_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "gateway/base/check.h"
#include "gateway/identity/suppression_limits.h"

namespace ringpost::identity {
namespace {

// A place: 48 bits of tag, 13 of day, 3 of reason. 0: never used. No reason: removed.
constexpr int kDayBits = 13, kReasonBits = 3, kTagShift = kDayBits + kReasonBits;
constexpr uint64_t kReasonMask = (1 << kReasonBits) - 1, kDayMask = (1 << kDayBits) - 1;
constexpr uint64_t kRemoved = 1 << kReasonBits;
constexpr int64_t kFirstDay = 18262;  // 2020-01-01, in days since 1970
constexpr int kTagBits = 64 - kTagShift;
constexpr size_t kFullPercent = 85;
constexpr uint32_t kFirstLines = 3;  // with the array's head: 256 bytes

uint64_t TagOf(uint64_t hash) { return hash & ((uint64_t{1} << kTagBits) - 1); }
size_t SegmentOf(uint64_t hash) { return hash >> (64 - 12); }

// Of the upper half of the tag, which is in the place too: copying needs no addresses.
size_t LineOf(uint64_t tag, uint32_t lines) { return ((tag >> (kTagBits - 32)) * lines) >> 32; }

uint64_t WordOf(uint64_t hash, SuppressionReason reason, WallTime time) {
  int64_t day = std::chrono::floor<std::chrono::days>(time.time_since_epoch()).count() - kFirstDay;
  day = std::clamp<int64_t>(day, 0, kDayMask);
  return TagOf(hash) << kTagShift | static_cast<uint64_t>(day) << kReasonBits |
         static_cast<uint64_t>(reason);
}

uint64_t ReasonBitsOf(uint64_t word) { return word & kReasonMask; }

// Four sizes to a doubling, as the allocator has them: 4, 5, 6, 7 times a power of two, of which
// one line is the head.
uint32_t NextLines(uint32_t lines) {
  uint32_t all = lines + 1;
  return all + std::bit_floor(all) / 4 - 1;
}

// Threads share a stripe where there are more of them: it is a count.
size_t StripeOfThread(size_t stripes) {
  static std::atomic<size_t> threads{0};
  thread_local size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine % stripes;
}

}  // namespace

// While it lives no array that could be met is freed. Sequentially consistent with the writer,
// which puts a new array in place and then looks at the counts: who is not counted there yet meets
// the new one.
class SuppressionTable::Reading {
 public:
  explicit Reading(const SuppressionTable& table)
      : inside_(&table.stripes_[StripeOfThread(kStripes)].inside) {
    inside_->fetch_add(1, std::memory_order_seq_cst);
  }
  ~Reading() { inside_->fetch_sub(1, std::memory_order_release); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  std::atomic<uint32_t>* inside_;
};

SuppressionTable::~SuppressionTable() {
  for (auto& segment : segments_) FreeArray(segment.load(std::memory_order_relaxed));
  for (Array* array : retired_) FreeArray(array);
  for (Array* array : leaving_) FreeArray(array);
}

std::optional<uint64_t> SuppressionTable::HashOf(uint32_t account, std::string_view key) const {
  char text[sizeof account + limits::kSuppressionKeyBytesMax];
  if (key.empty() || key.size() > limits::kSuppressionKeyBytesMax) return std::nullopt;
  std::memcpy(text, &account, sizeof account);
  std::memcpy(text + sizeof account, key.data(), key.size());
  return hash_({text, sizeof account + key.size()});
}

std::optional<SuppressionTable::Found> SuppressionTable::FindKey(uint32_t account,
                                                                 std::string_view key) const {
  std::optional<uint64_t> hash = HashOf(account, key);
  if (!hash) return std::nullopt;
  Reading reading(*this);
  Array* array = segments_[SegmentOf(*hash)].load(std::memory_order_seq_cst);
  Place* place = array ? Search(array, *hash) : nullptr;
  if (!place) return std::nullopt;
  uint64_t word = place->load(std::memory_order_relaxed);
  auto reason = SuppressionReasonOf(ReasonBitsOf(word));
  if (!reason) return std::nullopt;  // removed this moment
  int64_t day = static_cast<int64_t>(word >> kReasonBits & kDayMask) + kFirstDay;
  return Found{*reason, WallTime(std::chrono::days(day))};
}

std::optional<SuppressionTable::Found> SuppressionTable::Find(uint32_t account,
                                                              const ListedAddress& address) const {
  if (!address.known || size() == 0) return std::nullopt;
  std::optional<Found> found;
  ForEachListKey(address, [&](std::string_view key) {
    found = FindKey(account, key);
    if (found) found->whole_domain = key.find('@') == std::string_view::npos;
    return !found;
  });
  return found;
}

SuppressionTable::Place* SuppressionTable::Search(Array* array, uint64_t hash) {
  uint64_t tag = TagOf(hash);
  size_t line = LineOf(tag, array->lines);
  for (uint32_t searched = 0; searched < array->lines; ++searched) {
    for (Place& place : array->line(line)->places) {
      uint64_t word = place.load(std::memory_order_relaxed);
      if (word == 0) return nullptr;
      if (word >> kTagShift == tag && ReasonBitsOf(word) != 0) return &place;
    }
    if (++line == array->lines) line = 0;
  }
  return nullptr;
}

// Of what is not there, where there is room.
void SuppressionTable::Insert(Array* array, uint64_t word) {
  size_t line = LineOf(word >> kTagShift, array->lines);
  while (true) {
    for (Place& place : array->line(line)->places) {
      uint64_t old = place.load(std::memory_order_relaxed);
      if (ReasonBitsOf(old) != 0) continue;
      if (old == 0) ++array->used;
      ++array->live;
      place.store(word, std::memory_order_relaxed);
      return;
    }
    if (++line == array->lines) line = 0;
  }
}

SuppressionTable::Added SuppressionTable::Add(uint32_t account, std::string_view key,
                                              SuppressionReason reason, WallTime time) {
  std::optional<uint64_t> hash = HashOf(account, key);
  if (!hash) return Added::kNoEntry;
  size_t segment = SegmentOf(*hash);
  uint64_t word = WordOf(*hash, reason, time);
  Array* array = segments_[segment].load(std::memory_order_relaxed);
  if (Place* place = array ? Search(array, *hash) : nullptr) {
    uint64_t old = place->load(std::memory_order_relaxed);
    if (ReasonBitsOf(old) >= ReasonBitsOf(word)) return Added::kThere;
    place->store(word, std::memory_order_relaxed);
    return Added::kStronger;
  }
  if (size() >= limits::kSuppressionEntriesMax) return Added::kFull;
  Insert(GrownFor(segment), word);
  size_.fetch_add(1, std::memory_order_relaxed);
  return Added::kNew;
}

bool SuppressionTable::Remove(uint32_t account, std::string_view key) {
  std::optional<uint64_t> hash = HashOf(account, key);
  if (!hash) return false;
  Array* array = segments_[SegmentOf(*hash)].load(std::memory_order_relaxed);
  Place* place = array ? Search(array, *hash) : nullptr;
  if (!place) return false;
  place->store(kRemoved, std::memory_order_relaxed);
  --array->live;
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

// The segment's array, with room for one more.
SuppressionTable::Array* SuppressionTable::GrownFor(size_t segment) {
  Array* old = segments_[segment].load(std::memory_order_relaxed);
  auto full = [](uint32_t lines) { return lines * kPlacesPerLine * kFullPercent / 100; };
  if (old && old->used < full(old->lines)) return old;
  // Where marks of what was removed are what fills it, copying alone makes room.
  uint32_t lines = old ? old->lines : kFirstLines;
  if (old && old->live >= full(old->lines) * 3 / 4) lines = NextLines(lines);
  Array* grown = MakeArray(lines);
  if (old) {
    for (uint32_t line = 0; line < old->lines; ++line) {
      for (Place& place : old->line(line)->places) {
        uint64_t word = place.load(std::memory_order_relaxed);
        if (ReasonBitsOf(word) != 0) Insert(grown, word);
      }
    }
    retired_.push_back(old);
  }
  segments_[segment].store(grown, std::memory_order_seq_cst);
  if (old) Reclaim();
  return grown;
}

// Frees what nobody can be in any more. What is retired while others are waited for waits for the
// next turn.
void SuppressionTable::Reclaim() {
  if (leaving_.empty()) {
    leaving_.swap(retired_);
    leaving_stripes_ = ~uint64_t{0};
  }
  for (size_t i = 0; i < kStripes; ++i) {
    if (stripes_[i].inside.load(std::memory_order_seq_cst) == 0) {
      leaving_stripes_ &= ~(uint64_t{1} << i);
    }
  }
  if (leaving_stripes_ != 0) return;
  for (Array* array : leaving_) FreeArray(array);
  leaving_.clear();
}

SuppressionTable::Array* SuppressionTable::MakeArray(uint32_t lines) {
  static_assert(sizeof(Array) == sizeof(Line) && kStripes == 64 && kSegments == 1 << 12);
  size_t bytes = (size_t{lines} + 1) * sizeof(Line);
  void* memory = ::operator new(bytes, std::align_val_t(alignof(Line)));
  Array* array = new (memory) Array;
  array->lines = lines;
  for (uint32_t i = 0; i < lines; ++i) new (array->line(i)) Line{};
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return array;
}

void SuppressionTable::FreeArray(Array* array) {
  if (!array) return;
  bytes_.fetch_sub((size_t{array->lines} + 1) * sizeof(Line), std::memory_order_relaxed);
  ::operator delete(array, std::align_val_t(alignof(Line)));
}

}  // namespace ringpost::identity
