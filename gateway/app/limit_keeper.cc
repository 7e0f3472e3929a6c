#include "gateway/app/limit_keeper.h"

#include <absl/hash/hash.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "gateway/base/limits.h"
#include "storage/byte_codec.h"

namespace ringpost::app {
namespace {

using storage::ControlStore;

constexpr size_t kWordBytes = 8;

std::string KeyOf(const std::string& prefix, size_t number) {
  char digits[16];
  int size = std::snprintf(digits, sizeof digits, "%04zx", number);
  return prefix + std::string(digits, static_cast<size_t>(size));
}

std::string Encode(const std::vector<uint64_t>& words) {
  std::string text(words.size() * kWordBytes, '\0');
  storage::ByteWriter out(text.data());
  for (uint64_t word : words) out.U64(word);
  return text;
}

std::vector<uint64_t> Decode(std::string_view text) {
  std::vector<uint64_t> words(text.size() / kWordBytes);
  storage::ByteReader in(text);
  for (uint64_t& word : words) word = in.U64();
  return words;
}

}  // namespace

LimitKeeper::LimitKeeper(ControlStore* store, const Tables& tables, Log* log)
    : store_(store), outcomes_(tables.outcomes), log_(log) {
  auto keep = [this](const char* prefix, auto* table) {
    Kept& kept = kept_.emplace_back();
    kept.prefix = prefix;
    kept.places = table->places();
    kept.save = [table](size_t first, size_t count, WallTime now, std::vector<uint64_t>* words) {
      table->Save(first, count, now, words);
    };
    kept.load = [table](std::span<const uint64_t> words, WallTime now) { table->Load(words, now); };
    kept.written.resize((kept.places + limits::kCountsPlacesPerRecord - 1) /
                        limits::kCountsPlacesPerRecord);
  };
  keep("counts/rates/", tables.rates);
  keep("counts/quotas/", tables.quotas);
  keep("counts/outcomes/", tables.outcomes);
}

LimitKeeper::~LimitKeeper() { EndThread(); }

void LimitKeeper::Load(WallTime now) {
  for (Kept& kept : kept_) {
    Status status =
        store_->ForEach(kept.prefix, [&](std::string_view key, const std::string& value) {
          found_.emplace_back(key);
          kept.load(Decode(value), now);
        });
    if (status.ok()) continue;
    // What cannot be read is not to be met again.
    for (size_t i = 0; i < kept.written.size(); ++i) found_.push_back(KeyOf(kept.prefix, i));
    LogLine(now, "counts_lost")
        .Text("records", kept.prefix)
        .Text("reason", MessageOf(status))
        .Text("words", "rates, quotas and the brake count anew where they cannot be read")
        .To(*log_);
  }
}

void LimitKeeper::Save(WallTime now) {
  // Keys find other places in another process, perhaps: the first batch replaces all there was.
  std::vector<ControlStore::Change> batch;
  for (const std::string& key : found_) batch.push_back({key, std::nullopt});
  std::vector<std::pair<size_t*, size_t>> written;
  std::vector<uint64_t> words;
  for (Kept& kept : kept_) {
    for (size_t i = 0; i < kept.written.size(); ++i) {
      size_t first = i * limits::kCountsPlacesPerRecord;
      words.clear();
      kept.save(first, std::min(limits::kCountsPlacesPerRecord, kept.places - first), now, &words);
      std::string text = Encode(words);
      size_t hash = text.empty() ? 0 : absl::HashOf(text) | 1;
      if (hash == kept.written[i]) continue;
      written.emplace_back(&kept.written[i], hash);
      ControlStore::Change& change = batch.emplace_back();
      change.key = KeyOf(kept.prefix, i);
      if (hash != 0) change.value = std::move(text);
    }
  }
  if (batch.empty()) return;
  Status status = store_->Write(batch);
  if (status.ok()) {
    for (const auto& [at, hash] : written) *at = hash;
    found_.clear();
  } else if (!save_failed_) {
    LogLine(now, "counts_not_saved")
        .Text("reason", MessageOf(status))
        .Text("words", "what is counted of rates, quotas and bounces would not outlive a restart")
        .To(*log_);
  }
  save_failed_ = !status.ok();
}

void LimitKeeper::SetRule(const identity::BrakeRule& rule) {
  std::lock_guard lock(mutex_);
  rule_ = rule;
  told_.clear();
}

void LimitKeeper::Forget(uint32_t credential) {
  outcomes_->Forget(credential);
  std::lock_guard lock(mutex_);
  told_.erase(credential);
  save_soon_ = true;
  changed_.notify_all();
}

void LimitKeeper::LookForBrakes(WallTime now) {
  uint64_t changes = outcomes_->changes();
  if (!any_bad_ && changes == changes_seen_) return;
  changes_seen_ = changes;
  any_bad_ = false;
  std::vector<std::pair<uint32_t, std::string>> over;
  {
    std::lock_guard lock(mutex_);
    outcomes_->ForEach(now, [&](uint32_t credential, const identity::OutcomeCounts::Sums& sums) {
      uint64_t bad = sums.hard_bounces + sums.complaints;
      any_bad_ |= bad > 0;
      std::string why = identity::WhyBraked(rule_, sums);
      if (why.empty()) {
        told_.erase(credential);
      } else if (uint64_t& told = told_[credential]; bad > told) {
        told = bad;
        over.emplace_back(credential, std::move(why));
      }
    });
  }
  for (const auto& [credential, why] : over) {
    if (brake_(credential, why)) continue;
    std::lock_guard lock(mutex_);
    told_.erase(credential);  // at the next look
  }
}

void LimitKeeper::Start(Brake brake) {
  brake_ = std::move(brake);
  thread_ = std::thread([this] { Main(); });
}

void LimitKeeper::Main() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-limits");
  MonoTime save_at = ReadMonoClock() + Seconds(limits::kCountsSaveSeconds);
  for (;;) {
    bool soon;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, Millis(limits::kBrakeLookMillis),
                        [this] { return stopping_ || save_soon_; });
      if (stopping_) return;
      soon = std::exchange(save_soon_, false);
    }
    LookForBrakes(ReadWallClock());
    if (!soon && ReadMonoClock() < save_at) continue;
    Save(ReadWallClock());
    save_at = ReadMonoClock() + Seconds(limits::kCountsSaveSeconds);
  }
}

void LimitKeeper::EndThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LimitKeeper::Stop() {
  EndThread();
  Save(ReadWallClock());
}

}  // namespace ringpost::app
