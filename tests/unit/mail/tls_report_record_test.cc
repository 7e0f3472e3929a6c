#include "gateway/mail/tls_report_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/mail/tls_report_limits.h"

namespace ringpost::mail {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = TlsReportTarget::Kind;

TlsReportRecord Read(std::vector<std::string> texts) { return ReadTlsReportRecord(texts); }
TlsReportTarget Mail(const char* to) { return {Kind::kMail, to}; }
TlsReportTarget Https(const char* to) { return {Kind::kHttps, to}; }

TEST(TlsReportRecordTest, ExamplesOfTheStandard) {
  EXPECT_THAT(Read({"v=TLSRPTv1;rua=mailto:reports@example.com"}).targets,
              ElementsAre(Mail("reports@example.com")));
  EXPECT_THAT(Read({"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"}).targets,
              ElementsAre(Https("https://reporting.example.com/v1/tlsrpt")));
}

TEST(TlsReportRecordTest, SeveralPlacesEachOnceInTheirOrder) {
  TlsReportRecord record =
      Read({"v=TLSRPTv1 ;\trua=HTTPS://a.example/x , MAILTO:b@b.example,https://a.example/x;"});
  EXPECT_THAT(record.targets, ElementsAre(Https("https://a.example/x"), Mail("b@b.example")));
  EXPECT_EQ(record.words, "");
  EXPECT_EQ(record.targets[1].ToUri(), "mailto:b@b.example");
  EXPECT_EQ(record.targets[0].ToUri(), "https://a.example/x");
}

TEST(TlsReportRecordTest, OtherRecordsOfTheNameArePassedOver) {
  EXPECT_THAT(
      Read({"v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@b.example", "", "v=TLSRPTv12; rua=x"}).targets,
      ElementsAre(Mail("a@b.example")));
  EXPECT_THAT(Read({}).words, HasSubstr("asks for no reports"));
  EXPECT_THAT(Read({"v=tlsrptv1; rua=mailto:a@b.example"}).words, HasSubstr("asks for no reports"));
  EXPECT_THAT(Read({"v=TLSRPTv1"}).words, HasSubstr("asks for no reports"));
  EXPECT_THAT(Read({" v=TLSRPTv1;rua=mailto:a@b.example"}).words, HasSubstr("for no reports"));
}

TEST(TlsReportRecordTest, SeveralAreNone) {
  TlsReportRecord record =
      Read({"v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example"});
  EXPECT_THAT(record.targets, IsEmpty());
  EXPECT_THAT(record.words, HasSubstr("several"));
}

TEST(TlsReportRecordTest, UnknownFieldsAndSchemesArePassedOver) {
  EXPECT_THAT(Read({"v=TLSRPTv1; x-1.y=z; rua=ftp://a.example/,mailto:a@b.example; ruf=mailto:c@d"})
                  .targets,
              ElementsAre(Mail("a@b.example")));
}

TEST(TlsReportRecordTest, WhatIsMalformedNamesNoPlace) {
  for (const char* text :
       {"v=TLSRPTv1;;rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example; x",
        "v=TLSRPTv1; =x; rua=mailto:a@b.example", "v=TLSRPTv1; a b=x; rua=mailto:a@b.example",
        "v=TLSRPTv1; abcdefghijklmnopqrstuvwxyz0123456=x; rua=mailto:a@b.example"}) {
    TlsReportRecord record = Read({text});
    EXPECT_THAT(record.targets, IsEmpty()) << text;
    EXPECT_THAT(record.words, HasSubstr("malformed")) << text;
  }
  for (const char* text :
       {"v=TLSRPTv1;", "v=TLSRPTv1; rua=", "v=TLSRPTv1; RUA=mailto:a@b.example"}) {
    EXPECT_THAT(Read({text}).words, HasSubstr("no place")) << text;
  }
}

TEST(TlsReportRecordTest, UrisThatAreWrongArePassedOver) {
  for (const char* uri :
       {"mailto:", "mailto:a", "mailto:a@b.example!10m", "mailto:a@[192.0.2.1]", "mailto:a@b..c",
        "mailto:a%40", "mailto:a%4", "mailto:%zz@b.example", "mailto:a@b.example%0d%0aBcc:x@y.z",
        "mailto:a@b.example%2Cc@d.example", "mailto:\xc3\xbc@b.example", "mailto:a b@c.example",
        "https://", "http://a.example/", "https://a.example/\x7f", "//a.example", "a@b.example"}) {
    EXPECT_THAT(Read({std::string("v=TLSRPTv1; rua=") + uri}).targets, IsEmpty()) << uri;
  }
  EXPECT_THAT(Read({"v=TLSRPTv1; rua=mailto:a%2Bb%21c@d.example?subject=x"}).targets,
              ElementsAre(Mail("a+b!c@d.example")));
}

TEST(TlsReportRecordTest, BoundsHold) {
  std::string many = "v=TLSRPTv1; rua=";
  for (int i = 0; i < 50; ++i) many += "mailto:" + std::to_string(i) + "@b.example,";
  EXPECT_EQ(Read({many}).targets.size(), limits::kTlsReportTargetsMax);
  EXPECT_THAT(
      Read({"v=TLSRPTv1; rua=https://a.example/" + std::string(1100, 'x') + ",mailto:a@b.example"})
          .targets,
      ElementsAre(Mail("a@b.example")));
  std::string longest = "v=TLSRPTv1; rua=mailto:a@b.example; x=" + std::string(5000, 'x');
  EXPECT_THAT(Read({longest}).targets, IsEmpty());
}

}  // namespace
}  // namespace ringpost::mail
