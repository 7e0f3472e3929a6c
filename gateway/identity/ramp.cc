#include "gateway/identity/ramp.h"

#include <algorithm>
#include <chrono>

#include "gateway/base/text.h"
#include "gateway/identity/period_count.h"

namespace ringpost::identity {

uint32_t RampLimit(const Ramp& ramp, WallTime now) {
  if (!ramp.limited()) return 0;
  uint32_t today = UtcDay(now);
  uint32_t day = today > ramp.begins ? today - ramp.begins : 0;
  if (day >= ramp.days) return 0;
  uint64_t limit = day < 32 ? uint64_t{ramp.first_day} << day : UINT32_MAX;
  return static_cast<uint32_t>(std::min<uint64_t>(limit, UINT32_MAX));
}

std::string FormatDay(uint32_t day) {
  return FormatRfc3339(std::chrono::sys_days(std::chrono::days(day))).substr(0, 10);
}

std::optional<uint32_t> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto year = ParseDecimal(text.substr(0, 4)), month = ParseDecimal(text.substr(5, 2)),
       day = ParseDecimal(text.substr(8, 2));
  if (!year || !month || !day || *year < 1971) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return UtcDay(std::chrono::sys_days(date));
}

}  // namespace ringpost::identity
