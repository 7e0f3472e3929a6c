// Reports on TLS: against golden files, against a JSON schema made from the text of RFC 8460
// section 4.4 (show_tls_report.py), and as Python's email package reads the mail.
// RINGPOST_UPDATE_GOLDEN=1 writes the golden files anew.
#include "gateway/mail/tls_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "gateway/base/text.h"
#include "gateway/mail/tls_report_limits.h"
#include "tests/unit/mail/python.h"

namespace ringpost::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr WallTime kMidnight = WallTime(Millis(1'795'824'000'000));  // 2026-11-28

TlsEvent Failure(TlsResult result, const char* helo = "") {
  TlsEvent event;
  event.result = result;
  event.sending_address = IpAddress::Parse("2001:db8:abcd:12::1");
  event.receiving_address = IpAddress::Parse("192.0.2.58");
  event.mx_host = "mx-backup.mail.company-y.example";
  event.helo = helo;
  event.reason = "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED";
  return event;
}

// A day as in appendix B of the standard, and one policy of each other type.
TlsPolicySums Sums() {
  TlsDay day;
  TlsPolicy sts;
  sts.type = TlsPolicyType::kSts;
  sts.strings = {"version: STSv1", "mode: testing", "mx: *.mail.company-y.example",
                 "max_age: 86400"};
  sts.mx_hosts = {"*.mail.company-y.example"};
  for (int i = 0; i < 5326; ++i) day.Add("company-y.example", &sts, {});
  for (int i = 0; i < 100; ++i) {
    day.Add("company-y.example", &sts, Failure(TlsResult::kCertificateExpired));
  }
  for (int i = 0; i < 200; ++i) {
    day.Add("company-y.example", &sts, Failure(TlsResult::kStarttlsNotSupported, "mx2 \"x\""));
  }
  TlsPolicy tlsa;
  tlsa.type = TlsPolicyType::kTlsa;
  tlsa.domain = "mx.mail.company-y.example";
  tlsa.strings = {"3 0 1 1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D"};
  day.Add("company-y.example", &tlsa, {});
  day.Add("company-y.example", nullptr, {.result = TlsResult::kValidationFailure});
  return *day.Find("company-y.example");
}

