// Certificates of an authority's for tests: any dates, any names, any issuer.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/dane_policy.h"
#include "gateway/tls/certificate.h"

namespace ringpost::tls {

struct Issued {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;

  static std::string Taken(uint8_t* bytes, int count) {
    std::string text(reinterpret_cast<char*>(bytes), static_cast<size_t>(count));
    OPENSSL_free(bytes);
    return text;
  }
  std::string Der() const {
    uint8_t* out = nullptr;
    int count = i2d_X509(certificate.get(), &out);
    return Taken(out, count);
  }
  std::string Spki() const {
    uint8_t* out = nullptr;
    int count = i2d_PUBKEY(key.get(), &out);
    return Taken(out, count);
  }
  std::string Pem() const {
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_X509(bio.get(), certificate.get()), 1);
    return Text(bio.get());
  }
  std::string KeyPem() const {
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    EXPECT_EQ(
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
        1);
    return Text(bio.get());
  }
  static std::string Text(BIO* bio) {
    const uint8_t* bytes = nullptr;
    size_t count = 0;
    EXPECT_EQ(BIO_mem_contents(bio, &bytes, &count), 1);
    return {reinterpret_cast<const char*>(bytes), count};
  }
};

struct IssueOptions {
  std::vector<std::string> names;  // DNS names; none: no such extension
  bool authority = false;
  long from_days = -1, to_days = 30;  // from now
  const char* purpose = nullptr;      // extended key usage
  const Issued* signer = nullptr;     // whose key signs, though the issuer says it is another
};

// `issuer` null: signed by itself.
inline Issued Issue(const std::string& subject, const Issued* issuer, IssueOptions options) {
  Issued made;
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  EXPECT_EQ(EC_KEY_generate_key(ec.get()), 1);
  made.key.reset(EVP_PKEY_new());
  EXPECT_EQ(EVP_PKEY_set1_EC_KEY(made.key.get(), ec.get()), 1);
  made.certificate.reset(X509_new());
  X509* x509 = made.certificate.get();
  static long serial = 1;
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), options.from_days * 86'400);
  X509_gmtime_adj(X509_getm_notAfter(x509), options.to_days * 86'400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const uint8_t*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(issuer ? issuer->certificate.get() : x509));
  X509_set_pubkey(x509, made.key.get());
  auto extend = [&](int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, x509, x509, nullptr, nullptr, 0);
    bssl::UniquePtr<X509_EXTENSION> extension(
        X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
    EXPECT_TRUE(extension != nullptr) << value;
    X509_add_ext(x509, extension.get(), -1);
  };
  extend(NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (options.purpose != nullptr) extend(NID_ext_key_usage, options.purpose);
  std::string names;
  for (const std::string& name : options.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) extend(NID_subject_alt_name, names);
  const Issued* signer = options.signer ? options.signer : issuer ? issuer : &made;
  EXPECT_GT(X509_sign(x509, signer->key.get(), EVP_sha256()), 0);
  return made;
}

// A server's chain; dates are not looked at.
inline std::shared_ptr<const Certificate> ChainOf(const std::vector<const Issued*>& chain,
                                                  WallTime now) {
  std::string pem;
  for (const Issued* one : chain) pem += one->Pem();
  auto made = Certificate::Parse(pem, chain[0]->KeyPem(), {"chain.pem", "key.pem"}, now);
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  return *made;
}

// The record that `one` matches.
inline TlsaRecord RecordOf(int usage, int selector, int matching_type, const Issued& one) {
  std::string bytes = selector == TlsaRecord::kCert ? one.Der() : one.Spki();
  auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  std::string digest;
  if (matching_type == TlsaRecord::kSha256) {
    digest.resize(SHA256_DIGEST_LENGTH);
    SHA256(data, bytes.size(), reinterpret_cast<uint8_t*>(digest.data()));
  } else if (matching_type == TlsaRecord::kSha512) {
    digest.resize(SHA512_DIGEST_LENGTH);
    SHA512(data, bytes.size(), reinterpret_cast<uint8_t*>(digest.data()));
  } else {
    digest = bytes;
  }
  return {static_cast<uint8_t>(usage), static_cast<uint8_t>(selector),
          static_cast<uint8_t>(matching_type), digest};
}

}  // namespace ringpost::tls
