#include "gateway/identity/domain_check.h"

#include <gtest/gtest.h>

#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::identity {
namespace {

using dns::Answer;
using dns::RecordType;

const WallTime kStart = WallFromMillis(1'764'000'000'000);
const Seconds kSoon(limits::kDomainCheckSeconds);
const Seconds kLater(limits::kDomainRecheckSeconds);

class DomainCheckTest : public testing::Test {
 protected:
  void SetUp() override { Reset(false); }
  void Reset(bool ed25519) {
    domain_ = *NewSenderDomain("customer.example", 1, ed25519, kStart);
    keys_.clear();
    for (size_t i = 0; i < domain_.slots.size(); ++i) {
      KeyGenerated(&domain_, i, kStart);
      keys_.push_back("v=DKIM1; p=key" + std::to_string(i));
    }
    AllRight();
  }
  // As it should be.
  void AllRight() {
    answers_.clear();
    for (const RecordToPublish& record : RecordsToPublish(domain_, "gw.example")) {
      Answer alias;
      alias.question = {record.owner, RecordType::kCname};
      alias.outcome = Answer::Outcome::kRecords;
      alias.aliases = {{record.owner, record.value}};
      alias.records = {{record.owner, RecordType::kCname, 60, 0, record.value}};
      answers_.push_back(alias);
      Answer behind = alias;
      RecordType type = record.slot < 0 ? RecordType::kMx : RecordType::kTxt;
      behind.question.type = type;
      behind.records = {
          {record.value, type, 60, 0, record.slot < 0 ? "mx.gw.example" : keys_[record.slot]}};
      answers_.push_back(behind);
    }
  }
  void Missing(size_t record) {
    for (size_t i : {2 * record, 2 * record + 1}) {
      answers_[i].outcome = Answer::Outcome::kNoName;
      answers_[i].aliases.clear();
      answers_[i].records.clear();
    }
  }
  void Elsewhere(size_t record, std::string target) {
    for (size_t i : {2 * record, 2 * record + 1}) {
      answers_[i].aliases = {{answers_[i].question.name, target}};
      answers_[i].records.clear();
    }
    answers_[2 * record + 1].outcome = Answer::Outcome::kNoName;
  }
  void Failed(size_t answer, std::string words = "SERVFAIL") {
    answers_[answer] = dns::FailedAnswer(answers_[answer].question, words);
  }
  DomainVerdict Look() {
    now_ += Seconds(60);
    DomainVerdict verdict = JudgeDomain(domain_, "gw.example", keys_, answers_, now_);
    EXPECT_EQ(verdict.domain.last_check, now_);
    EXPECT_EQ(verdict.state_changed, verdict.domain.dns != domain_.dns);
    EXPECT_EQ(verdict.domain.dns_since == now_, verdict.state_changed);
    domain_ = verdict.domain;
    EXPECT_TRUE(CheckSenderDomain(domain_).ok());
    return verdict;
  }
  void ExpectWords(std::vector<std::string> parts) {
    EXPECT_EQ(domain_.words.size(), parts.size()) << testing::PrintToString(domain_.words);
    for (size_t i = 0; i < parts.size() && i < domain_.words.size(); ++i) {
      EXPECT_NE(domain_.words[i].find(parts[i]), std::string::npos) << domain_.words[i];
    }
  }
  std::string Owner(size_t record) { return answers_[2 * record].question.name; }

  SenderDomain domain_;
  std::vector<std::string> keys_;
  std::vector<Answer> answers_;
  WallTime now_ = kStart;
};

TEST_F(DomainCheckTest, AsksForEachAliasAndWhatIsBehindIt) {
  std::vector<dns::Question> questions = DomainQuestions(domain_, "gw.example");
  ASSERT_EQ(questions.size(), 6u);
  EXPECT_EQ(questions[0], (dns::Question{ReturnPathName(domain_), RecordType::kCname}));
  EXPECT_EQ(questions[1], (dns::Question{ReturnPathName(domain_), RecordType::kMx}));
  EXPECT_EQ(questions[5],
            (dns::Question{SelectorName(domain_, domain_.slots[1]), RecordType::kTxt}));
}

TEST_F(DomainCheckTest, PendingVerifiedBrokenAndBack) {
  Missing(1);
  EXPECT_FALSE(Look().state_changed);
  EXPECT_EQ(domain_.next_check, now_ + kSoon);
  AllRight();
  DomainVerdict verdict = Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  EXPECT_EQ(domain_.next_check, now_ + kLater);
  EXPECT_EQ(verdict.sights, (std::vector<KeySight>{KeySight::kSeen, KeySight::kSeen}));
  ExpectWords({});
  Missing(2);
  verdict = Look();
  EXPECT_EQ(domain_.dns, DnsState::kBroken);
  EXPECT_EQ(domain_.next_check, now_ + kSoon);
  EXPECT_EQ(verdict.sights, (std::vector<KeySight>{KeySight::kSeen, KeySight::kNotSeen}));
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kBroken);
  EXPECT_LT(domain_.dns_since, now_);
  AllRight();
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
}

