// Whom a message is from: one answer, or none.
#include "gateway/mail/from_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/limits.h"

namespace ringpost::mail {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  const char* name;
  std::string field;
  std::vector<std::string> addresses;  // none: malformed
};

class Fields : public ::testing::TestWithParam<Case> {};

TEST_P(Fields, HasItsAddresses) {
  FromAddresses from = ReadFromField(GetParam().field);
  EXPECT_EQ(from.addresses, GetParam().addresses);
  EXPECT_EQ(from.problem,
            GetParam().addresses.empty() ? FromProblem::kMalformed : FromProblem::kNone);
}

INSTANTIATE_TEST_SUITE_P(
    Read, Fields,
    ::testing::Values(
        Case{"Bare", "a@example.com", {"a@example.com"}},
        Case{"Angle", "<a@example.com>", {"a@example.com"}},
        Case{"Named", "A Name <a@example.com>", {"a@example.com"}},
        Case{"QuotedName", "\"Name, A (x) <b@c>\" <a@example.com>", {"a@example.com"}},
        Case{"DotsInName", "A. B. Name <a@example.com>", {"a@example.com"}},
        Case{"Utf8Name",
             "J\xC3\xB6rg <j\xC3\xB6rg@ex\xC3\xA4mple.com>",
             {"j\xC3\xB6rg@ex\xC3\xA4mple.com"}},
        Case{"EncodedName", "=?utf-8?q?b=40bank.example?= <a@example.com>", {"a@example.com"}},
        Case{"Comments", "(x) a (y(z)) @ (\\)) example.com (w)", {"a@example.com"}},
        Case{"CommentThatLooksLikeAnAddress", "(<b@c>) A <a@example.com> (b@c)", {"a@example.com"}},
        Case{"QuotedLocalPart", "\"a b\"@example.com", {"\"a b\"@example.com"}},
        Case{"QuotedLocalPartInAngle", "<\"a@b\"@example.com>", {"\"a@b\"@example.com"}},
        Case{"Literal", "a@[192.0.2.1]", {"a@[192.0.2.1]"}},
        Case{"Several", "a@example.com, B <b@example.org>", {"a@example.com", "b@example.org"}},
        Case{"CommaTooMany", ",a@example.com,,", {"a@example.com"}},
        Case{"Route", "<@x.example,@y.example:a@example.com>", {"a@example.com"}},
        Case{"Group", "Us: a@example.com, B <b@example.com>;", {"a@example.com", "b@example.com"}},
        Case{"GroupAndMore",
             "Us: a@example.com;, c@example.com",
             {"a@example.com", "c@example.com"}},
        Case{"ItsOwnName", "A@example.com <a@Example.com>", {"a@Example.com"}},
        Case{"Folded", "\t A Name\t <a@example.com> ", {"a@example.com"}}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Refused, Fields,
    ::testing::Values(
        Case{"AnotherAddressAsName", "b@bank.example <a@example.com>", {}},
        Case{"AnotherAddressWithinTheName", "The b@bank.example <a@example.com>", {}},
        Case{"TwoInAngles", "<a@example.com> <b@bank.example>", {}},
        Case{"TextBehindTheAngle", "<a@example.com> b@bank.example", {}},
        Case{"TwoWithoutComma", "a@example.com b@bank.example", {}},
        Case{"CommaInTheAngle", "<a@example.com,b@bank.example>", {}},
        Case{"SpaceInTheLocalPart", "a b@example.com", {}},
        Case{"SpaceInTheDomain", "a@example. com", {}},
        Case{"CommentInTheDomain", "a@example.(x)com", {}}, Case{"TwoAts", "a@b@example.com", {}},
        Case{"NoDomain", "a@", {}}, Case{"NoLocalPart", "@example.com", {}},
        Case{"NoAt", "example", {}},
        Case{"OnlyAnEncodedAddress", "=?utf-8?q?a=40example.com?=", {}},
        Case{"EmptyAngle", "A <>", {}}, Case{"AngleWithoutEnd", "A <a@example.com", {}},
        Case{"AngleTwice", "<<a@example.com>>", {}},
        Case{"QuoteWithoutEnd", "\"A <a@example.com>", {}},
        Case{"CommentWithoutEnd", "(A <a@example.com>", {}},
        Case{"CommentsTooDeep", std::string(17, '(') + std::string(17, ')') + "a@example.com", {}},
        Case{"QuotedDomain", "a@\"example.com\"", {}},
        Case{"Semicolon", "a@example.com; b@bank.example", {}},
        Case{"GroupWithoutEnd", "Us: a@example.com", {}},
        Case{"GroupWithoutName", ": a@example.com;", {}},
        Case{"GroupInAGroup", "Us: You: a@example.com;;", {}},
        Case{"Nul", std::string("a\0@example.com", 14), {}},
        Case{"NulAtTheEnd", std::string("a@example.com\0", 14), {}},
        Case{"Controls", "a@example.com\x01", {}}, Case{"BrokenUtf8", "a\xFF@example.com", {}},
        Case{"BrokenLiteral", "a@[not an address]", {}},
        Case{"LiteralWithoutEnd", "a@[192.0.2.1", {}}, Case{"Backslash", "a\\@example.com", {}},
        Case{"LongLocalPart", std::string(65, 'a') + "@example.com", {}}),
    [](const auto& one) { return one.param.name; });

TEST(FromField, WithoutAnAddressThereIsNobody) {
  for (const char* field : {"", " ", "(nobody)", ",", "Us: ;", "Us:;, You: (x);"}) {
    FromAddresses from = ReadFromField(field);
    EXPECT_EQ(from.problem, FromProblem::kNoAddress) << field;
    EXPECT_THAT(from.addresses, IsEmpty());
  }
}

TEST(FromField, IsBounded) {
  std::string many;
  for (size_t i = 0; i < limits::kFromAddressesMax; ++i) many += "a@example.com,";
  EXPECT_EQ(ReadFromField(many).addresses.size(), limits::kFromAddressesMax);
  EXPECT_EQ(ReadFromField(many + "b@example.com").problem, FromProblem::kTooLong);
  std::string name(limits::kFromFieldBytesMax, 'x');
  EXPECT_EQ(ReadFromField(name + " <a@example.com>").problem, FromProblem::kTooLong);
}

FromAddresses Read(std::string_view header) {
  SliceChain message;
  message.Append(Slice::Copy(header));
  return ReadFrom(ScanHeaders(message));
}

// A field is a part of something larger: what is behind it is another's.
TEST(FromField, EndsWhereItEndsThoughABackslashIsThere) {
  for (std::string_view field : {"(a\\", "a@example.com (\\", "\"a\\", "\"\\\"\\", "(", "\""}) {
    for (std::string_view behind : {"a) b@bank.example", "a\" <b@bank.example>", "))", "\"\""}) {
      std::string memory = std::string(field) + std::string(behind);
      auto from = ReadFromField(std::string_view(memory).substr(0, field.size()));
      EXPECT_EQ(from.problem, FromProblem::kMalformed) << memory;
    }
  }
}

TEST(FromField, IsFoundInAMessage) {
  EXPECT_THAT(
      Read("Subject: x\r\nFROM :\r\n A\r\n\t<a@example.com>\r\n\r\nFrom: b@c\r\n").addresses,
      ElementsAre("a@example.com"));
  EXPECT_EQ(Read("Subject: x\r\n\r\nFrom: b@c.example\r\n").problem, FromProblem::kMissing);
  EXPECT_EQ(Read("From: a@example.com\r\nX: y\r\nfrom: b@example.com\r\n\r\n").problem,
            FromProblem::kSeveralFields);
  EXPECT_EQ(Read("From: a@example.com\r\nFrom: a@example.com\r\n\r\n").problem,
            FromProblem::kSeveralFields);
  // What lies beyond what is looked at of a line could be anybody.
  std::string hidden = "From: a@example.com," + std::string(1000, ' ') + "b@bank.example\r\n\r\n";
  EXPECT_EQ(Read(hidden).problem, FromProblem::kTooLong);
  std::string folded = "From: a@example.com";
  for (int i = 0; i < 200; ++i) folded += ",\r\n " + std::string(90, 'b') + "@example.com";
  EXPECT_EQ(Read(folded + "\r\n\r\n").problem, FromProblem::kTooLong);
}

TEST(FromField, EveryProblemHasWords) {
  for (auto problem : {FromProblem::kMissing, FromProblem::kSeveralFields, FromProblem::kNoAddress,
                       FromProblem::kMalformed, FromProblem::kTooLong}) {
    EXPECT_TRUE(FromProblemWords(problem).starts_with("has "));
  }
}

}  // namespace
}  // namespace ringpost::mail
