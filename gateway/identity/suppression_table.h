// SuppressionTable: who is suppressed, in memory: what is asked at every RCPT, by all shards,
// without a lock and without the disk.
//
// It holds no addresses: an entry is 8 bytes, a keyed fingerprint of (account, entry in canonical
// form; suppression.h) with its reason and day. The whole record is in the store
// (storage/control_store.h, by session/suppression_list.h), which one scan at start reads into it.
//
// False positives: two entries are taken for one where 60 bits of SipHash-2-4 are the same: of a
// lookup among n entries n / 2^60, with 10 million 1 in 10^11. A recipient costs a lookup for its
// address, one for its domain and one for each domain above it. Hostile addresses cannot be chosen
// to collide: the key is random and this table's own.
//
// Memory: 4096 segments, each an array of its own of 64-byte lines of 8 places, found by hashing
// and searched line by line. A segment whose places are used by 85 % is copied into one that is a
// quarter larger at the most, so that an entry takes 9.4 to 11.8 bytes at any size (and while they
// grow, which they do at nearly the same time: in some order, one by one). What growing needs
// besides is one segment: a 4096th of all, and as long as its copying takes. Readers meet the old
// array or the new one, whole; the old one is freed once each reader that may have met it has left
// (a count of those inside, per thread, as in "sleepable RCU"). A few entries take 64 KiB and 256
// bytes each at first.
//
// Removing leaves a mark that the next entry of that line, or the next copying, takes away.
//
// Threads: Find from any, at any time. The others: one at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression.h"
#include "gateway/tls/keyed_hash.h"

namespace ringpost::identity {

class SuppressionTable {
 public:
  struct Found {
    SuppressionReason reason = SuppressionReason::kManual;
    WallTime day;  // midnight UTC. Before 2020 and behind 2042: the first or last that there is
    bool whole_domain = false;  // by an entry for its domain, or for one above
    bool operator==(const Found&) const = default;
  };
  enum class Added : uint8_t {
    kNew,
    kStronger,  // it was there for a weaker reason: this one takes its place, day and all
    kThere,     // with this reason or a stronger one: nothing has changed
    kFull,      // limits::kSuppressionEntriesMax
    kNoEntry,   // the key is empty or longer than limits::kSuppressionKeyBytesMax
  };

  SuppressionTable() = default;
  ~SuppressionTable();  // nobody reads any more
  SuppressionTable(const SuppressionTable&) = delete;
  SuppressionTable& operator=(const SuppressionTable&) = delete;

  // By the address itself, its domain, or a domain above that with "*."; in this order.
  std::optional<Found> Find(uint32_t account, const ListedAddress& address) const;
  // `key`: of an entry (ListKey).
  std::optional<Found> FindKey(uint32_t account, std::string_view key) const;

  Added Add(uint32_t account, std::string_view key, SuppressionReason reason, WallTime time);
  // False: it was not there.
  bool Remove(uint32_t account, std::string_view key);

  // Any thread.
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kSegments = 4096, kStripes = 64, kPlacesPerLine = 8;
  using Place = std::atomic<uint64_t>;
  struct alignas(64) Line {
    Place places[kPlacesPerLine];
  };
  // The first line of an array: how many come behind it.
  struct alignas(64) Array {
    uint32_t lines = 0;
    uint32_t used = 0;  // places that are not empty; the writer's
    uint32_t live = 0;  // of which are entries; the writer's
    Line* line(size_t index) { return reinterpret_cast<Line*>(this + 1) + index; }
  };
  struct alignas(64) Stripe {
    std::atomic<uint32_t> inside{0};
  };
  class Reading;

  // nothing: no key.
  std::optional<uint64_t> HashOf(uint32_t account, std::string_view key) const;
  static Place* Search(Array* array, uint64_t hash);
  static void Insert(Array* array, uint64_t word);
  Array* MakeArray(uint32_t lines);
  void FreeArray(Array* array);
  Array* GrownFor(size_t segment);
  void Reclaim();

  tls::KeyedHash hash_;
  std::array<std::atomic<Array*>, kSegments> segments_{};
  mutable std::array<Stripe, kStripes> stripes_;
  std::atomic<size_t> size_{0}, bytes_{0};
  // The writer's: arrays that readers may still be in: of those in `leaving_`, readers of the
  // stripes in the mask.
  std::vector<Array*> retired_, leaving_;
  uint64_t leaving_stripes_ = 0;
};

}  // namespace ringpost::identity
