// A server's certificates against its TLSA records (RFC 6698 section 2.1, RFC 7671 section 5, RFC
// 7672 section 3). Private to gateway/tls.
//
// DANE-EE: the leaf alone, by its bytes or its key's; neither its names nor its dates count, nor
// who signed it. DANE-TA: a chain from the leaf to an authority of the records, with its
// signatures, dates, constraints and one of DanePolicy::names; no authority of the system's counts.
// The authority is one of the certificates presented behind the leaf, or stands whole in a record
// and is presented or not; of a key alone (2 1 0), whose certificate is not presented, the last
// certificate of the chain must be signed by it.
//
// Threads: functions; any.
#pragma once

#include <openssl/base.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "gateway/base/dane_policy.h"
#include "gateway/tls/peer_proof.h"

namespace ringpost::tls {

struct PeerVerdict {
  PeerProof proof = PeerProof::kNone;
  PeerFault fault = PeerFault::kNone;
  std::string words;  // of the fault
};

// Of the certificates that `ssl`'s session has.
PeerVerdict VerifyDane(const SSL* ssl, const DanePolicy& policy);
// What X509_verify_cert found wrong.
PeerFault FaultOf(long verify_result);
// What a fatal alert says of it (RFC 8446 section 6.2).
uint8_t AlertOf(PeerFault fault);
// Under which name a session is kept that was agreed on with `peer` held to `policy`: another set
// of records never finds it, nor does who holds the peer to none.
std::string DaneSessionName(const DanePolicy& policy, const std::string& peer);

}  // namespace ringpost::tls
