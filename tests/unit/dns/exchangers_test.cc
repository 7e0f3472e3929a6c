// Each rule with its edge, over answers as a server sends them.
#include "gateway/dns/exchangers.h"

#include <gtest/gtest.h>

#include <ostream>

#include "gateway/dns/dns_limits.h"
#include "tests/unit/dns/wire_builder.h"

namespace ringpost::dns {
namespace {

using Outcome = Exchangers::Outcome;

const Question kMx = {"a.example", RecordType::kMx};
const std::vector<std::string> kOwn = {"MX1.Ours.example.", "mx2.ours.example"};

Record Mx(uint16_t preference, std::string host, uint32_t ttl_seconds = 300) {
  return {"a.example", RecordType::kMx, ttl_seconds, preference, std::move(host)};
}
Record Alias(std::string target) {
  return {"a.example", RecordType::kCname, 300, 0, std::move(target)};
}

// As it comes over the wire; `flags` may hold an rcode.
Exchangers Read(const std::vector<Record>& records, uint16_t flags = kFlagResponse) {
  WireBuilder message(flags);
  message.Question("a.example", RecordType::kMx);
  for (const Record& record : records) message.Answer(record);
  return ReadExchangers(ReadAnswer(kMx, message.Done()), kOwn);
}

// Of what a builder of good messages refuses to write.
Exchangers ReadValues(const std::vector<std::pair<uint16_t, std::string>>& values) {
  Answer answer;
  answer.question = kMx;
  answer.outcome = Answer::Outcome::kRecords;
  for (const auto& [preference, value] : values) answer.records.push_back(Mx(preference, value));
  return ReadExchangers(answer, kOwn);
}

// "10 mx.example, 20 b.example"
std::string Text(const Exchangers& found) {
  std::string text;
  for (const Exchanger& one : found.hosts) {
    text += (text.empty() ? "" : ", ") + std::to_string(one.preference) + " " + one.host;
  }
  return text;
}

struct Case {
  const char* what;
  std::vector<std::pair<uint16_t, std::string>> values;
  Outcome outcome;
  std::string hosts;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.what; }

class ExchangersOfRecordsTest : public testing::TestWithParam<Case> {};

TEST_P(ExchangersOfRecordsTest, AreRead) {
  Exchangers found = ReadValues(GetParam().values);
  EXPECT_EQ(found.outcome, GetParam().outcome);
  EXPECT_EQ(Text(found), GetParam().hosts);
  EXPECT_EQ(found.words.empty(), found.outcome == Outcome::kHosts);
  EXPECT_FALSE(found.implicit);
  EXPECT_TRUE(found.known());
}

const Case kCases[] = {
    {"one", {{10, "mx.example"}}, Outcome::kHosts, "10 mx.example"},
    {"zero", {{0, "mx.example"}}, Outcome::kHosts, "0 mx.example"},
    {"highest", {{65535, "mx.example"}}, Outcome::kHosts, "65535 mx.example"},
    {"by_preference",
     {{300, "c.example"}, {5, "a.example"}, {20, "b.example"}},
     Outcome::kHosts,
     "5 a.example, 20 b.example, 300 c.example"},
    {"as_given_within_one",
     {{10, "z.example"}, {5, "y.example"}, {10, "a.example"}, {10, "m.example"}},
     Outcome::kHosts,
     "5 y.example, 10 z.example, 10 a.example, 10 m.example"},
    {"case_and_dot", {{10, "MX.Example."}}, Outcome::kHosts, "10 mx.example"},
    {"twice", {{20, "b.example"}, {10, "B.example"}}, Outcome::kHosts, "10 b.example"},
    {"twice_the_same", {{10, "b.example"}, {10, "b.example"}}, Outcome::kHosts, "10 b.example"},
    {"null", {{0, ""}}, Outcome::kNullMx, ""},
    {"null_with_a_preference", {{10, ""}}, Outcome::kNullMx, ""},
    {"null_among_others", {{0, ""}, {10, "mx.example"}}, Outcome::kHosts, "10 mx.example"},
    {"null_twice", {{0, ""}, {10, ""}}, Outcome::kNoHost, ""},
    {"one_label", {{10, "mx"}}, Outcome::kHosts, "10 mx"},
    {"underscore", {{10, "_mx.example"}}, Outcome::kNoHost, ""},
    {"escaped", {{10, "m\\032x.example"}}, Outcome::kNoHost, ""},
    {"wildcard", {{10, "*.example"}}, Outcome::kNoHost, ""},
    {"hyphen_first", {{10, "-a.example"}}, Outcome::kNoHost, ""},
    {"hyphen_last", {{10, "a-.example"}}, Outcome::kNoHost, ""},
    {"hyphen_within", {{10, "a-b.example"}}, Outcome::kHosts, "10 a-b.example"},
    {"empty_label", {{10, "a..example"}}, Outcome::kNoHost, ""},
    {"long_label", {{10, std::string(64, 'a') + ".example"}}, Outcome::kNoHost, ""},
    {"address", {{10, "192.0.2.1"}}, Outcome::kNoHost, ""},
    {"address_v6", {{10, "2001:db8::1"}}, Outcome::kNoHost, ""},
    {"number", {{10, "mx.25"}}, Outcome::kNoHost, ""},
    {"digits_within", {{10, "192.0.2.1.example"}}, Outcome::kHosts, "10 192.0.2.1.example"},
    {"digits_and_letters", {{10, "mx.x25"}}, Outcome::kHosts, "10 mx.x25"},
    {"no_host_among_others",
     {{5, "192.0.2.1"}, {10, "mx.example"}},
     Outcome::kHosts,
     "10 mx.example"},
    {"ours_is_the_best", {{10, "mx1.ours.example"}, {20, "b.example"}}, Outcome::kLoop, ""},
    {"ours_alone", {{10, "mx2.OURS.example"}}, Outcome::kLoop, ""},
    {"ours_in_the_middle",
     {{30, "c.example"}, {20, "mx1.ours.example"}, {10, "a.example"}},
     Outcome::kHosts,
     "10 a.example"},
    {"ours_among_equals",
     {{20, "b.example"}, {20, "mx2.ours.example"}, {20, "c.example"}, {19, "a.example"}},
     Outcome::kHosts,
     "19 a.example"},
    {"ours_among_equals_alone", {{20, "b.example"}, {20, "mx1.ours.example"}}, Outcome::kLoop, ""},
    {"ours_twice",
     {{30, "mx1.ours.example"}, {10, "mx2.ours.example"}, {20, "b.example"}, {5, "a.example"}},
     Outcome::kHosts,
     "5 a.example"},
    {"below_ours", {{10, "x.mx1.ours.example"}}, Outcome::kHosts, "10 x.mx1.ours.example"},
};
INSTANTIATE_TEST_SUITE_P(All, ExchangersOfRecordsTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.what); });

