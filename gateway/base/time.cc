#include "gateway/base/time.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace ringpost {
namespace {

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

Millis ReadClock(clockid_t clock) {
  timespec ts;
  clock_gettime(clock, &ts);
  return Millis(int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000);
}

struct Civil {
  int64_t year = 0;
  unsigned month = 0;  // from 1
  unsigned day = 0;    // from 1
  unsigned weekday = 0;
  unsigned second_of_day = 0;
};

// Not gmtime_r: under glibc that takes a lock which all threads share. The arithmetic is that of
// days since 0000-03-01 in cycles of 400 years (146,097 days), where the leap day ends the year
// (H. Hinnant, chrono-Compatible Low-Level Date Algorithms).
Civil BreakDown(WallTime time) {
  constexpr int64_t kDaySeconds = 86'400, kEraDays = 146'097, kEpochDays = 719'468;
  int64_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  int64_t days = seconds / kDaySeconds - (seconds % kDaySeconds < 0);
  Civil civil;
  civil.second_of_day = static_cast<unsigned>(seconds - days * kDaySeconds);
  civil.weekday = static_cast<unsigned>((days % 7 + 11) % 7);  // 1970-01-01 was a Thursday
  days += kEpochDays;
  int64_t era = (days >= 0 ? days : days - (kEraDays - 1)) / kEraDays;
  auto day_of_era = static_cast<unsigned>(days - era * kEraDays);
  unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted_month = (5 * day_of_year + 2) / 153;  // 0: March
  civil.day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  civil.month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  civil.year = era * 400 + year_of_era + (civil.month <= 2);
  return civil;
}

char* Digits(char* at, unsigned value, int count) {
  for (int i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + count;
}

char* Year(char* at, int64_t year) {
  if (year >= 0 && year <= 9999) return Digits(at, static_cast<unsigned>(year), 4);
  return at + std::snprintf(at, 24, "%04lld", static_cast<long long>(year));
}

char* TimeOfDay(char* at, unsigned second_of_day) {
  at = Digits(at, second_of_day / 3600, 2);
  *at++ = ':';
  at = Digits(at, second_of_day / 60 % 60, 2);
  *at++ = ':';
  return Digits(at, second_of_day % 60, 2);
}

char* Text(char* at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }

}  // namespace

MonoTime ReadMonoClock() { return MonoTime(ReadClock(CLOCK_MONOTONIC)); }
WallTime ReadWallClock() { return WallTime(ReadClock(CLOCK_REALTIME)); }

std::string FormatRfc3339(WallTime time) {
  Civil civil = BreakDown(time);
  char text[64];
  char* at = Year(text, civil.year);
  *at++ = '-';
  at = Digits(at, civil.month, 2);
  *at++ = '-';
  at = Digits(at, civil.day, 2);
  *at++ = 'T';
  at = TimeOfDay(at, civil.second_of_day);
  *at++ = '.';
  at = Digits(at, static_cast<unsigned>((time - std::chrono::floor<Seconds>(time)).count()), 3);
  *at++ = 'Z';
  return std::string(text, at);
}

std::string FormatRfc5322Date(WallTime time) {
  Civil civil = BreakDown(time);
  char text[64];
  char* at = Text(text, kDays[civil.weekday]);
  at = Text(at, ", ");
  at = Digits(at, civil.day, civil.day < 10 ? 1 : 2);
  *at++ = ' ';
  at = Text(at, kMonths[civil.month - 1]);
  *at++ = ' ';
  at = Year(at, civil.year);
  *at++ = ' ';
  at = TimeOfDay(at, civil.second_of_day);
  at = Text(at, " +0000");
  return std::string(text, at);
}

}  // namespace ringpost
