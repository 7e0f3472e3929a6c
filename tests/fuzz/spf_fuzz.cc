// SPF records of anybody: each line is the TXT record of one name, which others may lead to. A
// check ends, whatever they lead to, asks only names that are such, and says what is wrong where
// something is.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/dns/name.h"
#include "gateway/identity/spf_check.h"

namespace ringpost::identity {
namespace {

constexpr int kRoundsMax = 40;  // ten lookups, of which mx has two steps each

// Names are "0.example", "1.example", ...: the lines, from the first on.
dns::Answer AnswerOf(const dns::Question& question, std::string_view lines) {
  RP_CHECK(dns::IsName(question.name) && dns::CanonicalName(question.name) == question.name);
  dns::Answer answer;
  answer.question = question;
  answer.outcome = dns::Answer::Outcome::kNoName;
  int number = question.name.size() == 9 && question.name.ends_with(".example")
                   ? question.name[0] - '0'
                   : -1;
  for (int line = 0; !lines.empty() && number >= 0; ++line) {
    std::string_view text = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(text.size() + 1, lines.size()));
    if (line != number) continue;
    answer.outcome = dns::Answer::Outcome::kRecords;
    std::string value(text);
    if (question.type == dns::RecordType::kMx) value = question.name;
    if (question.type == dns::RecordType::kA) value = "192.0.2.1";
    if (question.type == dns::RecordType::kAaaa) value = "2001:db8::1";
    answer.records.push_back({question.name, question.type, 60, 0, value});
  }
  return answer;
}

void Check(const IpAddress& address, std::string_view lines) {
  dns::KnownAnswers known;
  for (int round = 0;; ++round) {
    RP_CHECK(round < kRoundsMax);
    SpfVerdict verdict = CheckSpf(address, "0.example", &known);
    auto wanted = known.TakeWanted();
    bool error = verdict.result == SpfResult::kPermError || verdict.result == SpfResult::kTempError;
    RP_CHECK(verdict.words.empty() != error);
    if (wanted.empty()) return;
    for (const dns::Question& question : wanted) known.Add(AnswerOf(question, lines));
  }
}

}  // namespace
}  // namespace ringpost::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  std::string_view lines(reinterpret_cast<const char*>(data), size);
  identity::Check(*IpAddress::Parse("192.0.2.1"), lines);
  identity::Check(*IpAddress::Parse("2001:db8::1"), lines);
  return 0;
}
