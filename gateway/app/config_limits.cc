// The sections and keys of ringpost.toml that say how much is too much.
#include "gateway/app/config_sections.h"
#include "gateway/app/config_text.h"
#include "gateway/base/text.h"
#include "gateway/base/units.h"

namespace ringpost::app {
namespace {

// "100/1m": how many in how long.
std::optional<identity::RateLimit> ParseRate(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto count = ParseDecimal(text.substr(0, slash));
  auto period = ParseDuration(text.substr(slash + 1));
  if (!count || *count == 0 || *count > UINT32_MAX) return std::nullopt;
  if (!period || *period % Seconds(1) != Millis(0) || *period < Seconds(1) ||
      *period > Seconds(limits::kRatePeriodSecondsMax)) {
    return std::nullopt;
  }
  return identity::RateLimit{static_cast<uint32_t>(*count), std::chrono::floor<Seconds>(*period)};
}

// "10 %", "0.3%": in tenths of a percent.
std::optional<uint32_t> ParsePermille(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text = TrimSpace(text.substr(0, text.size() - 1));
  size_t point = text.find('.');
  auto whole = ParseDecimal(text.substr(0, point));
  std::optional<uint64_t> tenths = 0;
  if (point != std::string_view::npos) {
    if (text.size() != point + 2) return std::nullopt;
    tenths = ParseDecimal(text.substr(point + 1));
  }
  if (!whole || !tenths || *whole > 100) return std::nullopt;
  uint64_t permille = *whole * 10 + *tenths;
  if (permille == 0 || permille > 1000) return std::nullopt;
  return static_cast<uint32_t>(permille);
}

void ReadPermille(TableReader* table, std::string_view key, const char* example, uint32_t* to) {
  std::string text;
  if (!table->Text(key, &text)) return;
  if (auto permille = ParsePermille(text)) {
    *to = *permille;
  } else {
    table->Error(key, "expects a share from \"0.1 %\" to \"100 %\", such as \"" +
                          std::string(example) + "\", not " + Quoted(text));
  }
}

}  // namespace

void ReadLimits(TableReader* root, LimitsConfig* to) {
  TableReader table(Section(root, "limits"), "limits", root->errors());
  table.Bytes("message_bytes_max", limits::kKiB, limits::kMessageBytesMaxHard,
              &to->message_bytes_max);
  table.Integer("recipients_max", 100, limits::kRecipientsMaxHard, &to->recipients_max);
  table.Integer("connections_max", 1, limits::kConnectionsMaxHard, &to->connections_max);
  table.Integer("connections_per_address_max", 0, UINT16_MAX, &to->connections_per_address_max);
  Millis timeout = to->command_timeout, grace = to->drain_grace;
  table.Duration("command_timeout", Seconds(1), Seconds(limits::kCommandTimeoutSecondsHard),
                 &timeout);
  to->command_timeout = std::chrono::ceil<Seconds>(timeout);
  table.Integer("data_bytes_per_second_min", 0, 1'000'000, &to->data_bytes_per_second_min);
  table.Bytes("memory_bytes_max", limits::kMemoryCeilingBytesMin, uint64_t{1} << 50,
              &to->memory_bytes_max);
  table.Duration("drain_grace", Seconds(0), Seconds(limits::kDrainGraceSecondsMax), &grace);
  to->drain_grace = std::chrono::ceil<Seconds>(grace);
  table.Finish();
}

void ReadListenerRate(TableReader* table, ListenerConfig* listener) {
  std::string text;
  if (!table->Text("rate", &text)) return;
  if (auto rate = ParseRate(text)) {
    listener->rate = *rate;
  } else {
    table->Error("rate",
                 "expects how many messages in how long, such as \"100/1m\" or \"5000/1h\" (whole "
                 "seconds, up to \"31d\"), not " +
                     Quoted(text));
  }
}

void ReadBrake(TableReader* root, identity::BrakeRule* to) {
  TableReader table(Section(root, "brake"), "brake", root->errors());
  table.Flag("enabled", &to->enabled);
  table.Integer("recipients_min", 1, UINT32_MAX, &to->recipients_min);
  ReadPermille(&table, "hard_bounces", "10 %", &to->hard_bounces_permille);
  ReadPermille(&table, "complaints", "0.3 %", &to->complaints_permille);
  table.Finish();
}

}  // namespace ringpost::app
