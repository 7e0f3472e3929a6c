#include "gateway/app/config_shaping_values.h"

#include <chrono>
#include <optional>
#include <utility>

#include "gateway/app/config_sections.h"
#include "gateway/delivery/shaping_limits.h"

namespace ringpost::app {
namespace {

namespace bounds = delivery::limits;
using delivery::Given;
using delivery::PaceLimit;
using delivery::Setting;
using delivery::SettingValue;
using Value = std::optional<SettingValue>;

// In [[account]] as elsewhere.
std::string_view KeyOf(Setting setting) {
  if (setting == Setting::kAccountConnections) return delivery::SettingName(Setting::kConnections);
  if (setting == Setting::kAccountMessageRate) return delivery::SettingName(Setting::kMessageRate);
  return delivery::SettingName(setting);
}

Value ReadCount(TableReader* table, std::string_view key, uint64_t least, uint64_t most) {
  uint32_t count = 0;
  if (!table->Integer(key, least, most, &count)) return std::nullopt;
  return SettingValue(count);
}

Value ReadRate(TableReader* table, std::string_view key) {
  std::string text;
  if (!table->Text(key, &text)) return std::nullopt;
  if (auto rate = PaceLimit::Parse(text)) return SettingValue(*rate);
  table->Error(
      key,
      "expects how many in how long, such as \"10/s\", \"600/m\", \"1000/h\" or \"100/5m\" "
      "(1s to 31d), or \"none\", not " +
          Quoted(text));
  return std::nullopt;
}

Value ReadTime(TableReader* table, std::string_view key, Seconds least, Seconds most) {
  Millis time{0};
  if (!table->Duration(key, least, most, &time)) return std::nullopt;
  return SettingValue(std::chrono::ceil<Seconds>(time));
}

Value ReadTlsFloor(TableReader* table, std::string_view key) {
  size_t chosen = 0;
  if (!table->Choice(key, kHopTlsChoices, &chosen)) return std::nullopt;
  return SettingValue(static_cast<delivery::HopTls>(chosen));
}

Value ReadSteps(TableReader* table) {
  std::vector<Seconds> steps;
  if (!ReadRetry(table, &steps)) return std::nullopt;
  return SettingValue(std::move(steps));
}

Value ReadValue(TableReader* table, Setting setting, std::string_view key) {
  constexpr Seconds kTimeoutMost{bounds::kShapingTimeoutSecondsMax};
  constexpr Seconds kLongest{limits::kMessageLifetimeSecondsMax};
  switch (setting) {
    case Setting::kConnections:
    case Setting::kAccountConnections:
      return ReadCount(table, key, 1, limits::kConnectionsPerSiteMax);
    case Setting::kTotalConnections:
      return ReadCount(table, key, 0, limits::kConnectionsPerSiteMax);
    case Setting::kMessagesPerConnection:
      return ReadCount(table, key, 0, bounds::kShapingMessagesMax);
    case Setting::kRecipientsPerTransaction:
      return ReadCount(table, key, 1, bounds::kShapingRecipientsMax);
    case Setting::kConnectionRate:
    case Setting::kMessageRate:
    case Setting::kTotalConnectionRate:
    case Setting::kTotalMessageRate:
    case Setting::kAccountMessageRate:
      return ReadRate(table, key);
    case Setting::kConnectTimeout:
      return ReadTime(table, key, Seconds(1), kTimeoutMost);
    case Setting::kCommandTimeout:
    case Setting::kIdleTimeout:
      return ReadTime(table, key, Seconds(0), kTimeoutMost);
    case Setting::kLifetime:
      return ReadTime(table, key, Seconds(1), kLongest);
    case Setting::kDelayWarning:
      return ReadTime(table, key, Seconds(0), kLongest);
    case Setting::kTls:
      return ReadTlsFloor(table, key);
    case Setting::kRetry:
      return ReadSteps(table);
  }
  return std::nullopt;
}

}  // namespace

void ReadSetting(TableReader* table, Setting setting, std::vector<Given>* to) {
  std::string_view key = KeyOf(setting);
  Value value = ReadValue(table, setting, key);
  if (!value) return;
  to->push_back({setting, std::move(*value), table->Find(key)->source().begin.line});
}

}  // namespace ringpost::app
