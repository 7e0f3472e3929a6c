#include "gateway/identity/brake.h"

namespace ringpost::identity {
namespace {

std::string Words(uint64_t bad, const char* what, uint64_t accepted, uint32_t permille) {
  return std::to_string(bad) + " " + what + " of " + std::to_string(accepted) +
         " recipients in 24 hours (" + PermilleWords(bad * 1000 / accepted) + "; at most " +
         PermilleWords(permille) + ")";
}

}  // namespace

std::string PermilleWords(uint64_t permille) {
  std::string words = std::to_string(permille / 10);
  if (permille % 10 > 0) words += "." + std::to_string(permille % 10);
  return words + " %";
}

std::string WhyBraked(const BrakeRule& rule, const OutcomeCounts::Sums& sums) {
  if (!rule.enabled || sums.accepted == 0 || sums.accepted < rule.recipients_min) return "";
  if (sums.hard_bounces * 1000 > sums.accepted * rule.hard_bounces_permille) {
    return Words(sums.hard_bounces, "hard bounces", sums.accepted, rule.hard_bounces_permille);
  }
  if (sums.complaints * 1000 > sums.accepted * rule.complaints_permille) {
    return Words(sums.complaints, "complaints", sums.accepted, rule.complaints_permille);
  }
  return "";
}

}  // namespace ringpost::identity
