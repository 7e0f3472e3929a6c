#include "gateway/delivery/shaping.h"

#include <algorithm>

#include "gateway/base/units.h"

namespace ringpost::delivery {
namespace {

constexpr std::string_view kNames[kSettings] = {
    "connections",
    "connection_rate",
    "message_rate",
    "messages_per_connection",
    "recipients_per_transaction",
    "connect_timeout",
    "command_timeout",
    "idle_timeout",
    "tls",
    "retry",
    "lifetime",
    "delay_warning",
    "total_connections",
    "total_connection_rate",
    "total_message_rate",
    "account's connections",
    "account's message_rate",
};
constexpr Setting kOfAnySite[] = {
    Setting::kConnections,
    Setting::kConnectionRate,
    Setting::kMessageRate,
    Setting::kMessagesPerConnection,
    Setting::kRecipientsPerTransaction,
    Setting::kConnectTimeout,
    Setting::kCommandTimeout,
    Setting::kIdleTimeout,
    Setting::kTls,
    Setting::kRetry,
    Setting::kLifetime,
    Setting::kDelayWarning,
    // Those above are any level's.
    Setting::kTotalConnections,
    Setting::kTotalConnectionRate,
    Setting::kTotalMessageRate,
};
constexpr size_t kOfAProviderAlone = 3;
constexpr Setting kOfAccounts[] = {Setting::kAccountConnections, Setting::kAccountMessageRate,
                                   Setting::kRetry, Setting::kLifetime, Setting::kDelayWarning};
// What a site's connections have in common. The schedule of retries and the like are a message's.
constexpr size_t kOfConnections = static_cast<size_t>(Setting::kIdleTimeout) + 1;

constexpr std::string_view kTlsWords[] = {"opportunistic", "required", "verified"};

// 0 is no limit where there may be none.
bool Fewer(Setting setting, uint32_t a, uint32_t b) {
  if (setting == Setting::kConnections || setting == Setting::kRecipientsPerTransaction) {
    return a < b;
  }
  return a != 0 && (b == 0 || a < b);
}

}  // namespace

std::string_view SettingName(Setting setting) { return kNames[static_cast<size_t>(setting)]; }

std::span<const Setting> SettingsOf(ShapingLevel level) {
  if (level == ShapingLevel::kAccount) return kOfAccounts;
  std::span<const Setting> all = kOfAnySite;
  return level == ShapingLevel::kProvider ? all : all.first(all.size() - kOfAProviderAlone);
}

std::string ValueText(const SettingValue& value) {
  if (const auto* count = std::get_if<uint32_t>(&value)) return std::to_string(*count);
  if (const auto* rate = std::get_if<PaceLimit>(&value)) return rate->ToString();
  if (const auto* time = std::get_if<Seconds>(&value)) return FormatDuration(*time);
  if (const auto* tls = std::get_if<HopTls>(&value)) {
    return std::string(kTlsWords[static_cast<size_t>(*tls)]);
  }
  std::string text;
  for (Seconds step : std::get<std::vector<Seconds>>(value)) {
    text += (text.empty() ? "" : ", ") + FormatDuration(step);
  }
  return text;
}

const SettingValue& Stricter(Setting setting, const SettingValue& a, const SettingValue& b) {
  if (const auto* rate = std::get_if<PaceLimit>(&b)) {
    return rate->StricterThan(std::get<PaceLimit>(a)) ? b : a;
  }
  if (const auto* count = std::get_if<uint32_t>(&b)) {
    return Fewer(setting, *count, std::get<uint32_t>(a)) ? b : a;
  }
  return a;
}

HopTls Shaping::tls_floor() const {
  const Given* given = (*this)[Setting::kTls].given;
  return given ? std::get<HopTls>(given->value) : HopTls::kOpportunistic;
}

const std::vector<Seconds>& Shaping::retry() const {
  return std::get<std::vector<Seconds>>((*this)[Setting::kRetry].given->value);
}

uint32_t Shaping::Count(Setting setting) const {
  const Given* given = (*this)[setting].given;
  return given ? std::get<uint32_t>(given->value) : 0;
}

PaceLimit Shaping::Rate(Setting setting) const {
  const Given* given = (*this)[setting].given;
  return given ? std::get<PaceLimit>(given->value) : PaceLimit();
}

Seconds Shaping::Time(Setting setting) const {
  const Given* given = (*this)[setting].given;
  return given ? std::get<Seconds>(given->value) : Seconds(0);
}

std::string Shaping::SiteTag() const {
  std::string tag(provider_);
  for (size_t i = 0; i < kOfConnections; ++i) {
    tag += ' ';
    if (entries_[i].given) tag += ValueText(entries_[i].given->value);
  }
  return tag;
}

void Shaping::SetWhereFree(const Given& given, const RuleOrigin& origin) {
  Entry& entry = entries_[static_cast<size_t>(given.setting)];
  if (!entry.given) entry = {&given, &origin};
}

void Shaping::Tighten(const Given& given, const RuleOrigin& origin) {
  Entry& entry = entries_[static_cast<size_t>(given.setting)];
  bool tighter =
      !entry.given || &Stricter(given.setting, entry.given->value, given.value) == &given.value;
  if (tighter) entry = {&given, &origin};
}

}  // namespace ringpost::delivery
