// What the cache of MTA-STS keeps in the control store (storage/FORMAT.md): a record for each
// domain with a policy.
//
// Threads: functions; any.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/http/sts_cache.h"

namespace ringpost::http {

inline constexpr std::string_view kStsRecordPrefix = "sts/policy/";

std::string StsRecordKey(std::string_view domain);
// `kept.held` is there.
std::string EncodeStsPolicy(const KeptStsPolicy& kept);
// DATA_LOSS, in words: another format, or lengths that do not add up, or no policy.
StatusOr<KeptStsPolicy> DecodeStsPolicy(std::string_view domain, std::string_view record);

}  // namespace ringpost::http
