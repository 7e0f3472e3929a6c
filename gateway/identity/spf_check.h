// Whether an SPF record lets an address send (RFC 7208), as far as that follows from the DNS alone.
//
// It is for advice about our own records, and no receiver's check: macros, "ptr" and "exists"
// depend on a message or are deprecated, so where one of them decides, nothing is said; lookups
// without an answer are not counted (section 4.6.4 bounds them, the ten lookups are counted here).
// It judges by what is known, and notes what it wants to know (dns/known_answers.h).
//
// Threads: functions; any.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/ip_address.h"
#include "gateway/dns/known_answers.h"

namespace ringpost::identity {

enum class SpfResult : uint8_t {
  kUnknown,  // an answer is wanted first, or it cannot be said
  kNone,     // there is no record
  kNeutral,
  kPass,
  kSoftFail,
  kFail,
  kTempError,  // the DNS does not answer
  kPermError,  // the record, or one it leads to, is wrong
};

struct SpfVerdict {
  SpfResult result = SpfResult::kUnknown;
  std::string words;  // of the two errors: what is wrong
};

SpfVerdict CheckSpf(const IpAddress& address, const std::string& domain, dns::KnownAnswers* known);
// Of the record alone: kNone, kTempError, kPermError (there are several), kUnknown, or kNeutral:
// there is one.
SpfVerdict FindSpf(const std::string& domain, dns::KnownAnswers* known);

}  // namespace ringpost::identity
