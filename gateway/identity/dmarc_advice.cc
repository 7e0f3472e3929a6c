#include "gateway/identity/dmarc_advice.h"

#include <algorithm>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/dns/name.h"

namespace ringpost::identity {
namespace {

constexpr std::string_view kPolicyBelow = "_dmarc";
// RFC 9989 section 4.10: of a longer name, labels in its middle are skipped.
constexpr size_t kWalkLabels = 8;

struct Policy {
  std::string request;            // p: "none", "quarantine", "reject"; empty: none of these
  std::string request_for_below;  // sp
  bool strict_spf = false;        // aspf=s
};

// The value of a tag ("tag=value; ..."), trimmed, in lower case; the first one counts.
std::string TagOf(std::string_view record, std::string_view tag) {
  while (!record.empty()) {
    std::string_view part = record.substr(0, record.find(';'));
    record.remove_prefix(std::min(part.size() + 1, record.size()));
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (EqualsIgnoreCase(TrimSpace(part.substr(0, equals)), tag)) {
      return ToLower(TrimSpace(part.substr(equals + 1)));
    }
  }
  return "";
}

// Section 4.7: a record begins with exactly this tag.
bool IsPolicy(std::string_view text) {
  std::string_view first = text.substr(0, text.find(';'));
  size_t equals = first.find('=');
  return equals != std::string_view::npos && TrimSpace(first.substr(0, equals)) == "v" &&
         TrimSpace(first.substr(equals + 1)) == "DMARC1";
}

std::string RequestOf(std::string_view record, std::string_view tag) {
  std::string value = TagOf(record, tag);
  return value == "none" || value == "quarantine" || value == "reject" ? value : "";
}

Policy ReadPolicy(std::string_view record) {
  return {RequestOf(record, "p"), RequestOf(record, "sp"), TagOf(record, "aspf") == "s"};
}

std::vector<std::string> AdviceOf(std::string_view domain, const dns::Answer& answer,
                                  const std::string& record) {
  Policy policy = ReadPolicy(record);
  std::vector<std::string> words;
  bool above = answer.question.name != dns::JoinNames(kPolicyBelow, domain);
  const std::string& request =
      above && !policy.request_for_below.empty() ? policy.request_for_below : policy.request;
  if (request.empty()) {
    words.push_back("the DMARC record of " + answer.question.name +
                    " has no p that is none, quarantine or reject, and counts as p=none");
  }
  if (policy.strict_spf) {
    words.push_back("the DMARC record of " + answer.question.name + " has aspf=s: mail of " +
                    std::string(domain) +
                    " is aligned by DKIM alone, since its return path is a name below it");
  }
  return words;
}

}  // namespace

std::vector<dns::Question> DmarcQuestions(std::string_view domain) {
  std::vector<dns::Question> questions;
  while (!domain.empty() && questions.size() < kWalkLabels) {
    questions.push_back({dns::JoinNames(kPolicyBelow, domain), dns::RecordType::kTxt});
    size_t labels = 1 + static_cast<size_t>(std::count(domain.begin(), domain.end(), '.'));
    // One label less, of a long name as many as leave seven.
    for (size_t drop = std::max<size_t>(labels, kWalkLabels) - kWalkLabels + 1; drop > 0; --drop) {
      size_t dot = domain.find('.');
      domain.remove_prefix(dot == std::string_view::npos ? domain.size() : dot + 1);
    }
  }
  return questions;
}

std::vector<std::string> DmarcAdvice(std::string_view domain,
                                     std::span<const dns::Answer> answers) {
  for (const dns::Answer& answer : answers) {
    if (!answer.known()) {
      return {"whether there is a DMARC policy cannot be said: the DNS of " + answer.question.name +
              " does not answer (" + answer.words + ")"};
    }
    std::vector<std::string> found;
    for (const dns::Record& record : answer.records) {
      if (IsPolicy(record.value)) found.push_back(record.value);
    }
    if (found.size() > 1) {
      return {answer.question.name + " has " + std::to_string(found.size()) +
              " DMARC records, and has to have one: several count as none"};
    }
    if (found.size() == 1) return AdviceOf(domain, answer, found[0]);
  }
  return {
      "there is no DMARC policy: mailbox providers ask for one, at least the TXT record "
      "\"v=DMARC1; p=none\" at " +
      dns::JoinNames(kPolicyBelow, domain)};
}

}  // namespace ringpost::identity
