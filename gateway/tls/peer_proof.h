// What proved who a server is, or why nothing did, as a report to its operator has it (RFC 8460
// section 4.3.1).
//
// Threads: values; any.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::tls {

enum class PeerProof : uint8_t {
  kNone,    // it may be anybody
  kPkix,    // a chain to an authority of ours, for the name that was asked for
  kDaneTa,  // a chain to an authority of its TLSA records, for one of the names (RFC 7672 3.1.2)
  kDaneEe,  // its certificate or key is that of a TLSA record (RFC 7672 section 3.1.1)
};

enum class PeerFault : uint8_t {
  kNone,
  kHostMismatch,  // the certificate is for other names
  kExpired,       // a certificate of the chain is not valid now: not yet, or not any more
  kNotTrusted,    // no chain leads to an authority, or one of it may not do what it does there
  kTlsaMismatch,  // nothing that was presented is in the TLSA records
  kOther,         // it could not be verified at all
};

// RFC 8460's result type, "certificate-expired"; empty for kNone. kTlsaMismatch is
// "certificate-not-trusted" there: the policy's type says that it was DANE.
std::string_view ReportResultType(PeerFault fault);

}  // namespace ringpost::tls