TEST_F(DomainCheckTest, SaysExactlyWhatIsWrong) {
  Elsewhere(0, "x.example");
  Missing(1);
  Missing(2);
  answers_[5].outcome = Answer::Outcome::kRecords;  // a TXT record of its own
  answers_[5].records = {{Owner(2), RecordType::kTxt, 60, 0, keys_[1]}};
  Look();
  std::string wanted = KeyTarget(domain_.slots[0], "gw.example");
  ExpectWords({Owner(0) + " is a CNAME to x.example, and has to be one to " +
                   ReturnPathTarget(domain_, "gw.example"),
               Owner(1) + " has no record, and has to be a CNAME to " + wanted +
                   " (a form that adds the domain by itself wants the name \"" +
                   domain_.slots[0].selector + "._domainkey\")",
               Owner(2) + " has a TXT record of its own, and has to be a CNAME to "});
}

TEST_F(DomainCheckTest, BrokenDnsChangesNothing) {
  for (DnsState state : {DnsState::kPending, DnsState::kVerified, DnsState::kBroken}) {
    domain_.dns = state;
    AllRight();
    for (size_t i = 0; i < answers_.size(); ++i) Failed(i, "no answer within 15 s");
    DomainVerdict verdict = Look();
    EXPECT_EQ(domain_.dns, state);
    EXPECT_EQ(domain_.next_check, now_ + kSoon);
    EXPECT_EQ(verdict.sights, (std::vector<KeySight>{KeySight::kUnknown, KeySight::kUnknown}));
    ExpectWords({"the DNS of " + Owner(0) + " does not answer (no answer within 15 s): nothing is",
                 "nothing is changed", "nothing is changed"});
  }
  // One failure beside right ones is none either.
  domain_.dns = DnsState::kVerified;
  AllRight();
  Failed(0);
  Failed(1);
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  domain_.dns = DnsState::kPending;
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kPending);
}

TEST_F(DomainCheckTest, BogusCountsAsNoAnswer) {
  domain_.dns = DnsState::kVerified;
  for (size_t i : {2, 3}) {
    Failed(i, "signature expired");
    answers_[i].security = Answer::Security::kBogus;
  }
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  ExpectWords({"the answer for " + Owner(1) +
               " does not validate (DNSSEC), and counts as none "
               "(signature expired): nothing is changed"});
}

TEST_F(DomainCheckTest, AnAliasMayTakeMoreSteps) {
  std::string ours = answers_[0].aliases[0].target;
  answers_[0].aliases[0].target = "step.customer.example";
  answers_[1].aliases = {{Owner(0), "step.customer.example"}, {"step.customer.example", ours}};
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  Failed(1);  // now nobody can see the second step
  Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  ExpectWords({"does not answer"});
}

TEST_F(DomainCheckTest, TheOperatorsZoneIsAnotherMatter) {
  answers_[1].outcome = Answer::Outcome::kNoName;
  answers_[1].records.clear();
  answers_[3].records[0].value = "v=DKIM1; p=old";
  answers_[5].records.clear();
  DomainVerdict verdict = Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  EXPECT_EQ(verdict.sights, (std::vector<KeySight>{KeySight::kNotSeen, KeySight::kNotSeen}));
  EXPECT_EQ(domain_.next_check, now_ + kSoon);
  ExpectWords({"the operator's zone does not have", "the operator's zone has another key",
               "the operator's zone has no key"});
}

TEST_F(DomainCheckTest, Ed25519IsNotRequired) {
  Reset(true);
  Missing(3);
  Missing(4);
  DomainVerdict verdict = Look();
  EXPECT_EQ(domain_.dns, DnsState::kVerified);
  EXPECT_EQ(domain_.next_check, now_ + kLater);
  ExpectWords({"no Ed25519 signature", "no Ed25519 signature"});
  EXPECT_EQ(verdict.sights[2], KeySight::kNotSeen);
}

}  // namespace
}  // namespace ringpost::identity
