#include "gateway/identity/login_throttle.h"

#include <algorithm>
#include <string>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::identity {
namespace {

constexpr size_t kWays = 4;  // entries of one bucket, which a hash chooses
constexpr size_t kBuckets = limits::kLoginEntriesMax / kWays;

}  // namespace

struct LoginThrottle::Rule {
  uint32_t free;
  uint32_t delay_seconds_max;
};

struct LoginThrottle::Keys {
  uint64_t pair, address, name;
};

constexpr LoginThrottle::Rule LoginThrottle::kPair{limits::kLoginFailuresFreePerPair,
                                                   limits::kLoginDelaySecondsMax};
constexpr LoginThrottle::Rule LoginThrottle::kAddress{limits::kLoginFailuresFreePerAddress,
                                                      limits::kLoginDelaySecondsMax};
constexpr LoginThrottle::Rule LoginThrottle::kName{limits::kLoginFailuresFreePerName,
                                                   limits::kLoginNameDelaySecondsMax};

namespace {

constexpr uint32_t kShiftMax = 20;  // of the first delay: far beyond any longest one

// Failures as they count now: half for each time that they halve in.
uint32_t Decayed(uint32_t failures, MonoTime last, MonoTime now) {
  const int64_t halvings = (now - last) / Seconds(limits::kLoginFailuresHalveSeconds);
  return halvings >= 32 ? 0 : failures >> std::max<int64_t>(halvings, 0);
}

}  // namespace

LoginThrottle::LoginThrottle()
    : pairs_(kBuckets * kWays),
      addresses_(kBuckets * kWays),
      names_(kBuckets * kWays),
      good_(kBuckets * kWays) {}

// The address first: it has a fixed size, so no two pairs are the same bytes.
LoginThrottle::Keys LoginThrottle::KeysOf(std::string_view name, const IpAddress& address) const {
  const size_t bytes = address.is_v4() ? address.bytes.size() : address.bytes.size() / 2;
  std::string text(address.bytes.size(), '\0');
  std::copy_n(address.bytes.begin(), bytes, text.begin());
  const uint64_t address_key = hash_(text);
  const std::string folded = ToLower(name);
  text.append(folded);
  const auto some = [](uint64_t key) { return key == 0 ? 1 : key; };
  return {some(hash_(text)), some(address_key), some(hash_(folded))};
}

LoginThrottle::Entry* LoginThrottle::Find(Table* table, uint64_t key) {
  Entry* bucket = table->data() + key % kBuckets * kWays;
  Entry* found =
      std::find_if(bucket, bucket + kWays, [key](const Entry& e) { return e.key == key; });
  return found == bucket + kWays ? nullptr : found;
}

LoginThrottle::Entry* LoginThrottle::FindOrTake(Table* table, uint64_t key, MonoTime now) {
  if (Entry* found = Find(table, key)) return found;
  Entry* bucket = table->data() + key % kBuckets * kWays;
  Entry* taken = std::min_element(bucket, bucket + kWays,
                                  [](const Entry& a, const Entry& b) { return a.last < b.last; });
  *taken = {key, now, 0};
  return taken;
}

Millis LoginThrottle::WaitOf(const Entry* entry, const Rule& rule, MonoTime now) {
  if (!entry) return Millis(0);
  const uint32_t failures = Decayed(entry->failures, entry->last, now);
  if (failures < rule.free) return Millis(0);
  const uint32_t shift = std::min(failures - rule.free, kShiftMax);
  const uint64_t seconds = std::min<uint64_t>(uint64_t{limits::kLoginDelaySecondsFirst} << shift,
                                              rule.delay_seconds_max);
  return std::max(Millis(0), Millis(Seconds(seconds)) - (now - entry->last));
}

// One is let through: where others had to wait, they wait anew.
void LoginThrottle::Book(Entry* entry, const Rule& rule, MonoTime now) {
  if (!entry) return;
  const uint32_t failures = Decayed(entry->failures, entry->last, now);
  if (failures < rule.free) return;
  entry->failures = failures;
  entry->last = now;
}

void LoginThrottle::Add(Table* table, uint64_t key, MonoTime now) {
  Entry* entry = FindOrTake(table, key, now);
  entry->failures = Decayed(entry->failures, entry->last, now) + 1;
  entry->last = now;
}

LoginThrottle::Entries LoginThrottle::EntriesOf(std::string_view name, const IpAddress& address,
                                                MonoTime now) {
  const Keys keys = KeysOf(name, address);
  const Entry* good = Find(&good_, keys.pair);
  const bool known = good && now - good->last < Seconds(limits::kLoginGoodSeconds);
  return {Find(&pairs_, keys.pair), known ? nullptr : Find(&addresses_, keys.address),
          known ? nullptr : Find(&names_, keys.name)};
}

Millis LoginThrottle::WaitOf(const Entries& entries, MonoTime now) {
  return std::max({WaitOf(entries.pair, kPair, now), WaitOf(entries.address, kAddress, now),
                   WaitOf(entries.name, kName, now)});
}

Millis LoginThrottle::Try(std::string_view name, const IpAddress& address, MonoTime now) {
  const Entries entries = EntriesOf(name, address, now);
  const Millis wait = WaitOf(entries, now);
  if (wait > Millis(0)) return wait;
  Book(entries.pair, kPair, now);
  Book(entries.address, kAddress, now);
  Book(entries.name, kName, now);
  return Millis(0);
}

Millis LoginThrottle::Wait(std::string_view name, const IpAddress& address, MonoTime now) {
  return WaitOf(EntriesOf(name, address, now), now);
}

uint32_t LoginThrottle::Failures(std::string_view name, const IpAddress& address, MonoTime now) {
  const Entries entries = EntriesOf(name, address, now);
  uint32_t failures = 0;
  for (const Entry* entry : {entries.pair, entries.address, entries.name}) {
    if (entry) failures += entry->failures;
  }
  return failures;
}

void LoginThrottle::Failed(std::string_view name, const IpAddress& address, MonoTime now) {
  const Keys keys = KeysOf(name, address);
  Add(&pairs_, keys.pair, now);
  Add(&addresses_, keys.address, now);
  Add(&names_, keys.name, now);
}

void LoginThrottle::Succeeded(std::string_view name, const IpAddress& address, MonoTime now) {
  const Keys keys = KeysOf(name, address);
  if (Entry* pair = Find(&pairs_, keys.pair)) *pair = {};
  FindOrTake(&good_, keys.pair, now)->last = now;
}

}  // namespace ringpost::identity
