#include "gateway/delivery/pace.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/base/units.h"
#include "gateway/delivery/shaping_limits.h"

namespace ringpost::delivery {
namespace {

constexpr int64_t kNanosOfMilli = 1'000'000;
constexpr int64_t kNanosOfSecond = 1'000'000'000;

// "h", "5m": an hour, five minutes.
std::optional<Seconds> ParsePeriod(std::string_view text) {
  bool unit = text.size() == 1 && !IsDigit(text[0]);
  auto period = ParseDuration(unit ? "1" + std::string(text) : std::string(text));
  if (!period || *period % Seconds(1) != Millis(0)) return std::nullopt;
  Seconds seconds = std::chrono::duration_cast<Seconds>(*period);
  if (seconds < Seconds(1) || seconds > Seconds(limits::kPacePeriodSecondsMax)) return std::nullopt;
  return seconds;
}

int64_t NanosOf(MonoTime time) { return time.time_since_epoch().count() * kNanosOfMilli; }

// How far what is owed may reach into the future for one more to be let through.
int64_t Tolerance(const PaceLimit& limit) {
  return (int64_t{limit.burst()} - 1) * limit.interval_ns();
}

}  // namespace

uint32_t PaceLimit::burst() const {
  return std::max<uint32_t>(1, static_cast<uint32_t>(count / period.count()));
}

int64_t PaceLimit::interval_ns() const {
  return (period.count() * kNanosOfSecond + count - 1) / std::max<uint32_t>(count, 1);
}

bool PaceLimit::StricterThan(const PaceLimit& other) const {
  if (!limited()) return false;
  return !other.limited() || interval_ns() > other.interval_ns();
}

std::optional<PaceLimit> PaceLimit::Parse(std::string_view text) {
  if (text == "none") return PaceLimit();
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto count = ParseDecimal(text.substr(0, slash));
  auto period = ParsePeriod(text.substr(slash + 1));
  if (!count || *count == 0 || *count > UINT32_MAX || !period) return std::nullopt;
  return PaceLimit{static_cast<uint32_t>(*count), *period};
}

std::string PaceLimit::ToString() const {
  if (!limited()) return "none";
  std::string each = FormatDuration(period);
  // FormatDuration leaves out what is small beside the rest.
  if (ParseDuration(each) != std::optional<Millis>(period)) {
    each = std::to_string(period.count()) + "s";
  }
  if (each.size() == 2 && each[0] == '1') each.erase(0, 1);
  return std::to_string(count) + "/" + each;
}

bool Pace::Take(const PaceLimit& limit, MonoTime now) {
  if (!limit.limited()) return true;
  const int64_t now_ns = NanosOf(now);
  int64_t due = due_ns_.load(std::memory_order_relaxed);
  while (true) {
    int64_t from = std::max(due, now_ns);
    if (from - now_ns > Tolerance(limit)) return false;
    if (due_ns_.compare_exchange_weak(due, from + limit.interval_ns(), std::memory_order_relaxed)) {
      return true;
    }
  }
}

MonoTime Pace::NextAllowed(const PaceLimit& limit, MonoTime now) const {
  if (!limit.limited()) return now;
  const int64_t now_ns = NanosOf(now);
  int64_t from = std::max(due_ns_.load(std::memory_order_relaxed), now_ns);
  int64_t wait = from - Tolerance(limit) - now_ns;
  if (wait <= 0) return now;
  return now + Millis((wait + kNanosOfMilli - 1) / kNanosOfMilli);
}

}  // namespace ringpost::delivery
