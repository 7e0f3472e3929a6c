// DKIM's keys: RFC 8463's own, and those made here against the library's verification.
#include "gateway/tls/dkim_key.h"

#include <gtest/gtest.h>
#include <openssl/base64.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <thread>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/tls/acme_key.h"
#include "gateway/tls/aead.h"

namespace ringpost::tls {
namespace {

using Kind = DkimKey::Kind;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string Decode(std::string_view base64) {
  std::string out(base64.size(), '\0');
  size_t count = 0;
  EXPECT_EQ(EVP_DecodeBase64(reinterpret_cast<uint8_t*>(out.data()), &count, out.size(),
                             Bytes(base64), base64.size()),
            1);
  out.resize(count);
  return out;
}

std::array<uint8_t, 32> DigestOf(std::string_view text) {
  Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

std::string ValueOf(const std::string& record) { return record.substr(record.find("p=") + 2); }

// A private key in PKCS #8 form that DkimKey may not like.
std::string RsaDer(int bits) {
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  EXPECT_EQ(BN_set_word(exponent.get(), RSA_F4), 1);
  EXPECT_EQ(RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr), 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  EVP_PKEY_set1_RSA(key.get(), rsa.get());
  bssl::ScopedCBB cbb;
  EXPECT_EQ(CBB_init(cbb.get(), 0), 1);
  EXPECT_EQ(EVP_marshal_private_key(cbb.get(), key.get()), 1);
  EXPECT_EQ(CBB_flush(cbb.get()), 1);
  return {reinterpret_cast<const char*>(CBB_data(cbb.get())), CBB_len(cbb.get())};
}

bool Verifies(const DkimKey& key, const std::array<uint8_t, 32>& digest,
              const std::string& signature) {
  std::string published = Decode(ValueOf(key.TxtRecord()));
  if (key.kind() == Kind::kEd25519) {
    return published.size() == 32 && signature.size() == 64 &&
           ED25519_verify(digest.data(), digest.size(), Bytes(signature), Bytes(published)) == 1;
  }
  CBS cbs;
  CBS_init(&cbs, Bytes(published), published.size());
  bssl::UniquePtr<EVP_PKEY> parsed(EVP_parse_public_key(&cbs));
  return parsed && CBS_len(&cbs) == 0 &&
         RSA_verify(NID_sha256, digest.data(), digest.size(), Bytes(signature), signature.size(),
                    EVP_PKEY_get0_RSA(parsed.get())) == 1;
}

// The key of RFC 8463 appendix A.2, which is the first of RFC 8032 section 7.1, in PKCS #8 form
// (RFC 8410 section 7).
TEST(DkimKeyTest, IsTheKeyOfTheRfc) {
  std::string der("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
  der += Decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  auto key = DkimKey::FromDer(der);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ((*key)->kind(), Kind::kEd25519);
  EXPECT_EQ((*key)->algorithm(), "ed25519-sha256");
  EXPECT_EQ((*key)->TxtRecord(),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ((*key)->ToDer(), der);
}

TEST(DkimKeyTest, SignsSoThatOthersCanVerify) {
  for (Kind kind : {Kind::kRsa, Kind::kEd25519}) {
    auto key = DkimKey::Generate(kind);
    EXPECT_EQ(key->kind(), kind);
    for (int i = 0; i < 50; ++i) {
      auto digest = DigestOf("text " + std::to_string(i));
      std::string signature = key->SignDigest(digest);
      EXPECT_EQ(signature.size(), kind == Kind::kRsa ? 256u : 64u);
      EXPECT_TRUE(Verifies(*key, digest, signature));
      EXPECT_EQ(key->SignDigest(digest), signature);  // both are deterministic
      signature[5] ^= 1;
      EXPECT_FALSE(Verifies(*key, digest, signature));
    }
  }
}

TEST(DkimKeyTest, ComesBackFromWhatWasKept) {
  for (Kind kind : {Kind::kRsa, Kind::kEd25519}) {
    auto key = DkimKey::Generate(kind);
    auto again = DkimKey::FromDer(key->ToDer());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ((*again)->TxtRecord(), key->TxtRecord());
    auto digest = DigestOf("text");
    EXPECT_EQ((*again)->SignDigest(digest), key->SignDigest(digest));
    EXPECT_NE(DkimKey::Generate(kind)->TxtRecord(), key->TxtRecord());
  }
}

TEST(DkimKeyTest, RefusesWhatIsNoKeyForDkim) {
  for (const std::string& der :
       {std::string(), std::string("x"), AcmeKey::Generate()->ToDer(), RsaDer(1024), RsaDer(2040),
        std::string(limits::kDkimKeyBytesMax + 1, '0')}) {
    EXPECT_EQ(DkimKey::FromDer(der).status().code(), StatusCode::kDataLoss) << der.size();
  }
  for (Kind kind : {Kind::kRsa, Kind::kEd25519}) {
    std::string der = DkimKey::Generate(kind)->ToDer();
    EXPECT_FALSE(DkimKey::FromDer(der + "x").ok());
    for (size_t size = 0; size < der.size(); size += 7) {
      EXPECT_FALSE(DkimKey::FromDer(std::string_view(der).substr(0, size)).ok());
    }
  }
  EXPECT_TRUE(DkimKey::FromDer(RsaDer(3072)).ok());
}

TEST(DkimKeyTest, ManyThreadsSignWithOne) {
  for (Kind kind : {Kind::kRsa, Kind::kEd25519}) {
    auto key = DkimKey::Generate(kind);
    auto digest = DigestOf("text");
    const std::string expected = key->SignDigest(digest);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 30; ++round) EXPECT_EQ(key->SignDigest(digest), expected);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace ringpost::tls
