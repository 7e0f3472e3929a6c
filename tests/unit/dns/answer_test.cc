#include "gateway/dns/answer.h"

#include <gtest/gtest.h>

#include "gateway/dns/dns_limits.h"
#include "tests/unit/dns/wire_builder.h"

namespace ringpost::dns {
namespace {

using Outcome = Answer::Outcome;
using Failure = Answer::Failure;

const Question kText = {"a.example", RecordType::kTxt};

Record Cname(std::string owner, std::string target) {
  return {std::move(owner), RecordType::kCname, 60, 0, std::move(target)};
}

TEST(AnswerTest, FollowsAliases) {
  std::string message = WireBuilder()
                            .Question("a.example", RecordType::kTxt)
                            .Answer(Cname("b.example", "c.example"))
                            .Answer(Cname("a.example", "b.example"))
                            .Answer({"c.example", RecordType::kTxt, 30, 0, std::string(700, 'x')})
                            .Answer({"d.example", RecordType::kTxt, 10, 0, "another's"})
                            .Done();
  Answer answer = ReadAnswer(kText, message);
  ASSERT_EQ(answer.outcome, Outcome::kRecords) << answer.words;
  EXPECT_EQ(answer.failure, Failure::kNone);
  EXPECT_EQ(answer.aliases,
            (std::vector<Alias>{{"a.example", "b.example"}, {"b.example", "c.example"}}));
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].value, std::string(700, 'x'));
  EXPECT_EQ(answer.ttl_seconds, 30u);
}

TEST(AnswerTest, AnAliasByItself) {
  std::string message = WireBuilder()
                            .Question("a.example", RecordType::kCname)
                            .Answer(Cname("a.example", "b.example"))
                            .Done();
  Answer answer = ReadAnswer({"a.example", RecordType::kCname}, message);
  EXPECT_EQ(answer.outcome, Outcome::kRecords);
  EXPECT_EQ(answer.aliases, (std::vector<Alias>{{"a.example", "b.example"}}));
  EXPECT_EQ(answer.records[0].value, "b.example");
}

TEST(AnswerTest, Absence) {
  WireBuilder none(kFlagResponse | 3);
  Answer answer = ReadAnswer(kText, none.Question("a.example", RecordType::kTxt).Done());
  EXPECT_EQ(answer.outcome, Outcome::kNoName);
  answer = ReadAnswer(kText, WireBuilder().Question("a.example", RecordType::kTxt).Done());
  EXPECT_EQ(answer.outcome, Outcome::kNoData);
  WireBuilder dangling(kFlagResponse | 3);
  dangling.Question("a.example", RecordType::kTxt).Answer(Cname("a.example", "b.example"));
  answer = ReadAnswer(kText, dangling.Done());
  EXPECT_EQ(answer.outcome, Outcome::kNoName);
  EXPECT_EQ(answer.aliases.size(), 1u);
}

TEST(AnswerTest, KindsOfRecords) {
  for (const Record& record : {Record{"a.example", RecordType::kA, 5, 0, "192.0.2.7"},
                               Record{"a.example", RecordType::kAaaa, 5, 0, "2001:db8::7"},
                               Record{"a.example", RecordType::kMx, 5, 10, "mx.example"},
                               Record{"a.example", RecordType::kMx, 5, 0, ""},
                               Record{"a.example", RecordType::kNs, 5, 0, "ns.example"}}) {
    std::string message = WireBuilder().Question("a.example", record.type).Answer(record).Done();
    Answer answer = ReadAnswer({"a.example", record.type}, message);
    ASSERT_EQ(answer.records.size(), 1u) << answer.words;
    EXPECT_EQ(answer.records[0], record);
  }
  std::string message = WireBuilder()
                            .Question("a.example", RecordType::kTlsa)
                            .Raw("a.example", RecordType::kTlsa, std::string("\3\1\1\0x", 5))
                            .Done();
  Answer answer = ReadAnswer({"a.example", RecordType::kTlsa}, message);
  EXPECT_EQ(answer.records.at(0).value, std::string("\3\1\1\0x", 5));
}

