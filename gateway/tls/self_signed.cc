#include "gateway/tls/self_signed.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/base/check.h"
#include "gateway/tls/self_signed_parts.h"

namespace ringpost::tls {
namespace {

constexpr int kRsaBits = 2048;

bssl::UniquePtr<EVP_PKEY> MakeKey(Certificate::KeyKind kind) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (kind == Certificate::KeyKind::kRsa) {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    RP_CHECK(BN_set_word(exponent.get(), RSA_F4) == 1 &&
             RSA_generate_key_ex(rsa.get(), kRsaBits, exponent.get(), nullptr) == 1 &&
             EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
    return key;
  }
  if (kind == Certificate::KeyKind::kEd25519) {
    uint8_t shared[ED25519_PUBLIC_KEY_LEN], secret[ED25519_PRIVATE_KEY_LEN];
    ED25519_keypair(shared, secret);
    key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret, 32));
    OPENSSL_cleanse(secret, sizeof secret);
    RP_CHECK(key != nullptr);
    return key;
  }
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  RP_CHECK(ec && EC_KEY_generate_key(ec.get()) == 1 &&
           EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

void AddExtension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, context, nid, const_cast<char*>(value.c_str())));
  RP_CHECK(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void SetNames(X509* certificate, const std::vector<std::string>& names) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  // X.520 gives it 64 bytes; what counts are the alternative names.
  std::string_view common =
      names.front().size() <= 64 ? std::string_view(names.front()) : "ringpost";
  RP_CHECK(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                      reinterpret_cast<uint8_t*>(const_cast<char*>(common.data())),
                                      static_cast<ptrdiff_t>(common.size()), -1, 0) == 1);
  RP_CHECK(X509_set_issuer_name(certificate, subject) == 1);
  std::string alternatives;
  for (const std::string& name : names)
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  AddExtension(certificate, &context, NID_subject_alt_name, alternatives);
  AddExtension(certificate, &context, NID_basic_constraints, "critical,CA:FALSE");
}

std::string TakePem(BIO* bio) {
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  RP_CHECK(BIO_mem_contents(bio, &bytes, &count) == 1);
  return {reinterpret_cast<const char*>(bytes), count};
}

}  // namespace

SelfSigned BuildSelfSigned(const std::vector<std::string>& names, Certificate::KeyKind kind,
                           WallTime now, int days, X509_EXTENSION* extra) {
  RP_CHECK(!names.empty());
  SelfSigned made{bssl::UniquePtr<X509>(X509_new()), MakeKey(kind)};
  X509* x509 = made.certificate.get();
  time_t seconds = ToMillis(now) / 1000;
  bssl::UniquePtr<BIGNUM> serial(BN_new());
  RP_CHECK(X509_set_version(x509, X509_VERSION_3) == 1 &&
           BN_rand(serial.get(), 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x509)) != nullptr &&
           ASN1_TIME_adj(X509_getm_notBefore(x509), seconds, 0, -3600) != nullptr &&
           ASN1_TIME_adj(X509_getm_notAfter(x509), seconds, days, 0) != nullptr &&
           X509_set_pubkey(x509, made.key.get()) == 1);
  SetNames(x509, names);
  if (extra) RP_CHECK(X509_add_ext(x509, extra, -1) == 1);
  const EVP_MD* digest = kind == Certificate::KeyKind::kEd25519 ? nullptr : EVP_sha256();
  RP_CHECK(X509_sign(x509, made.key.get(), digest) > 0);
  return made;
}

PemPair MakeSelfSigned(const std::vector<std::string>& names, Certificate::KeyKind kind,
                       WallTime now, int days) {
  SelfSigned made = BuildSelfSigned(names, kind, now, days, nullptr);
  bssl::UniquePtr<BIO> chain_pem(BIO_new(BIO_s_mem())), key_pem(BIO_new(BIO_s_mem()));
  RP_CHECK(PEM_write_bio_X509(chain_pem.get(), made.certificate.get()) == 1 &&
           PEM_write_bio_PKCS8PrivateKey(key_pem.get(), made.key.get(), nullptr, nullptr, 0,
                                         nullptr, nullptr) == 1);
  return {TakePem(chain_pem.get()), TakePem(key_pem.get())};
}

}  // namespace ringpost::tls
