// ReadFrom: whom a message says it is from: every address in its From field (RFC 5322 section
// 3.6.2; groups by RFC 6854; UTF-8 by RFC 6532).
//
// It is asked who may send as whom, so where two readers of a field could disagree there is no
// answer: several From fields, an address in a display name that is not the one in the angle
// brackets, comments without end, what is no address at all. Display names and comments are not
// looked into, encoded or not: nobody delivers by them.
//
// Forgiven, as met in practice: dots and UTF-8 in display names, an address as display name of
// itself, an obsolete route in the angle brackets, a comma too many.
//
// Threads: a function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/header_scan.h"

namespace ringpost::mail {

enum class FromProblem : uint8_t {
  kNone,
  kMissing,        // no From field
  kSeveralFields,  // RFC 5322 section 3.6: there must be one
  kNoAddress,      // nothing in it, or an empty group
  kMalformed,
  kTooLong,  // more than is looked at (limits::kFromFieldBytesMax, kFromAddressesMax)
};
// What is wrong, in words that end a sentence: "has no From field".
std::string_view FromProblemWords(FromProblem problem);

struct FromAddresses {
  FromProblem problem = FromProblem::kNone;
  // "local@domain" without white space and comments; the local part as written, quotes included.
  // Empty where there is a problem.
  std::vector<std::string> addresses;
};

FromAddresses ReadFrom(const HeaderSummary& headers);
// The value of one field, unfolded.
FromAddresses ReadFromField(std::string_view value);

}  // namespace ringpost::mail
