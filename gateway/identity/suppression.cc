#include "gateway/identity/suppression.h"

namespace ringpost::identity {
namespace {

constexpr std::string_view kNames[] = {"bounce", "unsubscribe", "complaint", "manual"};

}  // namespace

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
