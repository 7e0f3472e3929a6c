// RFC 7672 section 2.2.2 as a table: what is asked for each state of the DNS, and what comes of it.
#include "gateway/dns/dane_lookup.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>

#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {
namespace {

using Outcome = TlsaSet::Outcome;

const std::string kHost = "mx.example", kEnd = "mx.hoster.example";
const std::string kUsable = std::string("\3\1\1", 3) + std::string(32, 'a');
const std::string kPkix = std::string("\1\1\1", 3) + std::string(32, 'a');

// An answer in one word of these:
//   "" no data; "nx" no such name; "rr" an address, the alias, or a usable TLSA record; "bad" a
//   TLSA record that is none for SMTP; "short" one without its fields; "servfail", "timeout",
//   "bogus", "malformed".
// After it: "+" secure, ">" by an alias to kEnd.
Answer Make(const Question& question, std::string word) {
  auto take = [&](char mark) {
    bool there = word.ends_with(mark);
    if (there) word.pop_back();
    return there;
  };
  Answer answer;
  answer.question = question;
  bool alias = take('>');
  if (take('+')) answer.security = Answer::Security::kSecure;
  if (alias) answer.aliases = {{question.name, kEnd}};
  static const std::map<std::string, Answer::Failure> kFailures = {
      {"servfail", Answer::Failure::kServfail},
      {"timeout", Answer::Failure::kTimeout},
      {"bogus", Answer::Failure::kBogus},
      {"malformed", Answer::Failure::kMalformed}};
  if (auto failure = kFailures.find(word); failure != kFailures.end()) {
    return FailedAnswer(question, "because of " + word, failure->second);
  }
  if (word.empty() || word == "nx") {
    answer.outcome = word.empty() ? Answer::Outcome::kNoData : Answer::Outcome::kNoName;
    return answer;
  }
  answer.outcome = Answer::Outcome::kRecords;
  answer.ttl_seconds = 300;
  std::string value = question.type == RecordType::kA       ? "192.0.2.1"
                      : question.type == RecordType::kAaaa  ? "2001:db8::1"
                      : question.type == RecordType::kCname ? kEnd
                      : word == "bad"                       ? kPkix
                      : word == "short"                     ? "\3"
                                                            : kUsable;
  answer.records = {{question.name, question.type, 300, 0, value}};
  return answer;
}

struct Case {
  const char* what;
  const char *a, *aaaa;
  // What is asked, with its answer: "host" the host's TLSA, "end" those of the alias's end,
  // "alias".
  std::vector<std::pair<std::string, std::string>> asked;
  Outcome outcome;
  std::string base = "";
  std::string words = "";  // a part of them
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.what; }

class DaneLookupTableTest : public testing::TestWithParam<Case> {};

TEST_P(DaneLookupTableTest, IsKept) {
  const Case& one = GetParam();
  DaneLookup lookup({kHost, 25, {"example"}}, Make({kHost, RecordType::kA}, one.a),
                    Make({kHost, RecordType::kAaaa}, one.aaaa));
  for (const auto& [what, word] : one.asked) {
    ASSERT_NE(lookup.next(), nullptr) << what;
    Question expected = what == "alias" ? Question{kHost, RecordType::kCname}
                        : what == "end" ? Question{"_25._tcp." + kEnd, RecordType::kTlsa}
                                        : Question{"_25._tcp." + kHost, RecordType::kTlsa};
    ASSERT_EQ(*lookup.next(), expected) << lookup.next()->name;
    lookup.Take(Make(expected, word));
  }
  ASSERT_EQ(lookup.next(), nullptr) << lookup.next()->name;
  const TlsaSet& found = lookup.found();
  EXPECT_EQ(found.outcome, one.outcome) << found.words;
  EXPECT_EQ(found.base_domain, one.base);
  EXPECT_NE(found.words.find(one.words), std::string::npos) << found.words;
  EXPECT_EQ(found.words.empty(), one.outcome == Outcome::kUsable) << found.words;
  EXPECT_EQ(found.failure != Answer::Failure::kNone, one.outcome == Outcome::kFailure);
  EXPECT_EQ(found.known(), one.outcome != Outcome::kFailure);
  ASSERT_EQ(found.policy != nullptr, one.outcome == Outcome::kUsable);
  if (!found.policy) return;
  EXPECT_EQ(found.policy->base_domain, one.base);
  EXPECT_EQ(found.policy->records.size(), 1u);
  EXPECT_EQ(found.policy->names, (std::vector<std::string>{one.base, "example"}));
}

const Case kCases[] = {
    // No alias, by the host's addresses.
    {"insecure", "rr", "rr", {}, Outcome::kNotUsed, "", "not signed"},
    {"insecure_v4_alone", "rr", "", {}, Outcome::kNotUsed},
    {"insecure_v6_alone", "nx", "rr", {}, Outcome::kNotUsed},
    {"insecure_v6_fails", "rr", "servfail", {}, Outcome::kNotUsed},
    {"insecure_v4_fails", "bogus", "rr", {}, Outcome::kNotUsed},
    {"secure", "rr+", "rr+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v4_alone", "rr+", "+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v6_alone", "+", "rr+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v6_fails", "rr+", "servfail", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v4_times_out", "timeout", "rr+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v6_bogus", "rr+", "bogus", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v6_insecure", "rr+", "rr", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_v4_insecure", "rr", "rr+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"secure_absence_beside_insecure", "rr", "+", {{"host", "rr+"}}, Outcome::kUsable, kHost},
    {"both_fail", "servfail", "timeout", {}, Outcome::kFailure, "", "A of mx.example: because"},
    {"both_bogus", "bogus", "bogus", {}, Outcome::kFailure},
    {"v4_fails_v6_absent", "servfail", "+", {}, Outcome::kFailure, "", "of servfail"},
    {"v6_fails_v4_absent", "", "timeout", {}, Outcome::kFailure, "", "AAAA of mx.example"},
    {"v6_malformed_v4_no_name", "nx+", "malformed", {}, Outcome::kFailure},
    {"no_address", "+", "+", {}, Outcome::kNone, "", "no address"},
    {"no_name", "nx+", "nx+", {}, Outcome::kNone, "", "no address"},
    {"no_address_insecure", "", "", {}, Outcome::kNotUsed, "", "no address"},
    {"no_address_half_insecure", "+", "", {}, Outcome::kNotUsed, "", "no address"},
    // No alias, by the TLSA answer.
    {"absent", "rr+", "rr+", {{"host", "+"}}, Outcome::kNone, "", "no TLSA"},
    {"absent_name", "rr+", "rr+", {{"host", "nx+"}}, Outcome::kNone},
    {"absent_insecure", "rr+", "rr+", {{"host", ""}}, Outcome::kNotUsed, "", "not signed"},
    {"absent_name_insecure", "rr+", "rr+", {{"host", "nx"}}, Outcome::kNotUsed},
    {"insecure_records", "rr+", "rr+", {{"host", "rr"}}, Outcome::kNotUsed, "", "not signed"},
    {"insecure_unusable", "rr+", "rr+", {{"host", "bad"}}, Outcome::kNotUsed},
    {"unusable", "rr+", "rr+", {{"host", "bad+"}}, Outcome::kUnusable, kHost, "not for SMTP"},
    {"short_record", "rr+", "rr+", {{"host", "short+"}}, Outcome::kUnusable, kHost, "too short"},
    {"records_by_an_alias", "rr+", "rr+", {{"host", "rr+>"}}, Outcome::kUsable, kHost},
    {"absent_by_an_alias", "rr+", "rr+", {{"host", "+>"}}, Outcome::kNone},
    {"servfail",
     "rr+",
     "rr+",
     {{"host", "servfail"}},
     Outcome::kFailure,
     "",
     "_25._tcp.mx.example"},
    {"timeout", "rr+", "rr+", {{"host", "timeout"}}, Outcome::kFailure, "", "of timeout"},
    {"bogus", "rr+", "rr+", {{"host", "bogus"}}, Outcome::kFailure},
    {"malformed", "rr+", "rr+", {{"host", "malformed"}}, Outcome::kFailure},
    // An alias, secure to its end: that name, then the host's own.
    {"alias_end", "rr+>", "rr+>", {{"end", "rr+"}}, Outcome::kUsable, kEnd},
    {"alias_end_v6_fails", "rr+>", "servfail", {{"end", "rr+"}}, Outcome::kUsable, kEnd},
    {"alias_end_v4_insecure", "rr>", "rr+>", {{"end", "rr+"}}, Outcome::kUsable, kEnd},
    {"alias_end_unusable", "rr+>", "+>", {{"end", "bad+"}}, Outcome::kUnusable, kEnd},
    {"alias_end_fails", "rr+>", "rr+>", {{"end", "servfail"}}, Outcome::kFailure},
    {"alias_end_bogus", "rr+>", "rr+>", {{"end", "bogus"}}, Outcome::kFailure},
    {"alias_host", "rr+>", "+>", {{"end", "+"}, {"host", "rr+"}}, Outcome::kUsable, kHost},
    {"alias_host_of_v6", "nx", "rr+>", {{"end", "nx+"}, {"host", "rr+"}}, Outcome::kUsable, kHost},
    {"alias_insecure_then_host",
     "rr+>",
     "rr+>",
     {{"end", "rr"}, {"host", "rr+"}},
     Outcome::kUsable,
     kHost},
    {"alias_host_unusable",
     "rr+>",
     "+>",
     {{"end", "+"}, {"host", "bad+"}},
     Outcome::kUnusable,
     kHost},
    {"alias_none", "rr+>", "rr+>", {{"end", "+"}, {"host", "+"}}, Outcome::kNone},
    {"alias_host_insecure", "rr+>", "+>", {{"end", "+"}, {"host", "rr"}}, Outcome::kNotUsed},
    {"alias_host_fails", "rr+>", "rr+>", {{"end", "+"}, {"host", "timeout"}}, Outcome::kFailure},
    {"alias_dangling", "nx+>", "nx+>", {}, Outcome::kNone, "", "no address"},
    // An alias whose end is insecure: the host's own name, if the alias is signed.
    {"alias_signed", "rr>", "rr>", {{"alias", "rr+"}, {"host", "rr+"}}, Outcome::kUsable, kHost},
    {"alias_signed_v6_fails",
     "rr>",
     "servfail",
     {{"alias", "rr+"}, {"host", "rr+"}},
     Outcome::kUsable,
     kHost},
    {"alias_signed_v6_alone",
     ">",
     "rr>",
     {{"alias", "rr+"}, {"host", "rr+"}},
     Outcome::kUsable,
     kHost},
    {"alias_signed_unusable",
     "rr>",
     "rr>",
     {{"alias", "rr+"}, {"host", "bad+"}},
     Outcome::kUnusable,
     kHost},
    {"alias_signed_none", "rr>", "rr>", {{"alias", "rr+"}, {"host", "nx+"}}, Outcome::kNone},
    {"alias_signed_insecure", "rr>", "rr>", {{"alias", "rr+"}, {"host", "rr"}}, Outcome::kNotUsed},
    {"alias_signed_fails",
     "rr>",
     "rr>",
     {{"alias", "rr+"}, {"host", "servfail"}},
     Outcome::kFailure},
    {"alias_unsigned",
     "rr>",
     "rr>",
     {{"alias", "rr"}},
     Outcome::kNotUsed,
     "",
     "alias is not signed"},
    {"alias_gone_unsigned", "rr>", "rr>", {{"alias", ""}}, Outcome::kNotUsed},
    {"alias_gone", "rr>", "rr>", {{"alias", "+"}}, Outcome::kFailure, "", "disagree"},
    {"alias_fails", "rr>", "rr>", {{"alias", "servfail"}}, Outcome::kFailure, "", "CNAME of"},
    {"alias_bogus", "rr>", "rr>", {{"alias", "bogus"}}, Outcome::kFailure, "", "of bogus"},
    {"alias_dangling_insecure", "nx>", "nx>", {}, Outcome::kNotUsed, "", "no address"},
};
INSTANTIATE_TEST_SUITE_P(All, DaneLookupTableTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.what); });

