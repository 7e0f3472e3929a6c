#include "gateway/app/sts_request.h"

#include "gateway/app/control_json.h"
#include "gateway/base/text.h"
#include "gateway/dns/mta_sts.h"
#include "gateway/identity/record_reader.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

// A page ends early where policies are long.
constexpr size_t kPageBytes = 512 * 1024;

Json FailureJson(const http::StsFetchFailure& failure) {
  if (failure.kind == session::StsFailure::kNone) return nullptr;
  return {{"result", session::StsFailureName(failure.kind)},
          {"words", failure.words},
          {"time", FormatRfc3339(failure.at)}};
}

Json PolicyJson(const http::StsPolicyStatus& one) {
  Json json = {{"domain", one.domain}};
  if (one.held) {
    const dns::StsPolicy& policy = one.held->policy;
    bool fetched_again = one.in_use && one.refresh < one.held->expires;
    json["mode"] = dns::StsModeName(policy.mode);
    json["id"] = one.held->id;
    json["mx"] = policy.mx;
    json["max_age_seconds"] = policy.max_age_seconds;
    json["fetched"] = FormatRfc3339(one.fetched);
    json["expires"] = FormatRfc3339(one.held->expires);
    json["next_fetch"] = fetched_again ? Json(FormatRfc3339(one.refresh)) : Json(nullptr);
    json["last_used"] = FormatRfc3339(one.used);
  }
  json["failure"] = FailureJson(one.failure);
  return json;
}

}  // namespace

std::variant<StsRequest, ControlError> ParseStsRequest(identity::Json members) {
  members.erase("command");
  StsRequest request;
  std::string domain;
  identity::RecordReader reader(members, "the request");
  reader.Text("domain", limits::kPathBytesMax, &domain);
  reader.Text("after", limits::kControlKeyBytesMax, &request.after);
  reader.Number("limit", limits::kControlListEntriesMax, &request.limit);
  request.domain = smtp::DomainKey(domain);
  if (!domain.empty() && request.domain.empty()) reader.Fail("domain", "is no domain");
  if (request.limit == 0) reader.Fail("limit", "is at least 1");
  Status status = reader.Finish();
  if (!status.ok()) return ControlError{"bad_request", std::string(MessageOf(status)), ""};
  return request;
}

identity::Json StsAnswer(const StsRequest& request,
                         const std::vector<http::StsPolicyStatus>& policies) {
  if (!request.domain.empty() && policies.empty()) {
    return ErrorAnswer({"not_found",
                        "no policy is known of \"" + Printable(request.domain, 64) + "\"",
                        "it is asked for when mail goes there"});
  }
  Json shown = Json::array();
  size_t bytes = 0;
  for (const http::StsPolicyStatus& one : policies) {
    if (shown.size() == request.limit || bytes > kPageBytes) break;
    if (one.held) {
      for (const std::string& pattern : one.held->policy.mx) bytes += pattern.size();
    }
    shown.push_back(PolicyJson(one));
  }
  Json answer = OkAnswer();
  if (shown.size() < policies.size()) answer["next"] = policies[shown.size() - 1].domain;
  answer["policies"] = std::move(shown);
  return answer;
}

}  // namespace ringpost::app
