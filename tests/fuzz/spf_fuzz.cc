// SPF records of anybody: each line is the TXT record of one name, which others may lead to. A
// check ends, whatever they lead to, asks only names that are such, no more of them than ten
// lookups may, and says what is wrong where something is. What includes a record, or leads to it,
// says of it what RFC 7208 has; and a network has the addresses that it has.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/dns/name.h"
#include "gateway/identity/spf_check.h"

namespace ringpost::identity {
namespace {

constexpr int kRoundsMax = 40;  // ten lookups, of which mx has two steps each
constexpr int kLookupsMax = 10;
constexpr std::string_view kIncludes = "includes.example", kRedirects = "redirects.example";

// Names are "0.example", "1.example", ...: the lines, from the first on.
dns::Answer AnswerOf(const dns::Question& question, std::string_view lines) {
  RP_CHECK(dns::IsName(question.name) && dns::CanonicalName(question.name) == question.name);
  dns::Answer answer;
  answer.question = question;
  answer.outcome = dns::Answer::Outcome::kNoName;
  int number = question.name.size() == 9 && question.name.ends_with(".example")
                   ? question.name[0] - '0'
                   : -1;
  if (question.name == kIncludes || question.name == kRedirects) {
    const char* record =
        question.name == kIncludes ? "v=spf1 include:0.example -all" : "v=spf1 redirect=0.example";
    answer.outcome = dns::Answer::Outcome::kRecords;
    answer.records.push_back({question.name, question.type, 60, 0, record});
  }
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

SpfVerdict VerdictOf(const IpAddress& address, std::string_view name, std::string_view lines) {
  dns::KnownAnswers known;
  int texts = -1, exchanges = 0, hosts = 0;  // the first text is no lookup
  for (int round = 0;; ++round) {
    RP_CHECK(round < kRoundsMax);
    SpfVerdict verdict = CheckSpf(address, std::string(name), &known);
    auto wanted = known.TakeWanted();
    bool error = verdict.result == SpfResult::kPermError || verdict.result == SpfResult::kTempError;
    RP_CHECK(verdict.words.empty() != error);
    if (wanted.empty()) return verdict;
    for (const dns::Question& question : wanted) {
      known.Add(AnswerOf(question, lines));
      texts += question.type == dns::RecordType::kTxt;
      exchanges += question.type == dns::RecordType::kMx;
      hosts += question.type == dns::RecordType::kA || question.type == dns::RecordType::kAaaa;
    }
    // Each text, and each host, is another lookup's: an mx has one exchange here.
    RP_CHECK(texts + exchanges <= kLookupsMax && texts + hosts <= kLookupsMax);
  }
}

// Sections 5.2 and 6.1. One lookup more may be one too many.
void Check(const IpAddress& address, std::string_view lines) {
  using enum SpfResult;
  SpfVerdict own = VerdictOf(address, "0.example", lines);
  SpfResult redirected = own.result == kNone ? kPermError : own.result;
  SpfResult included = redirected == kSoftFail || redirected == kNeutral ? kFail : redirected;
  for (auto [name, result] : {std::pair(kRedirects, redirected), std::pair(kIncludes, included)}) {
    SpfVerdict verdict = VerdictOf(address, name, lines);
    bool too_many = verdict.words.find("ten lookups") != std::string::npos;
    RP_CHECK(verdict.result == result || (verdict.result == kPermError && too_many));
  }
}

// With one bit turned round, an address is in those networks alone that do not reach to it.
void CheckNetwork(const IpAddress& address, uint8_t bit, uint8_t prefix) {
  const int bits = address.is_v4() ? 32 : 128;
  bit %= bits, prefix %= bits + 1;
  IpAddress other = address;
  other.bytes[(128 - bits + bit) / 8] ^= static_cast<uint8_t>(0x80 >> bit % 8);
  const std::string term = (address.is_v4() ? "ip4:" : "ip6:") + other.ToString();
  const std::string record = "v=spf1 " + term + "/" + std::to_string(prefix) + " -all";
  SpfResult result = VerdictOf(address, "0.example", record).result;
  RP_CHECK(result == (prefix <= bit ? SpfResult::kPass : SpfResult::kFail));
}

}  // namespace
}  // namespace ringpost::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  std::string_view lines(reinterpret_cast<const char*>(data), size);
  for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
    const IpAddress address = *IpAddress::Parse(text);
    identity::Check(address, lines);
    if (size >= 2) identity::CheckNetwork(address, data[0], data[size - 1]);
  }
  return 0;
}
