// MTA-STS (RFC 8461): the record that says a domain has a policy, the policy, and which hosts it
// lets take the domain's mail.
//
// The record is TXT at _mta-sts.<domain>. It says that there is a policy, and which edition: the
// policy itself is at https://mta-sts.<domain>/.well-known/mta-sts.txt, and nobody who can forge
// the DNS can forge that. So the record's absence takes nothing back (section 5.1), and neither
// does a failure.
//
// Threads: values and functions; any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/record.h"

namespace ringpost::dns {

// "_mta-sts.example.com", TXT. `domain` is canonical (name.h).
Question StsRecordQuestion(std::string_view domain);
// "mta-sts.example.com".
std::string StsPolicyHost(std::string_view domain);
inline constexpr std::string_view kStsPolicyPath = "/.well-known/mta-sts.txt";

struct StsRecord {
  enum class Outcome : uint8_t {
    kPublished,  // `id` says which edition
    kAbsent,     // the DNS says there is none, more than one, or one that is malformed
    kUnknown,    // the question failed
  };
  Outcome outcome = Outcome::kUnknown;
  std::string id;     // 1 to 32 letters and digits; of kPublished alone
  std::string words;  // why not
};

// Section 3.1. Records that do not begin with "v=STSv1;" are none of its; of the others there must
// be one. Fields that are not known are let pass where they are well-formed; of two ids the first
// counts.
StsRecord ReadStsRecord(const Answer& txt);

enum class StsMode : uint8_t {
  kEnforce,  // no host that the policy does not name, or whose certificate does not prove it
  kTesting,  // the same is looked at and reported, and mail goes out all the same
  kNone,     // there is no policy any more
};
std::string_view StsModeName(StsMode mode);  // "enforce"

struct StsPolicy {
  StsMode mode = StsMode::kNone;
  // Host names in canonical form, A-labels; the left-most label may be "*". In the policy's order,
  // each once. There is at least one, but for kNone.
  std::vector<std::string> mx;
  uint32_t max_age_seconds = 0;

  // Section 4.1: "*" stands for one label, the left-most. `host`: in either case, with a dot at its
  // end or without.
  bool Allows(std::string_view host) const;
  // As a report of TLS quotes it (RFC 8460 section 4.4): "version: STSv1", "mode: enforce", each
  // "mx: ..." and "max_age: ...". What else stood in it is left out.
  std::vector<std::string> Lines() const;

  auto operator<=>(const StsPolicy&) const = default;
};

// Section 3.2. Lines end with CRLF or LF. Keys that are not known are let pass, where the line is
// one of a key and a value; of a key that is there twice the first counts, but for mx. A max_age
// above limits::kStsMaxAgeSecondsMax counts as that. INVALID_ARGUMENT: it is none, in words; also
// where it is longer than limits::kStsPolicyBytesMax, or has more than limits::kStsPatternsMax
// patterns.
StatusOr<StsPolicy> ParseStsPolicy(std::string_view body);

}  // namespace ringpost::dns
