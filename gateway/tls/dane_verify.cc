#include "gateway/tls/dane_verify.h"

#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/tls/errors.h"
#include "gateway/tls/tls_limits.h"

namespace ringpost::tls {
namespace {

std::string_view View(const CBS& cbs) {
  return {reinterpret_cast<const char*>(CBS_data(&cbs)), CBS_len(&cbs)};
}
const uint8_t* Bytes(std::string_view view) {
  return reinterpret_cast<const uint8_t*>(view.data());
}

// The bytes of subjectPublicKeyInfo (RFC 5280 section 4.1) as they stand in a certificate; empty:
// it is none.
std::string_view SpkiOf(std::string_view certificate) {
  CBS whole, outer, tbs, spki;
  CBS_init(&whole, Bytes(certificate), certificate.size());
  bool read = CBS_get_asn1(&whole, &outer, CBS_ASN1_SEQUENCE) &&
              CBS_get_asn1(&outer, &tbs, CBS_ASN1_SEQUENCE) &&
              CBS_get_optional_asn1(&tbs, nullptr, nullptr,
                                    CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED) &&
              CBS_get_asn1(&tbs, nullptr, CBS_ASN1_INTEGER) &&   // serial number
              CBS_get_asn1(&tbs, nullptr, CBS_ASN1_SEQUENCE) &&  // signature
              CBS_get_asn1(&tbs, nullptr, CBS_ASN1_SEQUENCE) &&  // issuer
              CBS_get_asn1(&tbs, nullptr, CBS_ASN1_SEQUENCE) &&  // validity
              CBS_get_asn1(&tbs, nullptr, CBS_ASN1_SEQUENCE) &&  // subject
              CBS_get_asn1_element(&tbs, &spki, CBS_ASN1_SEQUENCE);
  return read ? View(spki) : std::string_view();
}

// A certificate that the peer presented, and what records compare of it.
class Presented {
 public:
  Presented(X509* certificate, const CRYPTO_BUFFER* der) : certificate_(certificate) {
    CBS whole;
    CRYPTO_BUFFER_init_CBS(der, &whole);
    selected_[TlsaRecord::kCert] = View(whole);
    selected_[TlsaRecord::kSpki] = SpkiOf(View(whole));
  }

  X509* certificate() const { return certificate_; }
  bool Matches(const TlsaRecord& record) {
    if (record.selector >= selected_.size()) return false;
    std::string_view bytes = selected_[record.selector];
    if (bytes.empty()) return false;
    switch (record.matching_type) {
      case TlsaRecord::kFull:
        return record.data == bytes;
      case TlsaRecord::kSha256:
      case TlsaRecord::kSha512:
        return record.data == Digest(record.selector, record.matching_type);
      default:
        return false;
    }
  }

 private:
  // Made once, however many records ask for it.
  const std::string& Digest(uint8_t selector, uint8_t matching_type) {
    bool sha512 = matching_type == TlsaRecord::kSha512;
    std::string& digest = digests_[selector * 2 + (sha512 ? 1 : 0)];
    if (!digest.empty()) return digest;
    std::string_view bytes = selected_[selector];
    digest.resize(sha512 ? SHA512_DIGEST_LENGTH : SHA256_DIGEST_LENGTH);
    auto* out = reinterpret_cast<uint8_t*>(digest.data());
    sha512 ? SHA512(Bytes(bytes), bytes.size(), out) : SHA256(Bytes(bytes), bytes.size(), out);
    return digest;
  }

