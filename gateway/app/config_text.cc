#include "gateway/app/config_text.h"

#include <algorithm>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
// From large to small, so that formatting takes the first that divides.
constexpr Unit kTimeUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kByteUnits[] = {{"TiB", uint64_t{1} << 40},
                               {"GiB", uint64_t{1} << 30},
                               {"MiB", uint64_t{1} << 20},
                               {"KiB", uint64_t{1} << 10}};
constexpr uint64_t kMillisMax = uint64_t{100} * 366 * 86'400'000;

// number * factor, where it is no more than `most`.
std::optional<uint64_t> Scaled(std::string_view number, uint64_t factor, uint64_t most) {
  std::optional<uint64_t> value = ParseDecimal(number);
  if (!value || *value > most / factor) return std::nullopt;
  return *value * factor;
}

}  // namespace

std::optional<Millis> ParseDuration(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  for (const Unit& unit : kTimeUnits) {
    if (text.substr(digits) != unit.name) continue;
    auto value = Scaled(text.substr(0, digits), unit.factor, kMillisMax);
    if (!value) return std::nullopt;
    return Millis(static_cast<int64_t>(*value));
  }
  return std::nullopt;
}

std::string FormatDuration(Millis duration) {
  uint64_t ms = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  if (ms == 0) return "0s";
  for (const Unit& unit : kTimeUnits) {
    if (ms % unit.factor == 0) return std::to_string(ms / unit.factor) + std::string(unit.name);
  }
  return std::to_string(ms) + "ms";
}

std::optional<uint64_t> ParseBytes(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  std::string_view name = TrimSpace(text.substr(digits));
  if (name.empty()) return digits == text.size() ? ParseDecimal(text) : std::nullopt;
  for (const Unit& unit : kByteUnits) {
    if (name == unit.name) return Scaled(text.substr(0, digits), unit.factor, UINT64_MAX);
  }
  return std::nullopt;
}

std::string FormatBytes(uint64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes != 0 && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + " " + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

size_t EditDistance(std::string_view a, std::string_view b, size_t most) {
  size_t longer = std::max(a.size(), b.size()), shorter = std::min(a.size(), b.size());
  if (longer - shorter > most) return most + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], most + 1);
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view nearest;
  size_t best = limits::kSuggestionEditsMax + 1;
  for (std::string_view candidate : known) {
    // "hots" is near "host", but "port" is not: every word of four letters is two edits from many.
    size_t most = std::min(limits::kSuggestionEditsMax, candidate.size() / 3);
    size_t distance = EditDistance(word, candidate, most);
    if (distance <= most && distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string JoinOr(std::span<const std::string_view> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text.append(i + 1 == words.size() ? " or " : ", ");
    text.append(words[i]);
  }
  return text;
}

}  // namespace ringpost::app