struct TlsReportTest : testing::Test {
  TlsPolicySums sums = Sums();
  TlsReportInput input{.organization = "Company-X",
                       .contact = "sts-reporting@company-x.example",
                       .submitter = "company-x.example",
                       .hostname = "mx1.company-x.example",
                       .domain = "company-y.example",
                       .begin = kMidnight,
                       .end = kMidnight + Seconds(86'400),
                       .sums = &sums};

  std::string Mail(const TlsReport& report, const std::string& compressed,
                   const std::string& to = "tlsrpt@company-y.example") const {
    return BuildTlsReportMail({.report = &report,
                               .compressed = compressed,
                               .from = "tlsrpt@company-x.example",
                               .to = to,
                               .submitter = input.submitter,
                               .hostname = input.hostname,
                               .domain = input.domain,
                               .id = *MessageId::Parse("01HXF3J8ZP0000AAAAAAAAAAAA"),
                               .now = kMidnight + Seconds(93'600)});
  }
};

void IsGolden(const std::string& name, const std::string& bytes) {
  std::string path = std::string(RINGPOST_SOURCE_DIR "/tests/golden/tls_report/") + name;
  if (std::getenv("RINGPOST_UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << bytes;
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(bytes, std::string(std::istreambuf_iterator<char>(file), {})) << path;
}

// What the script says of a report, its JSON or its mail.
std::string Shown(const std::string& json, const std::string& mail) {
  static PythonScript script("show_tls_report.py");
  ScratchFolder folder;
  folder.Write("report.json", json);
  folder.Write("mail", mail);
  return script.Ask(folder);
}

TEST_F(TlsReportTest, IsAsTheGoldenFileHasIt) {
  IsGolden("company-y.json", BuildTlsReport(input).json);
}

TEST_F(TlsReportTest, NamesAreThoseOfTheStandard) {
  TlsReport report = BuildTlsReport(input);
  EXPECT_EQ(report.id, "20261128.company-y.example@mx1.company-x.example");
  EXPECT_EQ(report.file_name,
            "company-x.example!company-y.example!1795824000!1795910399!527c1d4f1b0ab3a6.json.gz");
  input.hostname = "mx2.company-x.example";
  EXPECT_NE(BuildTlsReport(input).file_name, report.file_name) << "another gateway's";
  input.end = kMidnight + Seconds(3600 * 14 + 60 * 30);
  TlsReport partial = BuildTlsReport(input);
  EXPECT_EQ(partial.id, "20261128-143000.company-y.example@mx2.company-x.example");
  EXPECT_THAT(partial.json, HasSubstr("\"end-datetime\": \"2026-11-28T14:29:59Z\""));
}

TEST_F(TlsReportTest, FitsTheSchemaAndTheMailBringsIt) {
  TlsReport report = BuildTlsReport(input);
  std::string compressed = Gzip(report.json);
  EXPECT_LT(compressed.size(), report.json.size());
  std::string mail = Mail(report, compressed);
  EXPECT_EQ(Shown(report.json, mail),
            "schema: fits\n"
            "type: multipart/report tlsrpt\n"
            "parts: text/plain application/tlsrpt+gzip\n"
            "file: " +
                report.file_name +
                "\n"
                "same json: True\n"
                "From: tlsrpt@company-x.example\n"
                "To: tlsrpt@company-y.example\n"
                "Subject: Report Domain: company-y.example Submitter: company-x.example Report-ID: "
                "<20261128.company-y.example@mx1.company-x.example>\n"
                "TLS-Report-Domain: company-y.example\n"
                "TLS-Report-Submitter: company-x.example\n"
                "TLS-Required: No\n"
                "Auto-Submitted: auto-generated\n");
  // Compressed, it may look otherwise under another version of the library.
  IsGolden("company-y.eml", Mail(report, std::string(100, '\x1f') + "a report"));
}

TEST_F(TlsReportTest, TheSchemaTellsWrongReportsApart) {
  std::string json = BuildTlsReport(input).json;
  std::string mail = Mail(BuildTlsReport(input), Gzip(json));
  struct Change {
    const char *from, *to;
  };
  for (const Change& change : {Change{"certificate-expired", "certificate-old"},
                               {"\"sts\"", "\"mta-sts\""},
                               {"\"report-id\"", "\"id\""},
                               {"5326", "\"5326\""},
                               {"2026-11-28T00:00:00Z", "yesterday"},
                               {"\"policy-string\": [", "\"policy-string\": [1, "},
                               {"192.0.2.58", "192.0.2.580"}}) {
    std::string wrong = json;
    size_t at = wrong.find(change.from);
    ASSERT_NE(at, std::string::npos) << change.from;
    wrong.replace(at, std::string(change.from).size(), change.to);
    EXPECT_THAT(Shown(wrong, mail), Not(HasSubstr("schema: fits"))) << change.to;
  }
}

TEST_F(TlsReportTest, HostileNamesStayWithinTheirFields) {
  TlsDay day;
  TlsEvent event = Failure(TlsResult::kValidationFailure, "a\"}],\"x\":[{\r\n\xff");
  event.mx_host = std::string(1000, 'm');
  event.reason = "\\\"\n";
  TlsPolicy policy;
  policy.type = TlsPolicyType::kTlsa;
  policy.strings = {"\x01\xff"};
  day.Add("company-y.example", &policy, event);
  sums = *day.Find("company-y.example");
  TlsReport report = BuildTlsReport(input);
  std::string compressed = Gzip(report.json);
  EXPECT_THAT(Shown(report.json, Mail(report, compressed)), HasSubstr("schema: fits\n"));
  std::string mail = Mail(report, compressed, "a@b.example>\r\nBcc: c@d.example");
  EXPECT_THAT(mail, Not(HasSubstr("\nBcc:")));
}

TEST_F(TlsReportTest, TheLongestNamesMakeLinesThatMailMayHave) {
  std::string longest;
  while (longest.size() < 240) longest += "abcdefghijkl.";
  longest += "example";
  input.submitter = input.hostname = input.domain = longest;
  TlsReport report = BuildTlsReport(input);
  std::string mail = Mail(report, Gzip(report.json));
  size_t begin = 0;
  for (size_t end = mail.find("\r\n"); end != std::string::npos; end = mail.find("\r\n", begin)) {
    EXPECT_LE(end - begin, 998u);
    begin = end + 2;
  }
  EXPECT_THAT(Shown(report.json, mail), HasSubstr("same json: True\n"));
}

}  // namespace
}  // namespace ringpost::mail
