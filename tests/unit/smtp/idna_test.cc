#include "gateway/smtp/idna.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::smtp {
namespace {

TEST(CanonicalDomain, IsOneFormOfAll) {
  for (const char* domain : {"b\xC3\xBC"
                             "cher.example",
                             "B\xC3\x9C"
                             "CHER.Example",
                             "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE.",
                             "bu\xCC\x88"
                             "cher.example"}) {  // the last in two code points
    EXPECT_EQ(CanonicalDomain(domain), "xn--bcher-kva.example") << domain;
  }
  EXPECT_EQ(CanonicalDomain("Example.COM."), "example.com");
  EXPECT_EQ(CanonicalDomain("_dmarc.Example.com"), "_dmarc.example.com");
  EXPECT_EQ(CanonicalDomain("[192.0.2.1]"), "[192.0.2.1]");
  EXPECT_EQ(CanonicalDomain("stra\xC3\x9F"
                            "e.example"),
            "xn--strae-oqa.example");
}

// They are read alike, and are not the same.
TEST(CanonicalDomain, LookAlikesStayDifferent) {
  EXPECT_EQ(CanonicalDomain("\xD0\xB0pple.example"), "xn--pple-43d.example");
  EXPECT_NE(CanonicalDomain("\xD0\xB0pple.example"), CanonicalDomain("apple.example"));
}

// What a reader of mail would take for the ASCII name is the ASCII name here too (UTS 46).
TEST(CanonicalDomain, FullWidthAndOtherDotsAreMapped) {
  EXPECT_EQ(CanonicalDomain("\xEF\xBD\x81pple.example"), "apple.example");
  EXPECT_EQ(CanonicalDomain("apple\xE3\x80\x82"
                            "example"),
            "apple.example");
}

TEST(CanonicalDomain, WhatIsNoDomainHasNone) {
  for (std::string domain :
       {std::string("b\xFF.example"), std::string("\xE2\x98\x83\xC0"),
        std::string("\xC3\xBC..example"), std::string("\xC3\xBC\0x.example", 12),
        "\xC3\xBC" + std::string(300, 'x'), std::string("\xC3\xBC@x.example"),
        std::string("\xC3\xBC\xEF\xBC\xA0x.example"), std::string("\xC3\xBC x.example"),
        std::string("\xE2\x80\x8D.example")}) {
    EXPECT_EQ(CanonicalDomain(domain), std::nullopt) << domain;
  }
}

}  // namespace
}  // namespace ringpost::smtp
