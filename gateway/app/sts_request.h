// What the control socket's "tls policies" asks for, and its answer. Sans-IO.
//
//   {"command":"tls policies","domain":"example.com"}
//   {"command":"tls policies","after":"example.com","limit":100}
//
//   domain        one, read as the queue names it; "not_found" where nothing is known of it
//   after, limit  a page: behind which domain, how many
//
//   {"ok":true,"policies":[{"domain":"example.com","mode":"enforce","id":"20260101","mx":[...],
//     "max_age_seconds":604800,"fetched":TIME,"expires":TIME,"next_fetch":TIME or null,
//     "last_used":TIME,"failure":null or {"result":"sts-policy-fetch-error","words":"...",
//     "time":TIME}}],"next":"example.com"}
//
//   next_fetch    null: it is not in use, and expires
//   failure       of the last fetch. Where it is all that is known, the members from "mode" to
//                 "last_used" are not there
//   next          there are more, behind this one
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gateway/app/control_request.h"
#include "gateway/base/time.h"
#include "gateway/http/sts_cache.h"
#include "gateway/identity/records.h"

namespace ringpost::app {

struct StsRequest {
  std::string domain;  // empty: all of them
  std::string after;
  uint32_t limit = limits::kControlListEntriesDefault;
};

// `members`: the whole request object.
std::variant<StsRequest, ControlError> ParseStsRequest(identity::Json members);
// `policies` are those behind `after`, one more than `limit` where there are more, or that of the
// domain.
identity::Json StsAnswer(const StsRequest& request,
                         const std::vector<http::StsPolicyStatus>& policies);

}  // namespace ringpost::app
