// What a session with a mail exchanger came to as far as TLS goes, in the terms of RFC 8460: under
// which policy it was, and what failed.
//
// Threads: values and functions; any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"

namespace ringpost::mail {

// RFC 8460 section 4.4, "policy-type".
enum class TlsPolicyType : uint8_t { kTlsa, kSts, kNoPolicyFound };

// RFC 8460 section 4.3, "result-type", and that nothing failed.
enum class TlsResult : uint8_t {
  kSuccess,
  kStarttlsNotSupported,
  kCertificateHostMismatch,
  kCertificateExpired,
  kCertificateNotTrusted,
  kValidationFailure,  // of TLS: whatever has no name of its own
  kTlsaInvalid,
  kDnssecInvalid,
  kDaneRequired,
  kStsPolicyFetchError,
  kStsPolicyInvalid,
  kStsWebpkiInvalid,
};

// As the report has them: "no-policy-found", "certificate-expired"; of kSuccess: "success".
std::string_view NameOf(TlsPolicyType type);
std::string_view NameOf(TlsResult result);
std::optional<TlsPolicyType> TlsPolicyTypeOf(std::string_view name);
std::optional<TlsResult> TlsResultOf(std::string_view name);

// A policy as it was applied. Made once, when it is found, and shared by all sessions under it.
struct TlsPolicy {
  TlsPolicyType type = TlsPolicyType::kNoPolicyFound;
  // What the policy is of, A-labels: of kSts the recipients' domain; of kTlsa the TLSA base domain,
  // which is the exchanger's (RFC 8460 section 1.1). Empty: the recipients' domain.
  std::string domain;
  // Of kTlsa each record's data ("3 1 1 1F850A33..."), of kSts each line of the policy file without
  // its end ("version: STSv1"), in the order in which they were found.
  std::vector<std::string> strings;
  std::vector<std::string> mx_hosts;  // of kSts: its patterns ("*.mail.company-y.example")

  bool operator==(const TlsPolicy&) const = default;
};

// How a session went. All but the result is optional, and only looked at where it failed.
struct TlsEvent {
  TlsResult result = TlsResult::kSuccess;
  std::optional<IpAddress> sending_address, receiving_address;
  std::string mx_host;  // the exchanger's name as its MX record has it, A-labels
  std::string helo;     // what it called itself in its 220 or its reply to EHLO
  std::string reason;  // "failure-reason-code": an error code or text; no secrets, nobody's address

  bool operator==(const TlsEvent&) const = default;
};

}  // namespace ringpost::mail
