// A report on TLS with a domain's mail exchangers (RFC 8460): its JSON (section 4), its names
// (section 5.1), and the mail that brings it (section 5.3). Who sends it by HTTPS posts the
// compressed JSON (section 5.4).
//
//   TlsReport report = BuildTlsReport(input);
//   std::string body = Gzip(report.json);
//   std::string mail = BuildTlsReportMail({.report = &report, .compressed = body, ...});
//
// A report on the same day from the same gateway has the same id, whenever it is made: who gets it
// twice sees that.
//
// Threads: functions over values; any.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"
#include "gateway/mail/tls_sums.h"

namespace ringpost::mail {

struct TlsReportInput {
  std::string_view organization;
  std::string_view contact;
  std::string_view submitter;  // the domain that reports: that of the mail's From
  std::string_view hostname;   // of this gateway, to tell apart gateways of one submitter
  std::string_view domain;     // whose exchangers it is about, A-labels
  WallTime begin;              // of the day
  WallTime end;                // what it covers ends before: the next midnight, or sooner
  const TlsPolicySums* sums = nullptr;
};

struct TlsReport {
  std::string id;         // without angle brackets; an id-left and an id-right of RFC 5322
  std::string file_name;  // ".json.gz"
  std::string json;
};

TlsReport BuildTlsReport(const TlsReportInput& input);

// RFC 1952; the same for the same.
std::string Gzip(std::string_view bytes);

struct TlsReportMailInput {
  const TlsReport* report = nullptr;
  std::string_view compressed;
  std::string_view from;  // an address
  std::string_view to;    // an address
  std::string_view submitter, hostname, domain;
  MessageId id;
  WallTime now;
};

// Header section and body, CRLF lines of at most 998 bytes, ASCII. It is to be signed: RFC 8460
// section 5.3 has receivers ignore reports that are not. "TLS-Required: No" (RFC 8689) says to
// every hop that it is to be delivered although TLS fails (RFC 8460 section 3).
std::string BuildTlsReportMail(const TlsReportMailInput& input);

}  // namespace ringpost::mail
