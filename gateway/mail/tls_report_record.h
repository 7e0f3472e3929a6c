// The TXT record at _smtp._tls.DOMAIN: where the domain wants reports on TLS with its exchangers
// (RFC 8460 section 3).
//
//   v=TLSRPTv1; rua=mailto:reports@example.com,https://reports.example.com/v1/tlsrpt
//
// Anybody writes such records, and about anybody's address: they are bounded
// (tls_report_limits.h), and whoever sends a report to what they name asks first whether that is an
// address of the Internet.
//
// Threads: functions over values; any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

struct TlsReportTarget {
  enum class Kind : uint8_t { kMail, kHttps };
  Kind kind = Kind::kMail;
  // kMail: an address, ASCII, of a domain. kHttps: an URL, visible ASCII, from its "https://" on.
  std::string to;

  std::string ToUri() const { return (kind == Kind::kMail ? "mailto:" : "") + to; }
  bool operator==(const TlsReportTarget&) const = default;
};

struct TlsReportRecord {
  std::vector<TlsReportTarget> targets;  // each once, in the record's order
  std::string words;                     // where there are none: why
};

// `texts`: all TXT records of the name, each with its strings joined. Where not just one of them
// begins as such records do, there is none. Fields that are not known are passed over (section 3);
// URIs of other schemes, and ones that are wrong, too.
TlsReportRecord ReadTlsReportRecord(std::span<const std::string> texts);

}  // namespace ringpost::mail
