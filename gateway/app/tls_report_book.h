// TlsReportBook: what came of TLS with mail exchangers in the last days, by domain, and what has
// become of the reports on it: in memory, and in the control store.
//
// Every limits::kTlsSaveSeconds (mail/tls_report_limits.h) what has changed is to be saved, and at
// a clean stop; a kill loses what came since. Sums: tls/sums/DAY/DOMAIN, as JSON. Reports:
// tls/sent/DAY/DOMAIN: {"due":MS,"first":MS,"over":BOOL,"targets":[{"uri":"...","state":"sent",
// "words":""}]}, only once there was a place to send one to; a domain without one is asked about
// again after a start. What cannot be read is begun anew, and what cannot be written is written
// later; the log says so.
//
// Threads: any.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/time.h"
#include "gateway/mail/tls_sums.h"
#include "gateway/session/tls_outcomes.h"
#include "storage/control_store.h"

namespace ringpost::app {

// A UTC day.
struct UtcDay {
  int64_t number = 0;  // since 1970

  static UtcDay Of(WallTime time);
  static std::optional<UtcDay> Parse(std::string_view text);  // "2026-11-28"
  WallTime begin() const { return WallTime(Seconds(number * 86'400)); }
  WallTime end() const { return WallTime(Seconds((number + 1) * 86'400)); }
  std::string ToString() const;
  auto operator<=>(const UtcDay&) const = default;
};

// How far the reports of one domain on one day are.
struct TlsReportState {
  struct Target {
    enum class State : uint8_t { kOpen, kSent, kFailed };
    std::string uri;
    State state = State::kOpen;
    std::string words;  // of the last failure
  };
  std::vector<Target> targets;
  WallTime due;       // the next try
  WallTime first;     // when the first was; the epoch: there was none
  bool over = false;  // nothing more is done
  std::string words;  // without targets: why
};

class TlsReportBook {
 public:
  // `store` and `log` outlive it.
  TlsReportBook(storage::ControlStore* store, Log* log) : store_(store), log_(log) {}

  // What shards record to.
  session::TlsOutcomes* outcomes() { return &outcomes_; }

  void Load(WallTime now);
  // What was recorded goes into the sums.
  void Take();
  // What has changed; days that are no longer kept go.
  void Save(WallTime now);

  std::optional<mail::TlsPolicySums> Find(UtcDay day, std::string_view domain) const;
  // A page: domains of the day behind `after`.
  struct Row {
    std::string domain;
    uint64_t successful = 0, failed = 0;
  };
  std::vector<Row> List(UtcDay day, std::string_view after, size_t most) const;
  // Outcomes that nobody gets a report on, since the start.
  uint64_t lost() const;

  // A day and a domain whose report is to be sent, or tried again, now.
  struct Due {
    UtcDay day;
    std::string domain;
    mail::TlsPolicySums sums;
    TlsReportState state;
  };
  // Of days that are over. `seed` spreads them: of each gateway another, and always the same.
  std::vector<Due> TakeDue(WallTime now, uint64_t seed, size_t most) const;
  std::optional<TlsReportState> StateOf(UtcDay day, std::string_view domain) const;
  // On disk when it returns, where it has targets. False: it is not.
  bool SetState(UtcDay day, const std::string& domain, const TlsReportState& state);

 private:
  struct Day {
    mail::TlsDay sums;
    std::map<std::string, TlsReportState, std::less<>> states;
  };

  void LoadSums(WallTime now);
  void LoadStates(WallTime now);
  void Say(std::string_view event, std::string_view reason, WallTime now);
  std::vector<storage::ControlStore::Change> OldDays(WallTime now);
  bool SaveSome(UtcDay day, WallTime now);

  storage::ControlStore* store_;
  Log* log_;
  session::TlsOutcomes outcomes_;
  mutable std::mutex mutex_;
  std::map<UtcDay, Day> days_;
  uint64_t lost_ = 0;  // for want of room in the sums
  bool save_failed_ = false;
};

}  // namespace ringpost::app
