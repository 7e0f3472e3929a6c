#include "gateway/base/time.h"

#include <time.h>

#include <cstdio>

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

tm BreakDown(WallTime time) {
  time_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  tm parts;
  gmtime_r(&seconds, &parts);
  return parts;
}

}  // namespace

MonoTime ReadMonoClock() { return MonoTime(ReadClock(CLOCK_MONOTONIC)); }
WallTime ReadWallClock() { return WallTime(ReadClock(CLOCK_REALTIME)); }

std::string FormatRfc3339(WallTime time) {
  tm parts = BreakDown(time);
  int ms = static_cast<int>((time - std::chrono::floor<Seconds>(time)).count());
  char text[64];
  int n = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                        parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                        parts.tm_min, parts.tm_sec, ms);
  return std::string(text, static_cast<size_t>(n));
}

std::string FormatRfc5322Date(WallTime time) {
  tm parts = BreakDown(time);
  char text[64];
  int n = std::snprintf(text, sizeof text, "%s, %d %s %04d %02d:%02d:%02d +0000",
                        kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return std::string(text, static_cast<size_t>(n));
}

}  // namespace ringpost
