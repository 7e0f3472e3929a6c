#include "gateway/identity/domain_check.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::identity {
namespace {

using dns::Answer;
using dns::RecordType;

constexpr size_t kQuestionsPerRecord = 2;

enum class Found { kRight, kWrong, kUnknown };

struct Finding {
  Found alias = Found::kUnknown;
  std::string words;  // of what is not right; empty: all is
};

RecordType BehindAlias(const RecordToPublish& record) {
  return record.slot < 0 ? RecordType::kMx : RecordType::kTxt;
}

// The name as a form at a DNS provider wants it, without the domain.
std::string WithoutDomain(std::string_view owner, std::string_view domain) {
  return std::string(owner.substr(0, owner.size() - domain.size() - 1));
}

bool PassesBy(const Answer& answer, const std::string& name) {
  return std::any_of(answer.aliases.begin(), answer.aliases.end(),
                     [&name](const dns::Alias& alias) { return alias.target == name; });
}

std::string Unanswered(const Answer& answer) {
  std::string what = answer.security == Answer::Security::kBogus
                         ? "the answer for " + answer.question.name +
                               " does not validate (DNSSEC), and counts as none"
                         : "the DNS of " + answer.question.name + " does not answer";
  return what + " (" + answer.words + "): nothing is changed";
}

// There is no alias, and DNS is sure of it.
std::string MissingAlias(const RecordToPublish& record, const Answer& behind,
                         std::string_view domain) {
  std::string wanted = "a CNAME to " + record.value;
  if (behind.outcome == Answer::Outcome::kRecords) {
    return record.owner + " has a " + TypeName(behind.question.type) +
           " record of its own, and has to be " + wanted +
           " (where the DNS provider offers to flatten or proxy it, that has to be off)";
  }
  return record.owner + " has no record, and has to be " + wanted +
         " (a form that adds the domain by itself wants the name \"" +
         WithoutDomain(record.owner, domain) + "\")";
}

// Whether the alias leads where it should.
Finding JudgeAlias(const RecordToPublish& record, const Answer& alias, const Answer& behind,
                   std::string_view domain) {
  if (PassesBy(alias, record.value) || PassesBy(behind, record.value)) return {Found::kRight, ""};
  if (!alias.known()) return {Found::kUnknown, Unanswered(alias)};
  if (alias.aliases.empty()) {
    return {Found::kWrong, MissingAlias(record, behind, domain)};
  }
  std::string target = alias.aliases[0].target;
  std::string leads = record.owner + " is a CNAME to " + (target.empty() ? "the root" : target);
  if (!behind.known()) {
    // It could get to ours in another step, which nobody can see now.
    return {Found::kUnknown, leads + ", not to " + record.value +
                                 ", and where that leads cannot be seen: " + Unanswered(behind)};
  }
  return {Found::kWrong, leads + ", and has to be one to " + record.value};
}

KeySight SightOf(const Answer& behind, const std::string& key_text) {
  if (!behind.known()) return KeySight::kUnknown;
  bool seen =
      !key_text.empty() && behind.records.size() == 1 && behind.records[0].value == key_text;
  return seen ? KeySight::kSeen : KeySight::kNotSeen;
}

// The alias is right: is what we publish behind it? If not, that is ours to mend.
std::string JudgeBehind(const RecordToPublish& record, const SenderDomain& domain,
                        const Answer& behind, KeySight sight) {
  if (!behind.known()) return Unanswered(behind);
  if (record.slot < 0) {
    if (behind.outcome == Answer::Outcome::kRecords) return "";
    return record.owner + " is right, and the operator's zone does not have " + record.value +
           " yet: bounces have no way back";
  }
  if (sight == KeySight::kSeen || domain.slots[record.slot].state == KeyState::kNone) return "";
  return record.owner + " is right, and the operator's zone has " +
         (behind.records.empty() ? "no key" : "another key") + " at " + record.value;
}

// Sees all records, then says what that makes of the domain.
class Judge {
 public:
  Judge(const SenderDomain& domain, WallTime now) : now_(now) {
    verdict_.domain = domain;
    verdict_.sights.assign(domain.slots.size(), KeySight::kUnknown);
    verdict_.domain.words.clear();
    verdict_.domain.last_check = now;
  }

  void See(const RecordToPublish& record, const Answer& alias, const Answer& behind,
           const std::string& key_text) {
    const SenderDomain& domain = verdict_.domain;
    Finding finding = JudgeAlias(record, alias, behind, domain.name);
    if (finding.alias == Found::kRight) {
      KeySight sight = record.slot < 0 ? KeySight::kUnknown : SightOf(behind, key_text);
      if (record.slot >= 0) verdict_.sights[record.slot] = sight;
      finding.words = JudgeBehind(record, domain, behind, sight);
    } else if (finding.alias == Found::kWrong && record.slot >= 0) {
      verdict_.sights[record.slot] = KeySight::kNotSeen;
    }
    soon_ |= !finding.words.empty() && (record.required || finding.alias != Found::kWrong);
    if (record.required) {
      wrong_ |= finding.alias == Found::kWrong;
      unknown_ |= finding.alias == Found::kUnknown;
    } else if (finding.alias == Found::kWrong) {
      finding.words += "; until then mail has no Ed25519 signature, and an RSA one as ever";
    }
    AddSentence(std::move(finding.words), &verdict_.domain.words);
  }

  DomainVerdict Done() && {
    SenderDomain& domain = verdict_.domain;
    DnsState next = domain.dns;
    if (wrong_ && domain.dns == DnsState::kVerified) next = DnsState::kBroken;
    if (!wrong_ && !unknown_) next = DnsState::kVerified;
    if (next != domain.dns) {
      domain.dns = next;
      domain.dns_since = now_;
      verdict_.state_changed = true;
    }
    bool settled = domain.dns == DnsState::kVerified && !soon_;
    domain.next_check =
        now_ + Seconds(settled ? limits::kDomainRecheckSeconds : limits::kDomainCheckSeconds);
    return std::move(verdict_);
  }

 private:
  DomainVerdict verdict_;
  const WallTime now_;
  bool wrong_ = false;
  bool unknown_ = false;
  bool soon_ = false;  // it is worth looking again soon
};

}  // namespace

std::vector<dns::Question> DomainQuestions(const SenderDomain& domain,
                                           std::string_view operator_zone) {
  std::vector<dns::Question> questions;
  for (const RecordToPublish& record : RecordsToPublish(domain, operator_zone)) {
    questions.push_back({record.owner, RecordType::kCname});
    questions.push_back({record.owner, BehindAlias(record)});
  }
  return questions;
}

DomainVerdict JudgeDomain(const SenderDomain& domain, std::string_view operator_zone,
                          std::span<const std::string> key_texts,
                          std::span<const dns::Answer> answers, WallTime now) {
  std::vector<RecordToPublish> records = RecordsToPublish(domain, operator_zone);
  RP_CHECK(answers.size() == records.size() * kQuestionsPerRecord);
  RP_CHECK(key_texts.size() == domain.slots.size());
  Judge judge(domain, now);
  for (size_t i = 0; i < records.size(); ++i) {
    const RecordToPublish& record = records[i];
    judge.See(record, answers[i * kQuestionsPerRecord], answers[i * kQuestionsPerRecord + 1],
              record.slot < 0 ? std::string() : key_texts[record.slot]);
  }
  return std::move(judge).Done();
}

}  // namespace ringpost::identity
