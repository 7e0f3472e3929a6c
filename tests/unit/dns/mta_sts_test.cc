// MTA-STS: each rule of RFC 8461 sections 3.1, 3.2 and 4.1 with its edge, and the transcripts of
// tests/golden/mta_sts.
#include "gateway/dns/mta_sts.h"

#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <sstream>

#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {
namespace {

using Outcome = StsRecord::Outcome;

const Question kAsked = {"_mta-sts.a.example", RecordType::kTxt};

StsRecord Read(const std::vector<std::string>& texts) {
  Answer answer;
  answer.question = kAsked;
  answer.outcome = Answer::Outcome::kRecords;
  for (const std::string& text : texts) {
    answer.records.push_back({kAsked.name, RecordType::kTxt, 300, 0, text});
  }
  return ReadStsRecord(answer);
}

TEST(StsRecord, NamesAndQuestions) {
  EXPECT_EQ(StsRecordQuestion("a.example"), kAsked);
  EXPECT_EQ(StsPolicyHost("a.example"), "mta-sts.a.example");
}

struct Case {
  const char* what;
  std::vector<std::string> texts;
  std::string id;  // empty: there is no usable record
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.what; }

class StsRecordOfTextsTest : public testing::TestWithParam<Case> {};

TEST_P(StsRecordOfTextsTest, IsRead) {
  StsRecord found = Read(GetParam().texts);
  EXPECT_EQ(found.id, GetParam().id);
  EXPECT_EQ(found.outcome, GetParam().id.empty() ? Outcome::kAbsent : Outcome::kPublished);
  EXPECT_EQ(found.words.empty(), found.outcome == Outcome::kPublished);
}

const std::string kLongest(limits::kStsIdBytesMax, 'z');
const Case kCases[] = {
    {"usual", {"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
    {"no_delimiter_at_the_end", {"v=STSv1;id=1"}, "1"},
    {"blanks", {"v=STSv1 \t; \t id=1 \t; "}, "1"},
    {"unknown_fields", {"v=STSv1; x=1; a.b-c_d=!\"#~; id=2; y=3"}, "2"},
    {"first_of_two", {"v=STSv1; id=1; id=2"}, "1"},
    {"longest", {"v=STSv1; id=" + kLongest}, kLongest},
    {"too_long", {"v=STSv1; id=" + kLongest + "z"}, ""},
    {"empty_id", {"v=STSv1; id="}, ""},
    {"odd_id", {"v=STSv1; id=a-b"}, ""},
    {"no_id", {"v=STSv1; x=1"}, ""},
    {"nothing_else", {"v=STSv1;"}, ""},
    {"version_alone", {"v=STSv1"}, ""},
    {"other_version", {"v=STSv2; id=1"}, ""},
    {"version_in_lower_case", {"v=stsv1; id=1"}, ""},
    {"version_goes_on", {"v=STSv10; id=1"}, ""},
    {"blank_in_front", {" v=STSv1; id=1"}, ""},
    {"version_not_first", {"id=1; v=STSv1"}, ""},
    {"name_in_upper_case", {"v=STSv1; ID=1"}, ""},
    {"empty_field", {"v=STSv1;; id=1"}, ""},
    {"field_without_value", {"v=STSv1; x; id=1"}, ""},
    {"value_with_blank", {"v=STSv1; x=a b; id=1"}, ""},
    {"others_beside", {"v=spf1 -all", "v=STSv1; id=1", "hello"}, "1"},
    {"two", {"v=STSv1; id=1", "v=STSv1; id=1"}, ""},
    {"two_of_which_one_is_malformed", {"v=STSv1; id=1", "v=STSv1; id"}, ""},
    {"none", {"hello"}, ""},
};
INSTANTIATE_TEST_SUITE_P(Each, StsRecordOfTextsTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.what; });

TEST(StsRecord, AFailureIsNoAbsence) {
  Answer answer = FailedAnswer(kAsked, "no answer");
  EXPECT_EQ(ReadStsRecord(answer).outcome, Outcome::kUnknown);
  EXPECT_EQ(ReadStsRecord(answer).words, "no answer");
  for (auto outcome : {Answer::Outcome::kNoData, Answer::Outcome::kNoName}) {
    answer.outcome = outcome;
    EXPECT_EQ(ReadStsRecord(answer).outcome, Outcome::kAbsent);
  }
}

std::string Unescape(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    char c = text[++i];
    if (c == 'x') {
      bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      bytes += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return bytes;
}

std::string Told(const std::string& body) {
  auto policy = ParseStsPolicy(body);
  if (!policy.ok()) return "none: " + std::string(MessageOf(policy.status()));
  std::string text;
  for (const std::string& line : policy->Lines()) text += (text.empty() ? "" : ", ") + line;
  return text;
}

// # a comment    P> bytes of a policy, with \r \n \t \\ \xHH; several are one     R: what it is
TEST(StsPolicy, GoldenTranscripts) {
  std::ifstream file(std::string(RINGPOST_SOURCE_DIR) + "/tests/golden/mta_sts/policies.txt");
  std::string line, body;
  int read = 0;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("P> ")) body += Unescape(line.substr(3));
    if (!line.starts_with("R: ")) continue;
    EXPECT_EQ(Told(body), line.substr(3)) << "line " << number;
    body.clear();
    ++read;
  }
  EXPECT_GT(read, 20);
}

constexpr char kRest[] = "version: STSv1\nmode: enforce\nmax_age: 1\n";

TEST(StsPolicy, Bounds) {
  std::string body = kRest;
  for (size_t i = 0; i < limits::kStsPatternsMax; ++i) {
    body += "mx: " + std::to_string(i) + ".example\n";
  }
  ASSERT_TRUE(ParseStsPolicy(body).ok());
  EXPECT_EQ(ParseStsPolicy(body)->mx.size(), limits::kStsPatternsMax);
  EXPECT_TRUE(ParseStsPolicy(body + "mx: 0.example\n").ok()) << "it is there already";
  EXPECT_FALSE(ParseStsPolicy(body + "mx: more.example\n").ok());
  body = std::string(kRest) + "mx: a.example\nx: ";
  body += std::string(limits::kStsPolicyBytesMax - body.size(), 'y');
  EXPECT_TRUE(ParseStsPolicy(body).ok());
  EXPECT_FALSE(ParseStsPolicy(body + "y").ok());
}

// What is stored and reported is read as the same again, at its longest too.
TEST(StsPolicy, LinesAreThePolicy) {
  std::string body = kRest;
  const std::string label(limits::kLabelBytesMax, 'a');
  for (size_t i = 0; i < limits::kStsPatternsMax; ++i) {
    std::string name = std::to_string(1000 + i) + "." + label + "." + label + "." + label + ".";
    body += "mx:*." + name + std::string(limits::kNameBytesMax - name.size(), 'b') + "\n";
  }
  auto policy = ParseStsPolicy(body);
  ASSERT_TRUE(policy.ok()) << policy.status();
  std::string again;
  for (const std::string& line : policy->Lines()) again += line + "\n";
  auto read = ParseStsPolicy(again);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, *policy);
}

TEST(StsPolicy, Hosts) {
  StsPolicy policy{
      StsMode::kEnforce, {"mail.a.example", "*.b.example", "xn--mnchen-3ya.example"}, 1};
  for (const char* host : {"mail.a.example", "MAIL.A.Example.", "x.b.example", "*.b.example",
                           "xn--mnchen-3ya.example"}) {
    EXPECT_EQ(policy.Allows(host), host[0] != '*') << host;
  }
  for (const char* host :
       {"a.example", "x.mail.a.example", "b.example", "x.y.b.example", ".b.example", "xb.example",
        "", ".", "m\xc3\xbcnchen.example", "mail.a.example.."}) {
    EXPECT_FALSE(policy.Allows(host)) << host;
  }
  EXPECT_FALSE(StsPolicy().Allows("a.example"));
}

}  // namespace
}  // namespace ringpost::dns
