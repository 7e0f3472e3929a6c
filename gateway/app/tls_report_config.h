// [tls_reports]: as whom reports on TLS (RFC 8460) are sent.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::app {

struct TlsReportConfig {
  std::string from;          // an address; empty: no reports are sent
  std::string organization;  // not empty
  std::string contact;       // likewise
  bool operator==(const TlsReportConfig&) const = default;

  std::string_view submitter() const { return std::string_view(from).substr(from.rfind('@') + 1); }
};

}  // namespace ringpost::app
