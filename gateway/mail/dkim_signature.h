// The DKIM-Signature fields of a message (RFC 6376), finished and folded.
//
// A pure function of the header section, the body's hash, the keys, their names and the time: the
// same input gives the same bytes, since both algorithms are deterministic. One key or two; with
// two the message carries both signatures, for verifiers that know Ed25519 and for those that do
// not (RFC 8463 section 6). c=relaxed/relaxed; no l=, no i= (its default, "@domain", is all that a
// gateway can vouch for: RFC 6376 section 3.5), no z=. Which fields are covered: dkim_header.h. Why
// all this: gateway/decisions/050-dkim.md.
//
// Threads: none of its own. It takes as long as its keys do: on workers, not on a shard.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::mail {

struct DkimSelector {
  std::string_view name;
  const tls::DkimKey* key = nullptr;
};

struct DkimInput {
  std::string_view header;  // what goes out, from its first field; with or without the empty line
  DkimDigest body_hash;     // of what goes out behind it
  std::string_view domain;  // d=
  std::span<const DkimSelector> selectors;  // one or two, of different names
  WallTime now;                             // t=
  Seconds lifetime{0};                      // x= is so much later; 0: none
};

// What can be d=, and what can be s= of it: A-labels (RFC 5890), in an internationalised message
// too, of letters, digits and hyphens; at least two for a domain; short enough together
// (limits::kDkimKeyNameBytesMax).
bool IsDkimDomain(std::string_view domain);
bool IsDkimSelector(std::string_view selector, std::string_view domain);

// The fields, in the order of the selectors, each ending in CRLF and with lines of at most 78 bytes
// (but for a longer domain or selector, which has a line to itself). They go before the message: a
// later signer's above an earlier one's (RFC 6376 section 5.6).
//
// INVALID_ARGUMENT: the domain or a selector is none, or both selectors are the same.
// FAILED_PRECONDITION: SelectDkimFields refuses the header section.
StatusOr<std::string> MakeDkimSignatures(const DkimInput& input);

}  // namespace ringpost::mail
