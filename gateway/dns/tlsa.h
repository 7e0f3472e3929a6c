// TLSA records (RFC 6698 section 2), and which of a host's an SMTP client goes by (RFC 7671, RFC
// 7672).
//
// An answer does not break on a record that cannot be read: the record is there and is "unusable"
// (RFC 6698 section 4.1), so that a host with no other one must still be spoken to by TLS (RFC 7672
// section 2.2).
//
// Threads: values and functions; any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/dane_policy.h"
#include "gateway/dns/record.h"

namespace ringpost::dns {

// The fields of RDATA. False: it is too short to have them all.
[[nodiscard]] bool ReadTlsa(std::string_view rdata, TlsaRecord* record);

// Why an SMTP client cannot use it; empty: it can. Usages 0 and 1 are not for SMTP (RFC 7672
// section 3.1.3); selectors and matching types are those that have a meaning; a digest has its
// length, and a whole certificate or key is one DER value (it is not looked into here).
std::string_view WhyTlsaUnusable(const TlsaRecord& record);

struct UsableTlsa {
  std::vector<TlsaRecord> records;  // in the order of the answer, each once
  size_t unusable = 0;
  std::string words;  // of the first that is unusable: "3 1 1 0b9f...: ..."
};
// Of the records for one usage and selector, of those with a digest only these with the strongest
// (RFC 7671 section 9); whole certificates and keys stay beside them. Of more than
// limits::kTlsaRecordsMax the first stay.
UsableTlsa ReadUsableTlsa(std::span<const Record> records);

}  // namespace ringpost::dns
