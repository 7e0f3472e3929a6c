#include "gateway/identity/suppression.h"

#include "gateway/base/text.h"

namespace ringpost::identity {
namespace {

constexpr std::string_view kNames[] = {"bounce", "unsubscribe", "complaint", "manual"};

constexpr std::string_view kWords[] = {"its mailbox does not exist", "it has unsubscribed",
                                       "it has complained of spam", "put there by hand"};

// Digits and letters by their places: "dddd-dd-dd".
bool HasForm(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (form[i] == 'd' ? !IsDigit(text[i]) : form[i] != text[i]) return false;
  }
  return true;
}

int NumberAt(std::string_view text, size_t at, size_t digits) {
  int number = 0;
  for (char c : text.substr(at, digits)) number = number * 10 + (c - '0');
  return number;
}

}  // namespace

std::optional<WallTime> ParseSuppressionTime(std::string_view text) {
  bool whole = HasForm(text, "dddd-dd-ddTdd:dd:ddZ") || HasForm(text, "dddd-dd-ddTdd:dd:dd.dddZ");
  if (!whole && !HasForm(text, "dddd-dd-dd")) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(NumberAt(text, 0, 4)),
                                   std::chrono::month(static_cast<unsigned>(NumberAt(text, 5, 2))),
                                   std::chrono::day(static_cast<unsigned>(NumberAt(text, 8, 2)))};
  if (!date.ok()) return std::nullopt;
  WallTime day(std::chrono::sys_days(date).time_since_epoch());
  if (!whole) return day;
  int hour = NumberAt(text, 11, 2), minute = NumberAt(text, 14, 2), second = NumberAt(text, 17, 2);
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  Millis millis(text[19] == '.' ? NumberAt(text, 20, 3) : 0);
  return day + std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(second) + millis;
}

std::string_view SuppressionReasonWords(SuppressionReason reason) {
  return kWords[static_cast<size_t>(reason) - 1];
}

std::string_view SuppressionReasonName(SuppressionReason reason) {
  return kNames[static_cast<size_t>(reason) - 1];
}

std::optional<SuppressionReason> SuppressionReasonOf(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<SuppressionReason>(i + 1);
  }
  return std::nullopt;
}

std::optional<SuppressionReason> SuppressionReasonOf(uint64_t number) {
  if (number < 1 || number > std::size(kNames)) return std::nullopt;
  return static_cast<SuppressionReason>(number);
}

}  // namespace ringpost::identity
