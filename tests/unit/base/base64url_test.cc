#include "gateway/base/base64url.h"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

// RFC 4648 section 10, without the padding, and bytes whose digits differ from base64's.
TEST(Base64UrlTest, WritesWithoutPadding) {
  EXPECT_EQ(Base64Url(""), "");
  EXPECT_EQ(Base64Url("f"), "Zg");
  EXPECT_EQ(Base64Url("fo"), "Zm8");
  EXPECT_EQ(Base64Url("foo"), "Zm9v");
  EXPECT_EQ(Base64Url("foob"), "Zm9vYg");
  EXPECT_EQ(Base64Url("fooba"), "Zm9vYmE");
  EXPECT_EQ(Base64Url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Url("\xfb\xff\xbf"), "-_-_");
}

TEST(Base64UrlTest, KnowsItsAlphabet) {
  EXPECT_TRUE(IsBase64Url("aZ09-_"));
  for (const char* other : {"", "a=", "a+b", "a/b", "a b", "a\n", "a.b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsBase64Url(other)) << other;
  }
}

}  // namespace
}  // namespace ringpost
