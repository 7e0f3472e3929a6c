// When ACME does what: renewal, and tries after failures. Time and chance are arguments.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/base/random.h"
#include "gateway/base/time.h"

namespace ringpost::acme {

// At two thirds of the lifetime, and later by up to a twentieth of it, so that what was issued
// together is not renewed together.
WallTime RenewAt(WallTime not_before, WallTime not_after, Random* random);

// How long to wait after the n-th failure in a row (1 is the first): limits::kAcmeRetrySeconds
// doubled, up to a bound; longer where the server asked for it, up to a bound; and up to a quarter
// more, at random.
Millis RetryAfter(uint32_t failures, Seconds server_asked, Random* random);

// A Retry-After field (RFC 9110 section 10.2.3), seconds or a date, as time from `now`; nothing
// where it is missing or neither, and never less than nothing or more than
// limits::kAcmeRetryAfterSecondsMax.
std::optional<Seconds> ParseRetryAfter(std::string_view field, WallTime now);

}  // namespace ringpost::acme
