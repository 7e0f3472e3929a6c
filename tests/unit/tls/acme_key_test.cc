// ACME's keys against the library's own verification.
#include "gateway/tls/acme_key.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/base/base64url.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bssl::UniquePtr<EVP_PKEY> Parse(const std::string& der) {
  CBS cbs;
  CBS_init(&cbs, Bytes(der), der.size());
  return bssl::UniquePtr<EVP_PKEY>(EVP_parse_private_key(&cbs));
}

TEST(AcmeKeyTest, SignsSoThatOthersCanVerify) {
  auto key = AcmeKey::Generate();
  auto pkey = Parse(key->ToDer());
  ASSERT_TRUE(pkey);
  // Many, so that some r or s begins with a zero byte.
  for (int i = 0; i < 600; ++i) {
    std::string text = "header." + std::to_string(i);
    std::string raw = key->SignEs256(text);
    ASSERT_EQ(raw.size(), 64u);
    bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_SIG_new());
    ASSERT_EQ(ECDSA_SIG_set0(signature.get(), BN_bin2bn(Bytes(raw), 32, nullptr),
                             BN_bin2bn(Bytes(raw) + 32, 32, nullptr)),
              1);
    uint8_t digest[32];
    SHA256(Bytes(text), text.size(), digest);
    EXPECT_EQ(ECDSA_do_verify(digest, 32, signature.get(), EVP_PKEY_get0_EC_KEY(pkey.get())), 1);
  }
}

TEST(AcmeKeyTest, ItsJwkIsItsPublicPoint) {
  auto key = AcmeKey::Generate();
  auto pkey = Parse(key->ToDer());
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(pkey.get());
  uint8_t point[65];
  ASSERT_EQ(EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                               POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, nullptr),
            65u);
  std::string_view all(reinterpret_cast<char*>(point), sizeof point);
  std::string jwk = key->Jwk();
  EXPECT_EQ(jwk, R"({"crv":"P-256","kty":"EC","x":")" + Base64Url(all.substr(1, 32)) +
                     R"(","y":")" + Base64Url(all.substr(33, 32)) + "\"}");
  uint8_t digest[32];
  SHA256(Bytes(jwk), jwk.size(), digest);
  EXPECT_EQ(key->Thumbprint(), Base64Url({reinterpret_cast<char*>(digest), 32}));
}

TEST(AcmeKeyTest, ComesBackFromDerAndNothingElseDoes) {
  auto key = AcmeKey::Generate();
  std::string der = key->ToDer();
  auto again = AcmeKey::FromDer(der);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->Jwk(), key->Jwk());
  EXPECT_FALSE(AcmeKey::FromDer("").ok());
  EXPECT_FALSE(AcmeKey::FromDer(der.substr(0, der.size() - 1)).ok());
  EXPECT_FALSE(AcmeKey::FromDer(der + "x").ok());
  EXPECT_FALSE(AcmeKey::FromDer(key->ToPem()).ok());
  for (size_t i = 0; i < der.size(); ++i) {
    std::string bad = der;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    auto other = AcmeKey::FromDer(bad);
    // Were a bit of the key itself to flip, the public point that is stored with it would not fit.
    EXPECT_TRUE(!other.ok() || (*other)->Jwk() == key->Jwk()) << i;
  }
}

TEST(AcmeKeyTest, AsksForItsNames) {
  auto key = AcmeKey::Generate();
  std::string der = key->MakeRequest({"mx.example", "mail.example"});
  const uint8_t* at = Bytes(der);
  bssl::UniquePtr<X509_REQ> request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  ASSERT_TRUE(request);
  EXPECT_EQ(at, Bytes(der) + der.size());
  bssl::UniquePtr<EVP_PKEY> asked(X509_REQ_get_pubkey(request.get()));
  EXPECT_EQ(X509_REQ_verify(request.get(), asked.get()), 1);
  EXPECT_EQ(EVP_PKEY_cmp(asked.get(), Parse(key->ToDer()).get()), 1);
  bssl::UniquePtr<X509_EXTENSIONS> extensions(X509_REQ_get_extensions(request.get()));
  ASSERT_TRUE(extensions);
  bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  ASSERT_TRUE(names);
  ASSERT_EQ(sk_GENERAL_NAME_num(names.get()), 2u);
  const ASN1_IA5STRING* second = sk_GENERAL_NAME_value(names.get(), 1)->d.dNSName;
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(second)),
                             static_cast<size_t>(ASN1_STRING_length(second))),
            "mail.example");
}

TEST(AcmeKeyTest, ItsPemIsWhatCertificatesTake) {
  auto key = AcmeKey::Generate();
  WallTime now = ReadWallClock();
  PemPair other = MakeSelfSigned({"mx.example"}, Certificate::KeyKind::kEcdsa, now, 1);
  auto mixed = Certificate::Parse(other.chain, key->ToPem(), {"chain", "key"}, now);
  ASSERT_FALSE(mixed.ok());  // it is read, and is another's
  EXPECT_NE(MessageOf(mixed.status()).find("does not belong"), std::string_view::npos);
}

}  // namespace
}  // namespace ringpost::tls
