// QuotaTable: how many recipients credentials and accounts have had this day and this month, over
// all shards, without a lock; and QuotaHold, what a transaction has of it.
//
//   QuotaHold hold;
//   hold.Take(&table, kind, id, quota, now)   at RCPT: kNone, or what is used up
//   hold.Accept(now)                          the message is ours: counted, in the period of now
//   ~QuotaHold                                it never was: all is given back
//
// Days and months are the calendar's in UTC. What is held counts as used where more is asked for: a
// quota is never exceeded, however many sessions there are. It is counted for good when the message
// is accepted. Recipients are counted from the moment on at which there is a quota.
//
// An entry is in use in the month in which it was counted to, and while something is held. Where
// none of the places for a key is free, its recipients are not counted, and mail passes. Two
// threads that take one free place for two keys at the same moment may count a recipient for the
// wrong one of them.
//
// Threads: the table: any; Load before the others. A hold: its owner's; the table outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/period_count.h"
#include "gateway/identity/place_table.h"

namespace ringpost::identity {

struct Quota {
  uint32_t daily = 0, monthly = 0;  // recipients; 0: none
  bool limited() const { return daily > 0 || monthly > 0; }
};

struct QuotaUse {
  uint32_t day = 0, month = 0;
};

class QuotaTable {
 public:
  enum class Kind : uint8_t { kAccount = 1, kCredential };
  enum class Over : uint8_t { kNone, kDaily, kMonthly };
  explicit QuotaTable(size_t places) : table_(places) {}  // a power of two

  // What was accepted, without what is held.
  QuotaUse UseOf(Kind kind, uint32_t id, WallTime now) const;

  // To keep it over a restart, as RateTable's.
  size_t places() const { return table_.size(); }
  void Save(size_t first, size_t count, WallTime now, std::vector<uint64_t>* words) const;
  void Load(std::span<const uint64_t> words, WallTime now);

 private:
  friend class QuotaHold;
  struct Place {
    std::atomic<uint64_t> key;
    PeriodCount day, month;
    std::atomic<uint32_t> held;
    bool Free(WallTime now) const;
  };
  PlaceTable<Place> table_;
};

class QuotaHold {
 public:
  QuotaHold() = default;
  QuotaHold(QuotaHold&& other) noexcept { *this = std::move(other); }
  QuotaHold& operator=(QuotaHold&& other) noexcept;
  ~QuotaHold() { GiveBack(); }

  // One more, of the same key each time. What is used up takes nothing.
  QuotaTable::Over Take(QuotaTable* table, QuotaTable::Kind kind, uint32_t id, const Quota& quota,
                        WallTime now);
  void GiveBackOne();
  void GiveBack();
  void Accept(WallTime now);
  uint32_t held() const { return held_; }

 private:
  QuotaTable::Place* place_ = nullptr;  // where held_ > 0
  uint32_t held_ = 0;
};

// What a transaction has of its credential's quota and of its account's.
struct QuotaHolds {
  QuotaHold credential, account;
  void Accept(WallTime now) {
    credential.Accept(now);
    account.Accept(now);
  }
  void GiveBack() {
    credential.GiveBack();
    account.GiveBack();
  }
};

}  // namespace ringpost::identity
