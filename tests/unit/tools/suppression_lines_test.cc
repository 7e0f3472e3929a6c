// Lines of files of suppressions: what is an entry, in which form, and what is said of the others.
#include "tools/ringpost/suppression_lines.h"

#include <gtest/gtest.h>

#include <string>

#include "tools/ringpost/session.h"

namespace ringpost::cli {
namespace {

using Reason = identity::SuppressionReason;

// The entry as JSON, "" for nothing, "! why" where it is none.
std::string Read(SuppressionLines* lines, std::string_view text) {
  auto read = lines->Read(text);
  if (const auto* bad = std::get_if<SuppressionLines::Bad>(&read)) return "! " + bad->why;
  const auto* entry = std::get_if<Json>(&read);
  return entry ? JsonText(*entry) : "";
}

std::string ReadOne(std::string_view text) {
  SuppressionLines lines(Reason::kManual);
  return Read(&lines, text);
}

TEST(SuppressionLines, AnAddressALine) {
  EXPECT_EQ(ReadOne("bob@example.com"), R"({"entry":"bob@example.com","reason":"manual"})");
  EXPECT_EQ(ReadOne("  *.example.com \r"), R"({"entry":"*.example.com","reason":"manual"})");
  EXPECT_EQ(ReadOne(""), "");
  EXPECT_EQ(ReadOne("  \r"), "");
  SuppressionLines complaints(Reason::kComplaint);
  EXPECT_EQ(Read(&complaints, "a@example.com"),
            R"({"entry":"a@example.com","reason":"complaint"})");
}

TEST(SuppressionLines, ColumnsByTheHead) {
  SuppressionLines lines(Reason::kManual);
  EXPECT_EQ(Read(&lines, "\xEF\xBB\xBFtimestamp,Other,EMAIL_ADDRESS,type,block_description"), "");
  EXPECT_EQ(Read(&lines, "2026-01-02 03:04:05,x,a@example.com,Spam Complaint,\"so, \"\"so\"\"\""),
            R"({"entry":"a@example.com","reason":"complaint","since":"2026-01-02T03:04:05Z",)"
            R"("detail":"so, \"so\""})");
  EXPECT_EQ(Read(&lines, "2026-01-02,x,b@example.com"),
            R"({"entry":"b@example.com","reason":"manual","since":"2026-01-02"})");
  EXPECT_EQ(Read(&lines, ",,c@example.com,bounce,,,,,"),
            R"({"entry":"c@example.com","reason":"bounce"})");
}

TEST(SuppressionLines, WithoutAHead) {
  EXPECT_EQ(ReadOne("a@example.com,unsubscribed,2026-01-02T03:04:05+00:00,why"),
            R"({"entry":"a@example.com","reason":"unsubscribe","since":"2026-01-02T03:04:05Z",)"
            R"("detail":"why"})");
  EXPECT_EQ(ReadOne("\"\"\"a,b\"\"@example.com\",bounce"),
            R"({"entry":"\"a,b\"@example.com","reason":"bounce"})");
}

TEST(SuppressionLines, Json) {
  EXPECT_EQ(ReadOne(R"({"email":"a@example.com","reason":"spam","extra":{"x":1}})"),
            R"({"entry":"a@example.com","reason":"complaint"})");
  EXPECT_EQ(
      ReadOne(R"({"entry":"a@example.com","message":"01KAYT0C5M0000000000000000"})"),
      R"({"entry":"a@example.com","reason":"manual","message":"01KAYT0C5M0000000000000000"})");
}

TEST(SuppressionLines, WhatIsNoneIsSaid) {
  EXPECT_EQ(ReadOne("bob@").substr(0, 21), "! \"bob@\" is no entry:");
  EXPECT_EQ(ReadOne("*@example.com").substr(0, 20), "! \"*@example.com\" is");
  EXPECT_EQ(ReadOne("a@example.com,nonsense"),
            "! \"nonsense\" is no reason: bounce, unsubscribe, complaint, manual");
  EXPECT_EQ(ReadOne("a@example.com,bounce,yesterday").substr(0, 24), "! \"yesterday\" is no time");
  EXPECT_EQ(ReadOne("\"a@example.com").substr(0, 10), "! is no CS");
  EXPECT_EQ(ReadOne("{\"entry\":").substr(0, 20), "! is no JSON object");
  EXPECT_EQ(ReadOne("{\"entry\":1}"), "! has a \"entry\" that is no text");
  EXPECT_EQ(ReadOne("{\"entry\":[[[[]]]]}"), "! is JSON that is too deep");
  EXPECT_EQ(ReadOne("{\"entry\":\"a@example.com\",\"message\":\"1\"}"),
            "! \"1\" is no message's id");
  EXPECT_EQ(ReadOne("a@example.com," + std::string(kSuppressionLineBytesMax, ' ')),
            "! is longer than 8192 bytes");
  EXPECT_EQ(ReadOne(std::string(kSuppressionFieldsMax, ',')).substr(0, 10), "! is no CS");
}

TEST(CsvField, AnAddressWithABraceIsNotTakenForJson) {
  EXPECT_EQ(ReadOne(CsvField("{a@example.com") + ",bounce"),
            R"({"entry":"{a@example.com","reason":"bounce"})");
}

TEST(CsvField, IsWhatCsvFieldsReads) {
  for (const char* text :
       {"", "plain", "a,b", "\"", "a\"b", "\"\"", ",", "\",\"", " x ", "{a@b.example"}) {
    auto fields = CsvFields(CsvField(text) + "," + CsvField(text));
    ASSERT_TRUE(fields) << text;
    EXPECT_EQ(*fields, (std::vector<std::string>{text, text}));
  }
}

}  // namespace
}  // namespace ringpost::cli