TEST(AnswerTest, FailuresAreNoAbsence) {
  auto fails = [](const std::string& message, Answer::Failure failure = Failure::kMalformed) {
    Answer answer = ReadAnswer(kText, message);
    EXPECT_FALSE(answer.known());
    EXPECT_EQ(answer.failure, failure);
    EXPECT_FALSE(answer.words.empty());
    EXPECT_TRUE(answer.records.empty() && answer.aliases.empty());
    return answer.words;
  };
  auto with = [](uint16_t flags) {
    return WireBuilder(flags).Question("a.example", RecordType::kTxt).Done();
  };
  EXPECT_EQ(fails(with(kFlagResponse | 2), Failure::kServfail), "the answer is SERVFAIL");
  EXPECT_EQ(fails(with(kFlagResponse | 5), Failure::kServfail), "the answer is REFUSED");
  EXPECT_EQ(fails(with(kFlagResponse | 15), Failure::kServfail), "the answer is RCODE15");
  EXPECT_EQ(fails(with(kFlagResponse | kFlagTruncated)), "the answer is cut off");
  EXPECT_EQ(fails(with(0)), "the answer is to something else");
  EXPECT_EQ(fails(WireBuilder().Question("b.example", RecordType::kTxt).Done()),
            "the answer is to something else");
  EXPECT_EQ(fails(""), "the answer is malformed");
  EXPECT_EQ(fails(with(kFlagResponse) + "x"), "the answer is malformed");
  WireBuilder text;
  text.Question("a.example", RecordType::kTxt).Raw("a.example", RecordType::kTxt, "\5abc");
  EXPECT_EQ(fails(text.Done()), "a record in the answer is malformed");
}

TEST(AnswerTest, FailuresByTheirKind) {
  Answer bogus = FailedAnswer(kText, "no signature", Failure::kBogus);
  EXPECT_EQ(bogus.failure, Failure::kBogus);
  EXPECT_EQ(bogus.security, Answer::Security::kBogus);
  EXPECT_EQ(FailedAnswer(kText, "x").failure, Failure::kServfail);
  EXPECT_EQ(FailedAnswer(kText, "x").security, Answer::Security::kInsecure);
}

TEST(AnswerTest, AliasesWithoutEnd) {
  WireBuilder loop, two, many;
  loop.Question("a.example", RecordType::kTxt)
      .Answer(Cname("a.example", "b.example"))
      .Answer(Cname("b.example", "a.example"));
  EXPECT_FALSE(ReadAnswer(kText, loop.Done()).known());
  two.Question("a.example", RecordType::kTxt)
      .Answer(Cname("a.example", "b.example"))
      .Answer(Cname("a.example", "c.example"));
  EXPECT_FALSE(ReadAnswer(kText, two.Done()).known());
  many.Question("a.example", RecordType::kTxt).Answer(Cname("a.example", "n0.example"));
  for (size_t i = 1; i < limits::kAliasesMax; ++i) {
    many.Answer(
        Cname("n" + std::to_string(i - 1) + ".example", "n" + std::to_string(i) + ".example"));
  }
  EXPECT_EQ(ReadAnswer(kText, many.Done()).aliases.size(), limits::kAliasesMax);
  many.Answer(Cname("n15.example", "n16.example"));
  EXPECT_FALSE(ReadAnswer(kText, many.Done()).known());
}

TEST(AnswerTest, EveryPieceOfAMessageIsMalformed) {
  std::string message = WireBuilder()
                            .Question("a.example", RecordType::kTxt)
                            .Answer(Cname("a.example", "b.example"))
                            .Answer({"b.example", RecordType::kTxt, 30, 0, "x"})
                            .Done();
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(ReadAnswer(kText, message.substr(0, size)).known()) << size;
  }
}

}  // namespace
}  // namespace ringpost::dns