DaneLookup Asked(DaneLookup::Target target, const std::string& end = "") {
  std::string host = target.host;
  Answer a = Make({host, RecordType::kA}, "rr+");
  if (!end.empty()) a.aliases = {{host, "between.example"}, {"between.example", end}};
  return DaneLookup(std::move(target), a, Make({host, RecordType::kAaaa}, "+"));
}

TEST(DaneLookupTest, FailuresByTheirKind) {
  for (auto [word, failure] : {std::pair{"servfail", Answer::Failure::kServfail},
                               {"timeout", Answer::Failure::kTimeout},
                               {"bogus", Answer::Failure::kBogus},
                               {"malformed", Answer::Failure::kMalformed}}) {
    DaneLookup lookup = Asked({kHost});
    lookup.Take(Make(*lookup.next(), word));
    EXPECT_EQ(lookup.found().failure, failure);
  }
}

TEST(DaneLookupTest, ThePortIsInTheName) {
  EXPECT_EQ(Asked({kHost, 465}).next()->name, "_465._tcp.mx.example");
}

TEST(DaneLookupTest, TheLastOfManyAliases) {
  EXPECT_EQ(Asked({kHost}, kEnd).next()->name, "_25._tcp." + kEnd);
}

// What cannot be asked for is passed over.
TEST(DaneLookupTest, NamesThatHaveNoTlsa) {
  std::string label(63, 'a');
  std::string longest = label + "." + label + "." + label + "." + std::string(52, 'b');
  EXPECT_EQ(Asked({longest}).next()->name.size(), limits::kNameBytesMax);
  for (const std::string& host : {longest + "b", std::string("_mx.example"), std::string()}) {
    DaneLookup lookup = Asked({host});
    EXPECT_EQ(lookup.next(), nullptr);
    EXPECT_EQ(lookup.found().outcome, Outcome::kNone) << host;
    EXPECT_FALSE(lookup.found().words.empty());
  }
  for (const std::string& end : {longest + "b", std::string("m\\032x.example")}) {
    EXPECT_EQ(Asked({kHost}, end).next()->name, "_25._tcp." + kHost);
  }
}

