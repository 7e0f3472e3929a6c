// What the DNS says of a server's certificate (TLSA, RFC 6698), as values: dns finds it, tls holds
// a peer to it, and neither knows the other.
//
// Threads: values; a DanePolicy is shared between connections as pointer to const.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringpost {

// The fields of RFC 6698 section 2.1, by the names of RFC 7218.
struct TlsaRecord {
  static constexpr uint8_t kDaneTa = 2, kDaneEe = 3;             // usage
  static constexpr uint8_t kCert = 0, kSpki = 1;                 // selector
  static constexpr uint8_t kFull = 0, kSha256 = 1, kSha512 = 2;  // matching type

  uint8_t usage = 0;
  uint8_t selector = 0;
  uint8_t matching_type = 0;
  std::string data;  // bytes

  auto operator<=>(const TlsaRecord&) const = default;
};

// "3 1 1 0b9fa5a5...", as RFC 6698 section 2.2 and TLS reports (RFC 8460 section 4.4) have it. Of
// the data no more than so many bytes, and "..." for the rest.
std::string TlsaText(const TlsaRecord& record, size_t data_bytes_max = SIZE_MAX);

// What a host's certificate must match before it is spoken to.
struct DanePolicy {
  // The name below which the records are (RFC 7671 section 7): asked for by SNI (RFC 7672 section
  // 8.1), and the first of `names`. Canonical.
  std::string base_domain;
  // Usable ones, at least one: usage 2 and 3 alone, and digests of their length.
  std::vector<TlsaRecord> records;
  // For DANE-TA alone: the certificate must be for one of these (RFC 7672 section 3.2.2).
  std::vector<std::string> names;

  bool operator==(const DanePolicy&) const = default;
};

}  // namespace ringpost
