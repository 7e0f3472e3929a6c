// The keyed hash of tables.
#include "gateway/tls/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::tls {
namespace {

TEST(KeyedHash, TheSameForTheSame) {
  KeyedHash hash;
  EXPECT_EQ(hash("192.0.2.1"), hash(std::string("192.0.2.1")));
  EXPECT_NE(hash("192.0.2.1"), hash("192.0.2.2"));
  EXPECT_NE(hash(""), hash(std::string(1, '\0')));
}

TEST(KeyedHash, EachHasItsKey) { EXPECT_NE(KeyedHash()("a"), KeyedHash()("a")); }

}  // namespace
}  // namespace ringpost::tls