TEST(DaneLookupTest, ReferenceNames) {
  DaneLookup lookup =
      Asked({kHost, 25, {"Example.", "mx.example", "a.example", "example", "_x.y"}});
  lookup.Take(Make(*lookup.next(), "rr+"));
  EXPECT_EQ(lookup.found().policy->names,
            (std::vector<std::string>{"mx.example", "example", "a.example"}));
}

TEST(DaneLookupTest, Lifetimes) {
  for (auto [address, tlsa, lives] : {std::tuple{300u, 200u, 200u},
                                      {100u, 200u, 100u},
                                      {0u, 200u, limits::kDaneTtlMin},
                                      {604'800u, 604'800u, limits::kDaneTtlMax}}) {
    Answer a = Make({kHost, RecordType::kA}, "rr+");
    a.ttl_seconds = address;
    DaneLookup lookup({kHost}, a, Make({kHost, RecordType::kAaaa}, "+"));
    Answer answer = Make(*lookup.next(), "rr+");
    answer.ttl_seconds = tlsa;
    lookup.Take(answer);
    EXPECT_EQ(lookup.found().ttl_seconds, lives);
  }
  DaneLookup none = Asked({kHost});
  none.Take(Make(*none.next(), "+"));
  EXPECT_EQ(none.found().ttl_seconds, limits::kDaneTtlMin);
}

}  // namespace
}  // namespace ringpost::dns
