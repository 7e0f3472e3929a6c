// MTA-STS of hostile servers: the input is a TXT record's text up to the first zero, and a policy
// behind it. Whatever comes of them is within the bounds, and means the same when it is written and
// read again; no host is let pass that no pattern names.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/mta_sts.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

void ReadText(std::string_view text) {
  Answer answer;
  answer.question = StsRecordQuestion("a.example");
  answer.outcome = Answer::Outcome::kRecords;
  answer.records.push_back({answer.question.name, RecordType::kTxt, 1, 0, std::string(text)});
  StsRecord found = ReadStsRecord(answer);
  RP_CHECK(found.outcome != StsRecord::Outcome::kUnknown);
  bool published = found.outcome == StsRecord::Outcome::kPublished;
  RP_CHECK(published == found.words.empty() && published == !found.id.empty());
  RP_CHECK(found.id.size() <= limits::kStsIdBytesMax);
  if (published) RP_CHECK(text.starts_with("v=STSv1") && text.find(found.id) != text.npos);
  answer.records.push_back({answer.question.name, RecordType::kTxt, 1, 0, "v=STSv1; id=1"});
  found = ReadStsRecord(answer);
  RP_CHECK(!published || found.outcome == StsRecord::Outcome::kAbsent);
}

void CheckPattern(const StsPolicy& policy, std::string_view pattern) {
  bool wild = pattern.starts_with("*.");
  std::string_view base = wild ? pattern.substr(2) : pattern;
  RP_CHECK(IsHostName(base) && CanonicalName(base) == base);
  RP_CHECK(policy.Allows(wild ? "x." + std::string(base) : std::string(base)) ||
           base.size() + 2 > limits::kNameBytesMax);
  const StsPolicy alone{StsMode::kEnforce, {std::string(pattern)}, 1};
  RP_CHECK(alone.Allows(base) == !wild);
  RP_CHECK(!alone.Allows("y.x." + std::string(base)) && !alone.Allows("x" + std::string(base)));
}

void ReadBody(std::string_view body) {
  auto policy = ParseStsPolicy(body);
  if (!policy.ok()) return;
  RP_CHECK(body.size() <= limits::kStsPolicyBytesMax);
  RP_CHECK(policy->max_age_seconds <= limits::kStsMaxAgeSecondsMax);
  RP_CHECK(policy->mx.size() <= limits::kStsPatternsMax);
  RP_CHECK(!policy->mx.empty() || policy->mode == StsMode::kNone);
  for (const std::string& pattern : policy->mx) CheckPattern(*policy, pattern);
  std::string again;
  for (const std::string& line : policy->Lines()) again += line + "\r\n";
  auto read = ParseStsPolicy(again);
  RP_CHECK(read.ok() && *read == *policy);
}

}  // namespace
}  // namespace ringpost::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  size_t zero = std::min(bytes.find('\0'), bytes.size());
  ringpost::dns::ReadText(bytes.substr(0, zero));
  ringpost::dns::ReadBody(bytes.substr(std::min(zero + 1, bytes.size())));
  return 0;
}
