#include "gateway/http/acme/schedule.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::acme {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// An IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> ParseDate(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  auto day = ParseDecimal(text.substr(5, 2)), year = ParseDecimal(text.substr(12, 4));
  auto hour = ParseDecimal(text.substr(17, 2)), minute = ParseDecimal(text.substr(20, 2));
  auto second = ParseDecimal(text.substr(23, 2));
  size_t month = kMonths.find(text.substr(8, 3));
  bool whole = day && year && hour && minute && second && month != std::string_view::npos &&
               month % 3 == 0 && *hour < 24 && *minute < 60 && *second <= 60;
  if (!whole) return std::nullopt;
  std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                   std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                   std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) +
         Seconds(static_cast<int64_t>(*hour * 3600 + *minute * 60 + *second));
}

}  // namespace

WallTime RenewAt(WallTime not_before, WallTime not_after, Random* random) {
  Millis lifetime = std::max(Millis(0), not_after - not_before);
  auto spread = static_cast<uint64_t>(lifetime.count() / 20);
  return not_before + lifetime * 2 / 3 + Millis(static_cast<int64_t>(random->Below(spread + 1)));
}

Millis RetryAfter(uint32_t failures, Seconds server_asked, Random* random) {
  uint32_t doublings = std::min(failures > 0 ? failures - 1 : 0, 20u);
  Seconds ours(std::min<uint64_t>(uint64_t{limits::kAcmeRetrySeconds} << doublings,
                                  limits::kAcmeRetrySecondsMax));
  Millis wait = std::max(ours, std::min(server_asked, Seconds(limits::kAcmeRetryAfterSecondsMax)));
  return wait +
         Millis(static_cast<int64_t>(random->Below(static_cast<uint64_t>(wait.count() / 4) + 1)));
}

std::optional<Seconds> ParseRetryAfter(std::string_view field, WallTime now) {
  constexpr Seconds kMost(limits::kAcmeRetryAfterSecondsMax);
  field = TrimSpace(field);
  if (auto seconds = ParseDecimal(field)) {
    return Seconds(static_cast<int64_t>(std::min<uint64_t>(*seconds, kMost.count())));
  }
  auto date = ParseDate(field);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::ceil<Seconds>(*date - now), Seconds(0), kMost);
}

}  // namespace ringpost::acme
