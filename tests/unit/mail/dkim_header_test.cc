// Which fields a signature covers, and their relaxed form.
#include "gateway/mail/dkim_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/base/limits.h"

namespace ringpost::mail {
namespace {

std::string Relaxed(std::string_view header) {
  std::string out;
  HeaderField field;
  while (TakeHeaderField(&header, &field)) AppendRelaxedField(field, &out);
  return out;
}

// What is left behind the fields.
std::string_view Rest(std::string_view header) {
  HeaderField field;
  while (TakeHeaderField(&header, &field)) {
  }
  return header;
}

struct Selection {
  std::string names, canonical;
};
Selection Select(std::string_view header) {
  DkimHeader selected;
  Status status = SelectDkimFields(header, &selected);
  EXPECT_TRUE(status.ok()) << status;
  return {selected.names, selected.canonical};
}

StatusCode Refused(std::string_view header) {
  DkimHeader selected;
  return SelectDkimFields(header, &selected).code();
}

TEST(DkimHeader, RelaxesTheExampleOfTheRfc) {
  // RFC 6376 section 3.4.5.
  EXPECT_EQ(Relaxed("A: X\r\nB : Y\t\r\n\tZ  \r\n"), "a:X\r\nb:Y Z\r\n");
}

TEST(DkimHeader, RelaxesBlanksAndFolds) {
  EXPECT_EQ(Relaxed("SubJect:a"), "subject:a\r\n");
  EXPECT_EQ(Relaxed("S:\r\n\r\n"), "s:\r\n");
  EXPECT_EQ(Relaxed("S: \t \r\n"), "s:\r\n");
  EXPECT_EQ(Relaxed("S:\r\n \r\n\t\r\n a\r\n \r\nT:b\r\n"), "s:a\r\nt:b\r\n");
  EXPECT_EQ(Relaxed("S \t :\ta \t b\r\n\t  c\r\n\r\n"), "s:a b c\r\n");
  EXPECT_EQ(Relaxed("S:a:b : c\r\n"), "s:a:b : c\r\n");
  EXPECT_EQ(Relaxed("S: Gr\xc3\xbc\xc3\x9f"
                    "e\xff\r\n"),
            "s:Gr\xc3\xbc\xc3\x9f"
            "e\xff\r\n");
  EXPECT_EQ(Relaxed("S: " + std::string(100'000, 'x') + "\r\n " + std::string(5000, ' ') + "y\r\n"),
            "s:" + std::string(100'000, 'x') + " y\r\n");
}

TEST(DkimHeader, LineEndsThatAreNone) {
  EXPECT_EQ(Relaxed("S: a\nT: b\n c\n\n"), "s:a\r\nt:b c\r\n");
  EXPECT_EQ(Relaxed("S: a\rb\r\n"), "s:a\rb\r\n");
  EXPECT_EQ(Relaxed("S: a\r\r\n b\r\n"), "s:a\r b\r\n");
  EXPECT_EQ(Relaxed("S: \ra"), "s:\ra\r\n");
}

TEST(DkimHeader, EndsWhereTheSectionEnds) {
  EXPECT_EQ(Rest("A: b\r\n\r\nC: d\r\n"), "\r\nC: d\r\n");
  EXPECT_EQ(Rest("A: b\r\nno field\r\nC: d\r\n"), "no field\r\nC: d\r\n");
  EXPECT_EQ(Rest("A: b\r\n: no name\r\n"), ": no name\r\n");
  EXPECT_EQ(Rest("A: b\r\nC\x80: d\r\n"), "C\x80: d\r\n");
  EXPECT_EQ(Rest(" A: b\r\n"), " A: b\r\n");
  EXPECT_EQ(Rest("A"), "A");
  EXPECT_EQ(Rest("From x@y Thu Jan  1\r\n"), "From x@y Thu Jan  1\r\n");
  EXPECT_EQ(Rest(""), "");
  EXPECT_EQ(Rest("A: b\r\n "), "");
}

TEST(DkimHeader, NamesOnceMoreWhatNobodyMayAdd) {
  constexpr std::string_view kNone =
      "From:From:To:Subject:Date:List-Unsubscribe:List-Unsubscribe-Post";
  EXPECT_EQ(Select("From: a@b\r\n\r\n").names, kNone);
  EXPECT_EQ(Select("From: a@b\r\n\r\n").canonical, "from:a@b\r\n");
  EXPECT_EQ(Select("Date: d\r\nFROM: a@b\r\nTo: t\r\nSubject: s\r\nList-Unsubscribe: <u>\r\n"
                   "List-Unsubscribe-Post: p\r\n")
                .names,
            "From:From:To:To:Subject:Subject:Date:Date:List-Unsubscribe:List-Unsubscribe:"
            "List-Unsubscribe-Post:List-Unsubscribe-Post");
}

TEST(DkimHeader, CoversTheRestWhereItIsThere) {
  Selection selection = Select(
      "Received: r\r\nReturn-Path: <>\r\nDKIM-Signature: x\r\nX-Own: x\r\nBcc: x\r\n"
      "Feedback-ID: f\r\nmime-version: 1.0\r\ncontent-TYPE: text/plain;\r\n\tcharset=utf-8\r\n"
      "From: a@b\r\nMessage-ID: <m>\r\nReply-To: c\r\nList-ID: l\r\n");
  EXPECT_EQ(selection.names,
            "From:From:To:Subject:Date:List-Unsubscribe:List-Unsubscribe-Post:Reply-To:Message-ID:"
            "MIME-Version:Content-Type:List-Id:Feedback-ID");
  EXPECT_EQ(selection.canonical,
            "from:a@b\r\nreply-to:c\r\nmessage-id:<m>\r\nmime-version:1.0\r\n"
            "content-type:text/plain; charset=utf-8\r\nlist-id:l\r\nfeedback-id:f\r\n");
}

// RFC 6376 section 5.4.2.
TEST(DkimHeader, TakesSeveralOfANameFromTheBottomUp) {
  Selection selection = Select(
      "Subject: 1\r\nCc: 1\r\nFrom: a@b\r\nsubject: 2\r\nCC: 2\r\nX: x\r\nSubject: 3\r\n\r\n"
      "Subject: 4\r\n");
  EXPECT_EQ(selection.names,
            "From:From:To:Subject:Subject:Subject:Subject:Date:List-Unsubscribe:"
            "List-Unsubscribe-Post:Cc:Cc");
  EXPECT_EQ(selection.canonical,
            "from:a@b\r\nsubject:3\r\nsubject:2\r\nsubject:1\r\ncc:2\r\ncc:1\r\n");
}

TEST(DkimHeader, RefusesWhatIsNotToBeSigned) {
  EXPECT_EQ(Refused(""), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refused("Subject: x\r\n\r\nFrom: a@b\r\n"), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refused("no field\r\nFrom: a@b\r\n"), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Refused("From: a@b\r\nFROM: c@d\r\n"), StatusCode::kFailedPrecondition);
}

TEST(DkimHeader, IsBounded) {
  std::string fields = "From: a@b\r\n";
  for (size_t i = 1; i < limits::kDkimSignedFieldsMax; ++i) fields += "Cc: x\r\n";
  for (int i = 0; i < 1000; ++i) fields += "X-Other: x\r\n";
  EXPECT_EQ(Refused(fields), StatusCode::kOk);
  EXPECT_EQ(Refused(fields + "Cc: x\r\n"), StatusCode::kFailedPrecondition);
  std::string longest = "From: a@b\r\nX: ";
  longest.resize(limits::kHeaderSectionBytesMax, 'x');
  EXPECT_EQ(Refused(longest), StatusCode::kOk);
  EXPECT_EQ(Refused(longest + "x"), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ringpost::mail
