#include "gateway/mail/tls_report.h"

#include <zlib.h>

#include <nlohmann/json.hpp>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/mail/content_encoding.h"
#include "gateway/mail/dsn_text.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/tls/aead.h"

namespace ringpost::mail {
namespace {

using Json = nlohmann::ordered_json;

constexpr Seconds kSecond{1};
constexpr Seconds kDay{86'400};
constexpr std::string_view kBoundary = "=_tls-report";  // "=_" is in no base64 (RFC 2045 6.7)

std::string Name(std::string_view domain) {
  return SafeText(domain, false, limits::kTlsNameBytesMax);
}

// Without milliseconds: "2026-11-28T00:00:00Z".
std::string DateTime(WallTime time) { return FormatRfc3339(time).substr(0, 19) + "Z"; }

int64_t UnixSeconds(WallTime time) { return ToMillis(time) / 1000; }

// What it covers, in digits: "20261128", and where that is not a whole day "20261128-143000".
std::string Covered(const TlsReportInput& input) {
  std::string text;
  std::string begin = DateTime(input.begin), end = DateTime(input.end);
  for (char c : begin.substr(0, 10)) {
    if (c != '-') text += c;
  }
  if (input.end >= input.begin + kDay) return text;
  text += '-';
  for (char c : end.substr(11, 8)) {
    if (c != ':') text += c;
  }
  return text;
}

// 16 hexadecimal digits, which no other report has.
std::string UniqueId(std::string_view report_id) {
  constexpr char kDigits[] = "0123456789abcdef";
  tls::Sha256 hash;
  hash.Update(report_id);
  auto bytes = hash.Finish();
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

Json DetailsOf(const TlsFailureSum& failure) {
  const TlsEvent& event = failure.event;
  Json json = {{"result-type", NameOf(event.result)}};
  if (event.sending_address) json["sending-mta-ip"] = event.sending_address->ToString();
  if (!event.mx_host.empty()) json["receiving-mx-hostname"] = event.mx_host;
  if (!event.helo.empty()) json["receiving-mx-helo"] = event.helo;
  if (event.receiving_address) json["receiving-ip"] = event.receiving_address->ToString();
  json["failed-session-count"] = failure.sessions;
  if (!event.reason.empty()) json["failure-reason-code"] = event.reason;
  return json;
}

Json PolicyOf(const TlsPolicySum& sum) {
  Json policy = {{"policy-type", NameOf(sum.policy.type)}};
  if (sum.policy.type != TlsPolicyType::kNoPolicyFound)
    policy["policy-string"] = sum.policy.strings;
  policy["policy-domain"] = sum.policy.domain;
  if (sum.policy.type == TlsPolicyType::kSts) policy["mx-host"] = sum.policy.mx_hosts;
  Json json = {{"policy", std::move(policy)},
               {"summary",
                {{"total-successful-session-count", sum.successful},
                 {"total-failure-session-count", sum.failed}}}};
  for (const TlsFailureSum& failure : sum.failures) {
    json["failure-details"].push_back(DetailsOf(failure));
  }
  return json;
}

}  // namespace

TlsReport BuildTlsReport(const TlsReportInput& input) {
  TlsReport report;
  report.id = Covered(input) + "." + Name(input.domain) + "@" + Name(input.hostname);
  const WallTime last = input.end - kSecond;
  report.file_name = Name(input.submitter) + "!" + Name(input.domain) + "!" +
                     std::to_string(UnixSeconds(input.begin)) + "!" +
                     std::to_string(UnixSeconds(last)) + "!" + UniqueId(report.id) + ".json.gz";
  Json json = {
      {"organization-name", input.organization},
      {"date-range", {{"start-datetime", DateTime(input.begin)}, {"end-datetime", DateTime(last)}}},
      {"contact-info", input.contact},
      {"report-id", report.id},
      {"policies", Json::array()}};
  for (const TlsPolicySum& sum : *input.sums) json["policies"].push_back(PolicyOf(sum));
  report.json = json.dump(2, ' ', false, Json::error_handler_t::replace);
  report.json += '\n';
  return report;
}

std::string Gzip(std::string_view bytes) {
  constexpr int kGzipWindow = 15 + 16, kMemoryLevel = 8;
  z_stream stream{};
  RP_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                        Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  RP_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string BuildTlsReportMail(const TlsReportMailInput& input) {
  const std::string host = Name(input.hostname), domain = Name(input.domain);
  const std::string submitter = Name(input.submitter);
  std::string out;
  AppendField("Date", FormatRfc5322Date(input.now), &out);
  out.append("From: <")
      .append(SafeText(input.from, false, ringpost::limits::kPathBytesMax))
      .append(">\r\n");
  out.append("To: <")
      .append(SafeText(input.to, false, ringpost::limits::kPathBytesMax))
      .append(">\r\n");
  AppendField("Subject",
              "Report Domain: " + domain + " Submitter: " + submitter + " Report-ID: <" +
                  input.report->id + ">",
              &out);
  AppendField("Message-ID", "<" + input.id.ToString() + "@" + host + ">", &out);
  AppendField("TLS-Report-Domain", domain, &out);
  AppendField("TLS-Report-Submitter", submitter, &out);
  AppendField("TLS-Required", "No", &out);
  AppendField("Auto-Submitted", "auto-generated", &out);
  AppendField("MIME-Version", "1.0", &out);
  out.append("Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"");
  out.append(kBoundary).append("\"\r\n\r\n--").append(kBoundary);
  out.append("\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
  AppendParagraph("This is an aggregate TLS report from " + submitter + " about mail sent to " +
                      domain + ", as its DNS asks for.",
                  0, &out);
  out.append("\r\n--").append(kBoundary);
  out.append("\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n");
  out.append("Content-Disposition: attachment;\r\n filename=\"");
  out.append(input.report->file_name).append("\"\r\n\r\n");
  AppendBase64(input.compressed, &out);
  out.append("--").append(kBoundary).append("--\r\n");
  return out;
}

}  // namespace ringpost::mail