TEST(ExchangersTest, OverTheWire) {
  EXPECT_EQ(Text(Read({Mx(20, "b.example"), Mx(10, "a.example")})), "10 a.example, 20 b.example");
  EXPECT_EQ(Read({Mx(0, "")}).outcome, Outcome::kNullMx);
  EXPECT_EQ(Text(Read({Alias("b.example"), {"b.example", RecordType::kMx, 300, 7, "mx.example"}})),
            "7 mx.example");
}

TEST(ExchangersTest, TheDomainItself) {
  Exchangers found = Read({});
  EXPECT_EQ(found.outcome, Outcome::kHosts);
  EXPECT_EQ(Text(found), "0 a.example");
  EXPECT_TRUE(found.implicit);
  found = Read({Alias("b.example")});
  EXPECT_EQ(Text(found), "0 a.example");
  EXPECT_TRUE(found.implicit);
}

TEST(ExchangersTest, TheDomainItselfIsOurs) {
  Answer answer;
  answer.outcome = Answer::Outcome::kNoData;
  for (const char* name : {"mx1.ours.example", "mx2.ours.example", "MX2.ours.example"}) {
    answer.question = {name, RecordType::kMx};
    Exchangers found = ReadExchangers(answer, kOwn);
    EXPECT_EQ(found.outcome, Outcome::kLoop) << name;
    EXPECT_TRUE(found.implicit && found.hosts.empty() && !found.words.empty());
    EXPECT_EQ(ReadExchangers(answer, {}).outcome, Outcome::kHosts);
  }
  EXPECT_EQ(Read({Alias("mx2.ours.example")}).outcome, Outcome::kLoop);
}

