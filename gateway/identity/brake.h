// The brake: when a credential's bounces and complaints are so many that it must not send on.
//
// Pure: what is counted is outcome_counts.h's, who blocks the credential is the app's.
//
// Threads: functions over values.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/identity/outcome_counts.h"

namespace ringpost::identity {

// Mailbox providers ask senders to stay under 0.3 % of complaints; more than a tenth of addresses
// that do not exist is a list that was bought, guessed or is old.
struct BrakeRule {
  bool enabled = true;
  uint32_t recipients_min = 200;         // of the last day; before, no share means anything
  uint32_t hard_bounces_permille = 100;  // of the recipients accepted; more: blocked
  uint32_t complaints_permille = 3;
  bool operator==(const BrakeRule&) const = default;
};

// Empty: it may go on. Else why not, with the figures, for people.
std::string WhyBraked(const BrakeRule& rule, const OutcomeCounts::Sums& sums);

// "10 %", "0.3 %".
std::string PermilleWords(uint64_t permille);

}  // namespace ringpost::identity
