#include "gateway/dns/dane_lookup.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"
#include "gateway/dns/tlsa.h"

namespace ringpost::dns {
namespace {

using Outcome = TlsaSet::Outcome;

bool IsSecure(const Answer& answer) {
  return answer.known() && answer.security == Answer::Security::kSecure;
}
bool HasRecords(const Answer& answer) { return answer.outcome == Answer::Outcome::kRecords; }

// Where the TLSA records of a base domain are (RFC 6698 section 3); empty: nowhere, since it is no
// name that can be asked for.
std::string TlsaName(const std::string& base, uint16_t port) {
  std::string name = "_" + std::to_string(port) + "._tcp." + base;
  return IsHostName(base) && IsName(name) ? name : "";
}

}  // namespace

DaneLookup::DaneLookup(Target target, const Answer& a, const Answer& aaaa)
    : target_(std::move(target)) {
  Start(a, aaaa);
}

void DaneLookup::Start(const Answer& a, const Answer& aaaa) {
  for (const Answer* answer : {&a, &aaaa}) {
    if (answer->known() && HasRecords(*answer)) Lives(answer->ttl_seconds);
  }
  if (!HasRecords(a) && !HasRecords(aaaa)) {
    // Which of them failed, if one did, might have had an address.
    if (!a.known() || !aaaa.known()) return Fail(a.known() ? aaaa : a);
    bool secure = IsSecure(a) && IsSecure(aaaa);
    return Finish(secure ? Outcome::kNone : Outcome::kNotUsed, "the host has no address");
  }
  if (IsSecure(a) || IsSecure(aaaa)) {
    const Answer& secure = IsSecure(a) && (HasRecords(a) || !IsSecure(aaaa)) ? a : aaaa;
    if (!secure.aliases.empty()) bases_.push_back(secure.aliases.back().target);
    bases_.push_back(target_.host);
    return AskForRecords();
  }
  bool alias = (a.known() && !a.aliases.empty()) || (aaaa.known() && !aaaa.aliases.empty());
  if (!alias) return Finish(Outcome::kNotUsed, "the host's addresses are not signed");
  Ask(target_.host, RecordType::kCname);
}

void DaneLookup::Ask(std::string name, RecordType type) {
  question_ = {std::move(name), type};
  asking_ = true;
}

// Of the next name that may have some.
void DaneLookup::AskForRecords() {
  while (!bases_.empty()) {
    base_ = std::move(bases_.front());
    bases_.erase(bases_.begin());
    std::string name = TlsaName(base_, target_.port);
    if (!name.empty()) return Ask(std::move(name), RecordType::kTlsa);
  }
  if (found_.words.empty()) Finish(Outcome::kNone, "no TLSA record can be below the host's name");
}

void DaneLookup::Take(const Answer& answer) {
  RP_CHECK(asking_ && answer.question == question_);
  asking_ = false;
  if (!answer.known() || answer.security == Answer::Security::kBogus) return Fail(answer);
  question_.type == RecordType::kCname ? TakeAlias(answer) : TakeRecords(answer);
}

// RFC 7672 section 2.2.2: the host's own name is signed, though what it is an alias of is not.
void DaneLookup::TakeAlias(const Answer& answer) {
  if (!IsSecure(answer)) return Finish(Outcome::kNotUsed, "the host's alias is not signed");
  if (!HasRecords(answer)) {
    found_.failure = Answer::Failure::kServfail;
    return Finish(Outcome::kFailure, "the host's answers disagree on whether it is an alias");
  }
  Lives(answer.ttl_seconds);
  bases_ = {target_.host};
  AskForRecords();
}

void DaneLookup::TakeRecords(const Answer& answer) {
  if (!IsSecure(answer) || !HasRecords(answer)) {
    IsSecure(answer) ? Finish(Outcome::kNone, "the host has no TLSA records")
                     : Finish(Outcome::kNotUsed, "the host's TLSA records are not signed");
    return AskForRecords();
  }
  Lives(answer.ttl_seconds);
  found_.base_domain = base_;
  UsableTlsa usable = ReadUsableTlsa(answer.records);
  if (usable.records.empty()) {
    return Finish(Outcome::kUnusable, "no TLSA record of the host can be used: " + usable.words);
  }
  auto policy = std::make_shared<DanePolicy>();
  policy->base_domain = base_;
  policy->records = std::move(usable.records);
  policy->names = {base_};
  for (const std::string& next_hop : target_.next_hops) {
    std::string name = CanonicalName(next_hop);
    bool known = std::find(policy->names.begin(), policy->names.end(), name) != policy->names.end();
    if (IsHostName(name) && !known) policy->names.push_back(std::move(name));
  }
  found_.policy = std::move(policy);
  Finish(Outcome::kUsable, "");
}

void DaneLookup::Lives(uint32_t ttl_seconds) { ttl_seconds_ = std::min(ttl_seconds_, ttl_seconds); }

void DaneLookup::Finish(Outcome outcome, std::string words) {
  found_.outcome = outcome;
  found_.words = std::move(words);
  // How long absence may be believed is in the zone's SOA, which is not read: the least.
  bool records = outcome == Outcome::kUsable || outcome == Outcome::kUnusable;
  found_.ttl_seconds = records ? std::clamp(ttl_seconds_, limits::kDaneTtlMin, limits::kDaneTtlMax)
                               : limits::kDaneTtlMin;
}

void DaneLookup::Fail(const Answer& answer) {
  found_.failure =
      answer.failure == Answer::Failure::kNone ? Answer::Failure::kBogus : answer.failure;
  std::string what = TypeName(answer.question.type) + " of " +
                     Printable(answer.question.name, limits::kNameBytesMax);
  Finish(Outcome::kFailure, what + ": " + answer.words);
}

}  // namespace ringpost::dns