  X509* certificate_;
  std::array<std::string_view, 2> selected_;  // by selector
  std::array<std::string, 4> digests_;
};

std::vector<Presented> PresentedBy(const SSL* ssl) {
  std::vector<Presented> presented;
  const STACK_OF(X509)* chain = SSL_get_peer_full_cert_chain(ssl);
  const STACK_OF(CRYPTO_BUFFER)* ders = SSL_get0_peer_certificates(ssl);
  size_t count = chain == nullptr || ders == nullptr
                     ? 0
                     : std::min(sk_X509_num(chain), sk_CRYPTO_BUFFER_num(ders));
  count = std::min(count, limits::kDanePresentedMax);
  for (size_t i = 0; i < count; ++i) {
    presented.emplace_back(sk_X509_value(chain, i), sk_CRYPTO_BUFFER_value(ders, i));
  }
  return presented;
}

// The last of the certificates that each issued the one before it.
X509* TopOf(const std::vector<Presented>& presented) {
  size_t top = 0;
  while (top + 1 < presented.size() &&
         X509_check_issued(presented[top + 1].certificate(), presented[top].certificate()) ==
             X509_V_OK) {
    ++top;
  }
  return presented[top].certificate();
}

bool IsSignedBy(X509* certificate, std::string_view spki) {
  CBS cbs;
  CBS_init(&cbs, Bytes(spki), spki.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  return key && CBS_len(&cbs) == 0 && X509_verify(certificate, key.get()) == 1;
}

// The authorities that DANE-TA records make of a peer's chain.
class Authorities {
 public:
  Authorities() : store_(X509_STORE_new()) { RP_CHECK(store_ != nullptr); }

  void Add(const DanePolicy& policy, std::vector<Presented>* presented) {
    size_t keys = 0;
    for (const TlsaRecord& record : policy.records) {
      if (record.usage != TlsaRecord::kDaneTa) continue;
      bool found = false;
      // Behind the leaf, which is nobody's authority.
      for (size_t i = 1; i < presented->size(); ++i) {
        if ((*presented)[i].Matches(record)) found = Take((*presented)[i].certificate(), record);
      }
      // What stands in the record whole need not be presented.
      if (found || record.matching_type != TlsaRecord::kFull) continue;
      if (record.selector == TlsaRecord::kCert) {
        if (!presented->front().Matches(record)) TakeWhole(record);
      } else if (keys++ < limits::kDaneBareKeysMax) {
        X509* top = TopOf(*presented);
        if (IsSignedBy(top, record.data)) Take(top, record);
      }
    }
    ForgetErrors();
  }

  X509_STORE* store() const { return store_.get(); }
  // The first record that one came of, or null.
  const TlsaRecord* record() const { return record_; }

 private:
  bool Take(X509* certificate, const TlsaRecord& record) {
    RP_CHECK(X509_STORE_add_cert(store_.get(), certificate) == 1);
    if (record_ == nullptr) record_ = &record;
    return true;
  }
  void TakeWhole(const TlsaRecord& record) {
    const uint8_t* at = Bytes(record.data);
    const uint8_t* end = at + record.data.size();
    bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(end - at)));
    if (certificate && at == end) Take(certificate.get(), record);
  }

