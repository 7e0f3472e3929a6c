#include "gateway/app/tls_report_book.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/mail/tls_report_limits.h"

namespace ringpost::app {
namespace {

namespace limits = mail::limits;
using Json = nlohmann::ordered_json;
using storage::ControlStore;
using TargetState = TlsReportState::Target::State;

constexpr std::string_view kSumsPrefix = "tls/sums/";
constexpr std::string_view kSentPrefix = "tls/sent/";
constexpr size_t kDayBytes = 10;
constexpr int64_t kDayMillis = 86'400'000;
constexpr std::string_view kStates[] = {"open", "sent", "failed"};

std::string KeyOf(std::string_view prefix, UtcDay day, std::string_view domain) {
  return std::string(prefix) + day.ToString() + "/" + std::string(domain);
}

// The day and the domain of a key; nothing: it is none of these.
std::optional<std::pair<UtcDay, std::string>> PartsOf(std::string_view key,
                                                      std::string_view prefix) {
  std::string_view rest = key.substr(prefix.size());
  auto day = UtcDay::Parse(rest.substr(0, kDayBytes));
  if (!day || rest.size() < kDayBytes + 2 || rest[kDayBytes] != '/') return std::nullopt;
  return std::pair(*day, std::string(rest.substr(kDayBytes + 1)));
}

bool IsKept(UtcDay day, WallTime now) {
  int64_t today = UtcDay::Of(now).number;
  return day.number > today - static_cast<int64_t>(limits::kTlsDaysMax) && day.number <= today + 1;
}

std::string ToText(const TlsReportState& state) {
  Json json = {{"due", ToMillis(state.due)},
               {"first", ToMillis(state.first)},
               {"over", state.over},
               {"targets", Json::array()}};
  for (const TlsReportState::Target& target : state.targets) {
    json["targets"].push_back({{"uri", target.uri},
                               {"state", kStates[static_cast<size_t>(target.state)]},
                               {"words", target.words}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<TlsReportState> StateFrom(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  TlsReportState state;
  auto number = [&](const char* name, WallTime* time) {
    auto found = json.find(name);
    if (found == json.end() || !found->is_number_integer()) return false;
    *time = WallFromMillis(found->get<int64_t>());
    return true;
  };
  if (!json.is_object() || !number("due", &state.due) || !number("first", &state.first) ||
      !json["over"].is_boolean() || !json["targets"].is_array() ||
      json["targets"].size() > limits::kTlsReportTargetsMax) {
    return std::nullopt;
  }
  state.over = json["over"].get<bool>();
  for (Json& one : json["targets"]) {
    if (!one.is_object() || !one["uri"].is_string() || !one["state"].is_string() ||
        !one["words"].is_string()) {
      return std::nullopt;
    }
    auto at = std::find(std::begin(kStates), std::end(kStates), one["state"].get<std::string>());
    if (at == std::end(kStates)) return std::nullopt;
    state.targets.push_back({one["uri"].get<std::string>(),
                             static_cast<TargetState>(at - std::begin(kStates)),
                             one["words"].get<std::string>()});
  }
  return state;
}

// When its first report is due: the same at every look, and on every day another.
WallTime FirstDue(UtcDay day, std::string_view domain, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325u ^ seed ^ static_cast<uint64_t>(day.number);  // FNV-1a
  for (char c : domain) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  hash ^= hash >> 32;
  return day.end() + Seconds(limits::kTlsReportDelaySeconds) +
         Seconds(hash % limits::kTlsReportSpreadSeconds);
}

}  // namespace

UtcDay UtcDay::Of(WallTime time) {
  int64_t ms = ToMillis(time);
  return {ms >= 0 ? ms / kDayMillis : -((-ms + kDayMillis - 1) / kDayMillis)};
}

std::optional<UtcDay> UtcDay::Parse(std::string_view text) {
  if (text.size() != kDayBytes || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto year = ParseDecimal(text.substr(0, 4));
  auto month = ParseDecimal(text.substr(5, 2)), day = ParseDecimal(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return UtcDay{std::chrono::sys_days(date).time_since_epoch().count()};
}

std::string UtcDay::ToString() const { return FormatRfc3339(begin()).substr(0, kDayBytes); }

void TlsReportBook::Say(std::string_view event, std::string_view reason, WallTime now) {
  LogLine(now, event)
      .Text("reason", reason)
      .Text("words", "reports on TLS may be wanting what was counted before")
      .To(*log_);
}

void TlsReportBook::LoadSums(WallTime now) {
  std::vector<ControlStore::Change> gone;
  Status status = store_->ForEach(kSumsPrefix, [&](std::string_view key, const std::string& value) {
    auto parts = PartsOf(key, kSumsPrefix);
    std::optional<mail::TlsPolicySums> sums;
    if (parts && IsKept(parts->first, now)) sums = mail::TlsSumsFromText(value);
    if (!sums || !days_[parts->first].sums.Put(parts->second, std::move(*sums))) {
      gone.push_back({std::string(key), std::nullopt});
    }
  });
  if (status.ok() && !gone.empty()) status = store_->Write(gone);
  if (!status.ok()) Say("tls_outcomes_lost", MessageOf(status), now);
}

void TlsReportBook::LoadStates(WallTime now) {
  std::vector<ControlStore::Change> gone;
  Status status = store_->ForEach(kSentPrefix, [&](std::string_view key, const std::string& value) {
    auto parts = PartsOf(key, kSentPrefix);
    std::optional<TlsReportState> state;
    if (parts && IsKept(parts->first, now)) {
      state = StateFrom(value);
      // Whatever it was: better no report than one twice.
      if (!state) state = TlsReportState{.over = true, .words = "its record cannot be read"};
      days_[parts->first].states[parts->second] = std::move(*state);
    } else {
      gone.push_back({std::string(key), std::nullopt});
    }
  });
  if (status.ok() && !gone.empty()) status = store_->Write(gone);
  if (!status.ok()) Say("tls_outcomes_lost", MessageOf(status), now);
}

void TlsReportBook::Load(WallTime now) {
  std::lock_guard lock(mutex_);
  LoadSums(now);
  LoadStates(now);
}

void TlsReportBook::Take() {
  std::lock_guard lock(mutex_);
  outcomes_.Take([this](const session::TlsOutcome& outcome) {
    UtcDay day = UtcDay::Of(outcome.at);
    auto found = days_.find(day);
    if (found == days_.end()) {
      // A clock that jumps about must not make days without end.
      if (days_.size() > limits::kTlsDaysMax) return void(++lost_);
      found = days_.try_emplace(day).first;
    }
    lost_ += !found->second.sums.Add(outcome.domain, outcome.policy.get(), outcome.event);
  });
}

// Under the lock.
std::vector<ControlStore::Change> TlsReportBook::OldDays(WallTime now) {
  std::vector<ControlStore::Change> gone;
  for (auto at = days_.begin(); at != days_.end();) {
    if (IsKept(at->first, now)) {
      ++at;
      continue;
    }
    UtcDay day = at->first;
    at->second.sums.ForEach("", [&](const std::string& domain, const mail::TlsPolicySums&) {
      gone.push_back({KeyOf(kSumsPrefix, day, domain), std::nullopt});
      return true;
    });
    for (const auto& [domain, state] : at->second.states) {
      gone.push_back({KeyOf(kSentPrefix, day, domain), std::nullopt});
    }
    at = days_.erase(at);
  }
  return gone;
}

// A batch; false: there is no more, or it failed. The store is written to without the lock, which
// those that record wait for.
bool TlsReportBook::SaveSome(UtcDay day, WallTime now) {
  std::vector<std::string> changed;
  std::vector<ControlStore::Change> batch;
  {
    std::lock_guard lock(mutex_);
    auto found = days_.find(day);
    if (found == days_.end()) return false;
    changed = found->second.sums.TakeChanged(limits::kTlsSaveBatch);
    for (const std::string& domain : changed) {
      batch.push_back(
          {KeyOf(kSumsPrefix, day, domain), mail::TlsSumsToText(*found->second.sums.Find(domain))});
    }
  }
  if (batch.empty()) return false;
  Status status = store_->Write(batch);
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    if (!save_failed_) Say("tls_outcomes_not_saved", MessageOf(status), now);
    auto found = days_.find(day);
    if (found != days_.end()) found->second.sums.Unsaved(changed);
  }
  save_failed_ = !status.ok();
  return status.ok();
}

void TlsReportBook::Save(WallTime now) {
  std::vector<ControlStore::Change> gone;
  std::vector<UtcDay> days;
  {
    std::lock_guard lock(mutex_);
    gone = OldDays(now);
    for (const auto& [day, what] : days_) days.push_back(day);
  }
  for (size_t at = 0; at < gone.size(); at += limits::kTlsSaveBatch) {
    size_t end = std::min(gone.size(), at + limits::kTlsSaveBatch);
    // What stays there for a failure goes at the next start.
    (void)store_->Write(
        {gone.begin() + static_cast<long>(at), gone.begin() + static_cast<long>(end)});
  }
  for (UtcDay day : days) {
    while (SaveSome(day, now)) {
    }
  }
}

std::optional<mail::TlsPolicySums> TlsReportBook::Find(UtcDay day, std::string_view domain) const {
  std::lock_guard lock(mutex_);
  auto found = days_.find(day);
  if (found == days_.end()) return std::nullopt;
  const mail::TlsPolicySums* sums = found->second.sums.Find(domain);
  return sums ? std::optional(*sums) : std::nullopt;
}

std::vector<TlsReportBook::Row> TlsReportBook::List(UtcDay day, std::string_view after,
                                                    size_t most) const {
  std::vector<Row> rows;
  std::lock_guard lock(mutex_);
  auto found = days_.find(day);
  if (found == days_.end() || most == 0) return rows;
  found->second.sums.ForEach(after,
                             [&](const std::string& domain, const mail::TlsPolicySums& sums) {
                               Row& row = rows.emplace_back();
                               row.domain = domain;
                               for (const mail::TlsPolicySum& sum : sums) {
                                 row.successful += sum.successful;
                                 row.failed += sum.failed;
                               }
                               return rows.size() < most;
                             });
  return rows;
}

uint64_t TlsReportBook::lost() const {
  std::lock_guard lock(mutex_);
  return lost_ + outcomes_.lost();
}

std::vector<TlsReportBook::Due> TlsReportBook::TakeDue(WallTime now, uint64_t seed,
                                                       size_t most) const {
  std::vector<Due> due;
  std::lock_guard lock(mutex_);
  for (const auto& [day, what] : days_) {
    if (day.end() > now || due.size() == most) continue;
    const auto& states = what.states;
    what.sums.ForEach("", [&, of = day](const std::string& domain,
                                        const mail::TlsPolicySums& sums) {
      auto found = states.find(domain);
      bool over = found != states.end() && found->second.over;
      WallTime at = found != states.end() ? found->second.due : FirstDue(of, domain, seed);
      if (over || at > now) return true;
      due.push_back({of, domain, sums, found != states.end() ? found->second : TlsReportState()});
      return due.size() < most;
    });
  }
  return due;
}

std::optional<TlsReportState> TlsReportBook::StateOf(UtcDay day, std::string_view domain) const {
  std::lock_guard lock(mutex_);
  auto found = days_.find(day);
  if (found == days_.end()) return std::nullopt;
  auto state = found->second.states.find(domain);
  if (state == found->second.states.end()) return std::nullopt;
  return state->second;
}

bool TlsReportBook::SetState(UtcDay day, const std::string& domain, const TlsReportState& state) {
  {
    std::lock_guard lock(mutex_);
    auto found = days_.find(day);
    if (found == days_.end()) return false;
    found->second.states[domain] = state;
  }
  if (state.targets.empty()) return true;
  return store_->Put(KeyOf(kSentPrefix, day, domain), ToText(state)).ok();
}

}  // namespace ringpost::app
