// The hashes of passwords, against their standards' examples.
#include "gateway/tls/password_hash.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/base/counters.h"

namespace ringpost::tls {
namespace {

std::string Hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

TEST(PasswordHash, Sha256) {  // FIPS 180-4's "abc"
  EXPECT_EQ(Hex(Sha256Of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(PasswordHash, Hmac) {  // RFC 4231 sections 4.2, 4.3 and 4.7
  const std::string key(20, '\x0b');
  EXPECT_EQ(Hex(HmacSha256(key, {"Hi ", "There"})),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", {"what do ya want", "", " for nothing?"})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           {"Test Using Larger Than Block-Size Key - Hash Key First"})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(Hex(HmacSha256("", {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(PasswordHash, Pbkdf2) {  // RFC 7914 section 11, the first 32 octets
  EXPECT_EQ(Hex(Pbkdf2Sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(Hex(Pbkdf2Sha256("Password", "NaCl", 80'000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST(PasswordHash, CountsItsIterations) {
  Counters counters;
  CountersScope scope(&counters);
  Pbkdf2Sha256("x", "y", 7);
  EXPECT_EQ(counters.Get(Counter::kPasswordIterations), 7u);
}

TEST(PasswordHash, SameSecret) {
  EXPECT_TRUE(SameSecret("", ""));
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "abcd"));
}

}  // namespace
}  // namespace ringpost::tls