  bssl::UniquePtr<X509_STORE> store_;
  const TlsaRecord* record_ = nullptr;
};

// X509_V_OK, or what is wrong with the chain from the leaf to one of the authorities.
int VerifyChain(const SSL* ssl, const DanePolicy& policy, const Authorities& authorities) {
  STACK_OF(X509)* chain = SSL_get_peer_full_cert_chain(ssl);
  bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  RP_CHECK(context != nullptr);
  if (X509_STORE_CTX_init(context.get(), authorities.store(), sk_X509_value(chain, 0), chain) !=
          1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1) {
    return X509_V_ERR_UNSPECIFIED;
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  // An authority need not be its own (RFC 7671 section 5.2), and what is behind it is not looked
  // at.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  // RFC 7672 section 3.2.3: the subject's common name counts where the certificate has no DNS name.
  X509_VERIFY_PARAM_set_hostflags(param, 0);
  for (const std::string& name : policy.names) {
    if (X509_VERIFY_PARAM_add1_host(param, name.data(), name.size()) != 1)
      return X509_V_ERR_HOSTNAME_MISMATCH;
  }
  if (policy.names.empty()) return X509_V_ERR_HOSTNAME_MISMATCH;
  if (X509_verify_cert(context.get()) == 1) return X509_V_OK;
  int error = X509_STORE_CTX_get_error(context.get());
  return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

std::string Mismatch(const DanePolicy& policy) {
  std::string words = "no TLSA record matches what was presented: ";
  size_t named = std::min(policy.records.size(), limits::kDaneWordsRecordsMax);
  for (size_t i = 0; i < named; ++i) {
    if (i > 0) words += ", ";
    words += TlsaText(policy.records[i], limits::kDaneWordsDataBytes);
  }
  if (named == policy.records.size()) return words;
  return words + " and " + std::to_string(policy.records.size() - named) + " more";
}

}  // namespace

PeerVerdict VerifyDane(const SSL* ssl, const DanePolicy& policy) {
  std::vector<Presented> presented = PresentedBy(ssl);
  if (presented.empty()) return {PeerProof::kNone, PeerFault::kOther, "no certificate is there"};
  bool matches =
      std::any_of(policy.records.begin(), policy.records.end(), [&](const TlsaRecord& record) {
        return record.usage == TlsaRecord::kDaneEe && presented.front().Matches(record);
      });
  if (matches) return {PeerProof::kDaneEe, PeerFault::kNone, ""};
  Authorities authorities;
  authorities.Add(policy, &presented);
  if (authorities.record() == nullptr) {
    return {PeerProof::kNone, PeerFault::kTlsaMismatch, Mismatch(policy)};
  }
  int error = VerifyChain(ssl, policy, authorities);
  ForgetErrors();
  if (error == X509_V_OK) return {PeerProof::kDaneTa, PeerFault::kNone, ""};
  return {PeerProof::kNone, FaultOf(error),
          "by the authority of TLSA record " +
              TlsaText(*authorities.record(), limits::kDaneWordsDataBytes) + ": " +
              X509_verify_cert_error_string(error)};
}

PeerFault FaultOf(long verify_result) {
  switch (verify_result) {
    case X509_V_OK:
      return PeerFault::kNone;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return PeerFault::kHostMismatch;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return PeerFault::kExpired;
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_INVALID_CALL:
    case X509_V_ERR_STORE_LOOKUP:
      return PeerFault::kOther;
    default:
      return PeerFault::kNotTrusted;
  }
}

uint8_t AlertOf(PeerFault fault) {
  switch (fault) {
    case PeerFault::kExpired:
      return SSL_AD_CERTIFICATE_EXPIRED;
    case PeerFault::kNotTrusted:
      return SSL_AD_UNKNOWN_CA;
    case PeerFault::kNone:
    case PeerFault::kHostMismatch:
    case PeerFault::kTlsaMismatch:
      return SSL_AD_BAD_CERTIFICATE;
    case PeerFault::kOther:
      return SSL_AD_CERTIFICATE_UNKNOWN;
  }
  return SSL_AD_CERTIFICATE_UNKNOWN;
}

std::string_view ReportResultType(PeerFault fault) {
  switch (fault) {
    case PeerFault::kNone:
      return "";
    case PeerFault::kHostMismatch:
      return "certificate-host-mismatch";
    case PeerFault::kExpired:
      return "certificate-expired";
    case PeerFault::kNotTrusted:
    case PeerFault::kTlsaMismatch:
      return "certificate-not-trusted";
    case PeerFault::kOther:
      return "validation-failure";
  }
  return "validation-failure";
}

std::string DaneSessionName(const DanePolicy& policy, const std::string& peer) {
  SHA256_CTX hash;
  SHA256_Init(&hash);
  // Each with its length before it, so that no two sets have the same bytes.
  auto add = [&](std::string_view bytes) {
    uint64_t size = bytes.size();
    SHA256_Update(&hash, &size, sizeof size);
    SHA256_Update(&hash, bytes.data(), bytes.size());
  };
  add(policy.base_domain);
  for (const std::string& name : policy.names) add(name);
  add("");
  for (const TlsaRecord& record : policy.records) {
    const uint8_t fields[] = {record.usage, record.selector, record.matching_type};
    SHA256_Update(&hash, fields, sizeof fields);
    add(record.data);
  }
  std::string name("dane\0", 5);
  name.resize(name.size() + SHA256_DIGEST_LENGTH);
  SHA256_Final(reinterpret_cast<uint8_t*>(name.data()) + 5, &hash);
  return name + peer;
}

}  // namespace ringpost::tls
