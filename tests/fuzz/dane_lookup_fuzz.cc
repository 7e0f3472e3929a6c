// The DNS of a hostile domain, asked whether DANE holds for its host: the answers are any messages,
// each of any security. Whatever comes of it follows from a secure answer, few questions are asked,
// and the records that are gone by are those that RFC 7671 has a client go by.
//
// Input: one byte, whose bits say which answers are secure; then each answer as its length (2
// bytes) and a message. In order: A, AAAA, and what is asked then.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/dns/dane_lookup.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"
#include "gateway/dns/tlsa.h"

namespace ringpost::dns {
namespace {

using Outcome = TlsaSet::Outcome;
constexpr std::string_view kHost = "mx.example";

class Answers {
 public:
  explicit Answers(std::string_view data) : rest_(data) {
    if (rest_.empty()) return;
    secure_ = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
  }

  Answer Next(const Question& question) {
    if (rest_.size() < 2)
      return FailedAnswer(question, "there is no more", Answer::Failure::kTimeout);
    size_t bytes = std::min<size_t>(ReadU16(rest_, 0), rest_.size() - 2);
    Answer answer = ReadAnswer(question, rest_.substr(2, bytes));
    rest_.remove_prefix(2 + bytes);
    if (answer.known() && (secure_ >> count_ & 1) != 0) answer.security = Answer::Security::kSecure;
    ++count_;
    return answer;
  }

 private:
  std::string_view rest_;
  unsigned secure_ = 0, count_ = 0;
};

bool IsSecure(const Answer& answer) { return answer.security == Answer::Security::kSecure; }

// What a client goes by, said another way than in tlsa.cc.
std::set<TlsaRecord> Expected(const Answer& answer) {
  std::set<TlsaRecord> usable;
  for (const Record& record : answer.records) {
    TlsaRecord tlsa;
    if (ReadTlsa(record.value, &tlsa) && WhyTlsaUnusable(tlsa).empty()) usable.insert(tlsa);
  }
  std::set<TlsaRecord> expected;
  for (const TlsaRecord& one : usable) {
    int strongest = 0;
    for (const TlsaRecord& other : usable) {
      bool alike = other.usage == one.usage && other.selector == one.selector;
      if (alike) strongest = std::max<int>(strongest, other.matching_type);
    }
    if (one.matching_type == 0 || one.matching_type == strongest) expected.insert(one);
  }
  return expected;
}

void CheckRecords(const TlsaSet& found, const Answer& answer) {
  std::set<TlsaRecord> expected = Expected(answer);
  RP_CHECK((found.outcome == Outcome::kUsable) == !expected.empty());
  if (expected.empty()) return;
  const std::vector<TlsaRecord>& records = found.policy->records;
  RP_CHECK(records.size() == std::min(expected.size(), limits::kTlsaRecordsMax));
  for (const TlsaRecord& record : records) {
    RP_CHECK(expected.erase(record) == 1);
    RP_CHECK(record.usage == TlsaRecord::kDaneTa || record.usage == TlsaRecord::kDaneEe);
    RP_CHECK(record.matching_type != TlsaRecord::kSha256 || record.data.size() == 32);
    RP_CHECK(record.matching_type != TlsaRecord::kSha512 || record.data.size() == 64);
    RP_CHECK(record.data.size() <= limits::kTlsaDataBytesMax);
  }
  RP_CHECK(found.policy->base_domain == found.base_domain);
  RP_CHECK(found.policy->names.front() == found.base_domain && found.policy->names.size() <= 3);
}

void CheckFound(const TlsaSet& found, const std::vector<Answer>& answers) {
  RP_CHECK((found.policy != nullptr) == (found.outcome == Outcome::kUsable));
  RP_CHECK(found.words.empty() == (found.outcome == Outcome::kUsable));
  RP_CHECK((found.failure != Answer::Failure::kNone) == (found.outcome == Outcome::kFailure));
  RP_CHECK(found.ttl_seconds >= limits::kDaneTtlMin && found.ttl_seconds <= limits::kDaneTtlMax);
  bool there = found.outcome == Outcome::kUsable || found.outcome == Outcome::kUnusable;
  RP_CHECK(there == !found.base_domain.empty());
  const Answer& last = answers.back();
  bool asked = answers.size() > 2;
  if (!last.known() && asked) RP_CHECK(found.outcome == Outcome::kFailure);
  if (there) {
    RP_CHECK(asked && IsSecure(last) && last.question.type == RecordType::kTlsa);
    RP_CHECK(last.question.name == "_25._tcp." + found.base_domain);
    CheckRecords(found, last);
  } else if (asked && found.outcome != Outcome::kFailure) {
    // A lack is proven, or what is there is not.
    RP_CHECK((found.outcome == Outcome::kNone) == IsSecure(last));
    RP_CHECK(last.records.empty() || !IsSecure(last));
  }
  // Nobody whose addresses are not signed is asked for TLSA, but for a signed alias's sake.
  if (asked && !IsSecure(answers[0]) && !IsSecure(answers[1])) {
    RP_CHECK(answers[2].question.type == RecordType::kCname);
    RP_CHECK(answers.size() == 3 || IsSecure(answers[2]));
  }
}

}  // namespace
}  // namespace ringpost::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::dns;
  Answers source({reinterpret_cast<const char*>(data), size});
  std::vector<Answer> answers;
  const std::string host(kHost);
  answers.push_back(source.Next({host, RecordType::kA}));
  answers.push_back(source.Next({host, RecordType::kAaaa}));
  DaneLookup lookup({host, 25, {"example", "other.example"}}, answers[0], answers[1]);
  while (const Question* question = lookup.next()) {
    RP_CHECK(answers.size() < 2 + limits::kDaneQuestionsMax);
    RP_CHECK(IsName(question->name) && CanonicalName(question->name) == question->name);
    answers.push_back(source.Next(*question));
    lookup.Take(answers.back());
  }
  CheckFound(lookup.found(), answers);
  return 0;
}
