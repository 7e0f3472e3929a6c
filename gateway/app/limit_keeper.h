// LimitKeeper: a thread that keeps what is counted of who sends (rates, quotas, outcomes) over a
// restart, and applies the brake.
//
//   LimitKeeper keeper(store, tables, log);
//   keeper.Load();             // before anybody is counted
//   keeper.Start(brake);
//   keeper.Stop();             // when nobody counts any more: writes the last of it
//
// Every limits::kCountsSaveSeconds what has changed is written to the control store, in one batch.
// A clean stop loses nothing. A kill loses what was counted since the last write: as much more may
// be sent then, and never less than a limit allows, since what is merely held (a transaction that
// is not accepted) is not written. Bounded as the tables are: counts/TABLE/NUMBER, a record for
// each limits::kCountsPlacesPerRecord places, and none where they are empty.
//
// Counts that cannot be read begin anew, and those that cannot be written are written later: the
// log says so, and mail goes on.
//
// Threads: Forget and SetRule from any; the others the owner's.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/identity/brake.h"
#include "gateway/identity/outcome_counts.h"
#include "gateway/identity/quota_table.h"
#include "gateway/identity/rate_table.h"
#include "storage/control_store.h"

namespace ringpost::app {

class LimitKeeper {
 public:
  // All of it outlives the keeper.
  struct Tables {
    identity::RateTable* rates;
    identity::QuotaTable* quotas;
    identity::OutcomeCounts* outcomes;
  };
  // Blocks a credential, where it is to be blocked. False: it could not be done now.
  using Brake = std::function<bool(uint32_t credential, const std::string& why)>;

  LimitKeeper(storage::ControlStore* store, const Tables& tables, Log* log);
  ~LimitKeeper();  // as a kill: after Stop nothing is left to do
  LimitKeeper(const LimitKeeper&) = delete;
  LimitKeeper& operator=(const LimitKeeper&) = delete;

  void Load(WallTime now);
  // `brake` is called on the keeper's thread, and may wait.
  void Start(Brake brake);
  void SetRule(const identity::BrakeRule& rule);
  // The outcomes of a credential begin anew, and are so after a kill too.
  void Forget(uint32_t credential);
  void Stop();

 private:
  // One table, as records.
  struct Kept {
    std::string prefix;
    size_t places = 0;
    std::function<void(size_t first, size_t count, WallTime now, std::vector<uint64_t>* words)>
        save;
    std::function<void(std::span<const uint64_t> words, WallTime now)> load;
    std::vector<size_t> written;  // of each record: a hash of what is in the store; 0: nothing
  };

  void Main();
  void EndThread();
  void LookForBrakes(WallTime now);
  // What the log is told where it fails.
  void Save(WallTime now);

  storage::ControlStore* store_;
  identity::OutcomeCounts* outcomes_;
  Log* log_;
  std::vector<Kept> kept_;
  std::vector<std::string> found_;  // keys that Load found: of places that are others now
  bool save_failed_ = false;
  Brake brake_;
  uint64_t changes_seen_ = 0;
  bool any_bad_ = true;  // there were bounces or complaints when the brake last looked

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false, save_soon_ = false;
  identity::BrakeRule rule_;
  // Credentials that are over the rule and were told of, with how many bounces and complaints: only
  // more of these are worth another word.
  std::unordered_map<uint32_t, uint64_t> told_;
  std::thread thread_;
};

}  // namespace ringpost::app