TEST(ExchangersTest, TheDomainItselfIsNoHost) {
  Answer answer;
  answer.outcome = Answer::Outcome::kNoData;
  for (const char* name : {"_a.example", "192.0.2.1", ""}) {
    answer.question = {name, RecordType::kMx};
    EXPECT_EQ(ReadExchangers(answer, kOwn).outcome, Outcome::kNoHost) << name;
  }
}

TEST(ExchangersTest, NoDomain) {
  Exchangers found = Read({}, kFlagResponse | 3);
  EXPECT_EQ(found.outcome, Outcome::kNoDomain);
  EXPECT_TRUE(found.hosts.empty() && !found.implicit && found.known());
  EXPECT_EQ(Read({Alias("b.example")}, kFlagResponse | 3).outcome, Outcome::kNoDomain);
}

TEST(ExchangersTest, TheBestAreKept) {
  std::vector<std::pair<uint16_t, std::string>> values;
  for (size_t i = 0; i < limits::kExchangersMax + 5; ++i) {
    // From the worst to the best, each twice.
    auto preference = static_cast<uint16_t>(1000 - i);
    for (int twice = 0; twice < 2; ++twice) {
      values.emplace_back(preference, "mx" + std::to_string(i) + ".example");
    }
  }
  Exchangers found = ReadValues(values);
  ASSERT_EQ(found.hosts.size(), limits::kExchangersMax);
  EXPECT_EQ(found.hosts.front().preference, 1000 - limits::kExchangersMax - 4);
  EXPECT_EQ(found.hosts.back().preference, 995);
  values.resize(2 * limits::kExchangersMax);
  EXPECT_EQ(ReadValues(values).hosts.size(), limits::kExchangersMax);
  values.emplace_back(0, "mx1.ours.example");
  EXPECT_EQ(ReadValues(values).outcome, Outcome::kLoop);
}

TEST(ExchangersTest, Lifetimes) {
  EXPECT_EQ(Read({Mx(10, "mx.example", 0)}).ttl_seconds, limits::kExchangersTtlMin);
  EXPECT_EQ(Read({Mx(10, "mx.example", 61)}).ttl_seconds, 61u);
  EXPECT_EQ(Read({Mx(10, "mx.example", 86'399)}).ttl_seconds, 86'399u);
  EXPECT_EQ(Read({Mx(10, "mx.example", 604'800)}).ttl_seconds, limits::kExchangersTtlMax);
  EXPECT_EQ(Read({Mx(0, "", 3600)}).ttl_seconds, 3600u);
  EXPECT_EQ(Read({}).ttl_seconds, limits::kExchangersTtlMin);
  EXPECT_EQ(Read({}, kFlagResponse | 3).ttl_seconds, limits::kExchangersTtlMin);
  EXPECT_EQ(Read({}, kFlagResponse | 2).ttl_seconds, limits::kExchangersFailureSeconds);
}

TEST(ExchangersTest, Security) {
  Answer answer = FailedAnswer(kMx, "x");
  answer.outcome = Answer::Outcome::kNoData;
  EXPECT_FALSE(ReadExchangers(answer, kOwn).secure);
  answer.security = Answer::Security::kSecure;
  EXPECT_TRUE(ReadExchangers(answer, kOwn).secure);
}

TEST(ExchangersTest, FailuresByTheirKind) {
  using Failure = Answer::Failure;
  for (auto [failure, outcome] : {std::pair{Failure::kServfail, Outcome::kServfail},
                                  {Failure::kTimeout, Outcome::kTimeout},
                                  {Failure::kBogus, Outcome::kBogus},
                                  {Failure::kMalformed, Outcome::kMalformed}}) {
    Exchangers found = ReadExchangers(FailedAnswer(kMx, "why", failure), kOwn);
    EXPECT_EQ(found.outcome, outcome);
    EXPECT_EQ(found.words, "why");
    EXPECT_TRUE(!found.known() && !found.secure && !found.implicit && found.hosts.empty());
  }
  EXPECT_EQ(Read({}, kFlagResponse | 2).outcome, Outcome::kServfail);
  EXPECT_EQ(Read({}, kFlagResponse | 5).outcome, Outcome::kServfail);
  EXPECT_EQ(Read({}, 0).outcome, Outcome::kMalformed);
}

}  // namespace
}  // namespace ringpost::dns
