// What a suppression is: an address, or a domain, that an account's mail is not sent to.
//
// An entry is spelt as a restrict list's (address_list.h): "user@example.com", "example.com" (its
// addresses, not those of its sub-domains), "*.example.com" (all below it, and not itself). It is
// compared in canonical form: domains as A-labels in lower case, local parts without regard to
// ASCII case. RFC 5321 section 2.4 has local parts case-sensitive, but no provider treats them so,
// and who unsubscribed as "Bob@" must not be written to as "bob@".
//
// Threads: plain data and functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"

namespace ringpost::identity {

// On disk and in the table: numbers are never given anew. The greater one is kept where there are
// two for an entry: a bounce may pass, what a person has said does not.
enum class SuppressionReason : uint8_t {
  kHardBounce = 1,   // the recipient's server said that there is no such mailbox
  kUnsubscribe = 2,  // the recipient wants no more of it
  kComplaint = 3,    // the recipient reported it as spam
  kManual = 4,       // an operator or the customer put it there
};

// "bounce", "unsubscribe", "complaint", "manual": in requests, exports and logs.
std::string_view SuppressionReasonName(SuppressionReason reason);
std::optional<SuppressionReason> SuppressionReasonOf(std::string_view name);
// Of this number, on disk; nothing: there is none.
std::optional<SuppressionReason> SuppressionReasonOf(uint64_t number);

struct Suppression {
  uint32_t account = 0;  // whose mail; 0: of the operator's own hosts
  std::string entry;     // as above
  SuppressionReason reason = SuppressionReason::kManual;
  std::string detail;  // the reply or the diagnostic, hostile text; cut to be kept, may be empty
  MessageId message;   // that it came from; zero: none
  WallTime time;
};

}  // namespace ringpost::identity
