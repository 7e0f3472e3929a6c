// A certificate that nobody signed but itself: for development mode, and for tests.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/tls/certificate.h"

namespace ringpost::tls {

struct PemPair {
  std::string chain;
  std::string key;  // the caller wipes it
};

// For `names` (DNS names, at least one), valid from an hour before `now` for `days`. Takes some
// microseconds with kEcdsa (P-256) and a large part of a second with kRsa (2048 bits).
PemPair MakeSelfSigned(const std::vector<std::string>& names, Certificate::KeyKind kind,
                       WallTime now, int days);

}  // namespace ringpost::tls
