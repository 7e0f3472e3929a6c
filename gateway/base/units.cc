#include "gateway/base/units.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include "gateway/base/text.h"

namespace ringpost {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
// From large to small.
constexpr Unit kTimeUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kByteUnits[] = {{"TiB", uint64_t{1} << 40},
                               {"GiB", uint64_t{1} << 30},
                               {"MiB", uint64_t{1} << 20},
                               {"KiB", uint64_t{1} << 10},
                               {"B", 1}};
constexpr uint64_t kMillisMax = uint64_t{100} * 366 * 86'400'000;

// Digits at the front, taken off `text`.
std::string_view TakeNumber(std::string_view* text) {
  size_t digits = 0;
  while (digits < text->size() && IsDigit((*text)[digits])) ++digits;
  std::string_view number = text->substr(0, digits);
  text->remove_prefix(digits);
  return number;
}

// number * the unit's factor, where it is no more than `most`.
template <size_t N>
std::optional<uint64_t> Scaled(std::string_view number, std::string_view name,
                               const Unit (&units)[N], uint64_t most) {
  const Unit* unit = std::find_if(std::begin(units), std::end(units),
                                  [&](const Unit& one) { return one.name == name; });
  std::optional<uint64_t> value = ParseDecimal(number);
  if (unit == std::end(units) || !value || *value > most / unit->factor) return std::nullopt;
  return *value * unit->factor;
}

}  // namespace

std::optional<Millis> ParseDuration(std::string_view text) {
  uint64_t sum = 0;
  do {
    std::string_view number = TakeNumber(&text);
    size_t letters = 0;
    while (letters < text.size() && IsAlpha(text[letters])) ++letters;
    auto part = Scaled(number, text.substr(0, letters), kTimeUnits, kMillisMax - sum);
    if (!part) return std::nullopt;
    sum += *part;
    text.remove_prefix(letters);
    if (text.starts_with(' ')) {
      text.remove_prefix(1);
      if (text.empty()) return std::nullopt;
    }
  } while (!text.empty());
  return Millis(static_cast<int64_t>(sum));
}

std::string FormatDuration(Millis duration) {
  if (duration < Millis(0)) return "-" + FormatDuration(-duration);
  uint64_t ms = static_cast<uint64_t>(duration.count());
  if (ms == 0) return "0s";
  const Unit* unit = kTimeUnits;
  while (ms < unit->factor) ++unit;
  std::string text = std::to_string(ms / unit->factor) + std::string(unit->name);
  const Unit* next = unit + 1;
  uint64_t rest = next == std::end(kTimeUnits) ? 0 : ms % unit->factor / next->factor;
  return rest == 0 ? text : text + " " + std::to_string(rest) + std::string(next->name);
}

std::optional<uint64_t> ParseBytes(std::string_view text) {
  std::string_view number = TakeNumber(&text);
  if (text.empty()) return ParseDecimal(number);
  return Scaled(number, TrimSpace(text), kByteUnits, UINT64_MAX);
}

std::string FormatBytes(uint64_t bytes) {
  const Unit* unit = kByteUnits;
  while (unit->factor > 1 && bytes < unit->factor - unit->factor / 20'480) ++unit;
  double value = static_cast<double>(bytes) / static_cast<double>(unit->factor);
  bool tenths = bytes % unit->factor != 0 && value < 99.95;
  char text[40];
  std::snprintf(text, sizeof text, tenths ? "%.1f " : "%.0f ", value);
  return text + std::string(unit->name);
}

}  // namespace ringpost
