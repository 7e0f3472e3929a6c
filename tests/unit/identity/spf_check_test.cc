#include "gateway/identity/spf_check.h"

#include <gtest/gtest.h>

#include "tests/unit/identity/world.h"

namespace ringpost::identity {
namespace {

using enum SpfResult;

class SpfCheckTest : public testing::Test {
 protected:
  SpfResult Check(const std::string& address, const std::string& record = "") {
    if (!record.empty()) {
      world_.Drop("a.example", "TXT");
      world_.Has("a.example TXT " + record);
    }
    SpfVerdict verdict = world_.Settle([&](dns::KnownAnswers* known) {
      return CheckSpf(*IpAddress::Parse(address), "a.example", known);
    });
    words_ = verdict.words;
    bool error = verdict.result == kTempError || verdict.result == kPermError;
    EXPECT_EQ(words_.empty(), !error) << words_;
    return verdict.result;
  }

  World world_;
  std::string words_;
};

TEST_F(SpfCheckTest, AddressesAndNetworks) {
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 ip4:192.0.2.1 -all"), kPass);
  EXPECT_EQ(Check("192.0.2.2", "v=spf1 ip4:192.0.2.1 -all"), kFail);
  EXPECT_EQ(Check("192.0.2.2", "v=spf1 ip4:192.0.2.1 ~all"), kSoftFail);
  EXPECT_EQ(Check("192.0.2.2", "V=SPF1 IP4:192.0.2.1 ?ALL"), kNeutral);
  EXPECT_EQ(Check("192.0.2.2", "v=spf1 ip4:192.0.2.1"), kNeutral);
  EXPECT_EQ(Check("192.0.2.2", "v=spf1"), kNeutral);
  EXPECT_EQ(Check("192.0.2.2", "v=spf1 -ip4:192.0.2.2 +all"), kFail);
  // Bits beyond the prefix are of no account.
  EXPECT_EQ(Check("192.0.2.200", "v=spf1 ip4:192.0.2.1/24 -all"), kPass);
  EXPECT_EQ(Check("192.0.2.131", "v=spf1 ip4:192.0.2.129/25 -all"), kPass);
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 ip4:192.0.2.129/25 -all"), kFail);
  EXPECT_EQ(Check("203.0.113.9", "v=spf1 ip4:0.0.0.0/0 -all"), kPass);
  EXPECT_EQ(Check("2001:db8::9", "v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::/64 -all"), kPass);
  EXPECT_EQ(Check("2001:db8:0:1::9", "v=spf1 ip6:2001:db8::/64 -all"), kFail);
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 ip6:::/0 -all"), kFail);
}

TEST_F(SpfCheckTest, Hosts) {
  world_.Has("a.example A 192.0.2.1");
  world_.Has("b.example A 192.0.2.7");
  world_.Has("b.example AAAA 2001:db8::7");
  world_.Has("a.example MX b.example");
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 a -all"), kPass);
  EXPECT_EQ(Check("192.0.2.7", "v=spf1 a -all"), kFail);
  EXPECT_EQ(Check("192.0.2.7", "v=spf1 a:B.example. -all"), kPass);
  EXPECT_EQ(Check("192.0.2.9", "v=spf1 a:b.example/28 -all"), kPass);
  EXPECT_EQ(Check("2001:db8::8", "v=spf1 a:b.example/32//64 -all"), kPass);
  EXPECT_EQ(Check("2001:db8::8", "v=spf1 a:b.example//128 -all"), kFail);
  EXPECT_EQ(Check("192.0.2.7", "v=spf1 mx -all"), kPass);
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 mx -all"), kFail);
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 mx:nothing.example -all"), kFail);
}

TEST_F(SpfCheckTest, IncludeAndRedirect) {
  world_.Has("b.example TXT v=spf1 ip4:192.0.2.7 -all");
  world_.Has("b.example TXT another text");
  world_.Has("c.example TXT v=spf1 include:b.example ?all");
  EXPECT_EQ(Check("192.0.2.7", "v=spf1 include:c.example -all"), kPass);
  EXPECT_EQ(world_.rounds(), 3) << "each follows from the one before";
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 include:c.example -all"), kFail);
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 redirect=c.example"), kNeutral);
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 redirect=b.example ip4:192.0.2.9"), kFail);
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 include:nothing.example -all"), kPermError);
  EXPECT_EQ(words_, "it leads to nothing.example, which has no SPF record");
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 redirect=nothing.example"), kPermError);
}

TEST_F(SpfCheckTest, WhatHasNoEndIsWrong) {
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 include:a.example -all"), kPermError);
  EXPECT_EQ(words_, "it needs more than ten lookups");
  EXPECT_EQ(Check("192.0.2.8", "v=spf1 redirect=a.example"), kPermError);
  std::string many = "v=spf1";
  for (int i = 0; i < 10; ++i) many += " a:h" + std::to_string(i) + ".example";
  EXPECT_EQ(Check("192.0.2.8", many + " -all"), kFail);
  EXPECT_EQ(Check("192.0.2.8", many + " a -all"), kPermError);
}

TEST_F(SpfCheckTest, NothingAndSeveral) {
  EXPECT_EQ(Check("192.0.2.8"), kNone);
  EXPECT_EQ(Check("192.0.2.8", "v=spf10 -all"), kNone);
  world_.Has("a.example TXT v=spf1 -all");
  EXPECT_EQ(Check("192.0.2.8"), kFail);
  world_.Has("a.example TXT v=spf1 +all");
  EXPECT_EQ(Check("192.0.2.8"), kPermError);
  EXPECT_EQ(words_, "a.example has 2 SPF records, and has to have one");
}

TEST_F(SpfCheckTest, WhatIsNoTerm) {
  for (const char* term : {"ip4:192.0.2", "ip4", "ip4:", "ip4:192.0.2.1/33", "ip4:2001:db8::1",
                           "ip6:192.0.2.1", "ip6:2001:db8::/129", "a/x", "a:", "a/33", "a//129",
                           "include", "include:", "inclu:b.example", "-", "\x01"}) {
    EXPECT_EQ(Check("198.51.100.1", "v=spf1 " + std::string(term) + " -all"), kPermError) << term;
  }
  EXPECT_EQ(words_, "the SPF record of a.example has \"?\", which is no term of SPF");
}

TEST_F(SpfCheckTest, WhatCannotBeSaidIsNot) {
  for (const char* term : {"exists:%{i}.b.example", "a:%{d}", "include:%{d2}", "ptr"}) {
    EXPECT_EQ(Check("198.51.100.1", "v=spf1 " + std::string(term) + " -all"), kUnknown) << term;
  }
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 ip4:192.0.2.1 exists:%{i}.b.example -all"), kPass);
  EXPECT_EQ(Check("192.0.2.1", "v=spf1 exp=why.%{d} other=1 -all"), kFail);
}

TEST_F(SpfCheckTest, AFailureIsNoAbsence) {
  world_.Fail("b.example");
  for (const char* term : {"include:b.example", "a:b.example", "mx:b.example"}) {
    EXPECT_EQ(Check("192.0.2.1", "v=spf1 " + std::string(term) + " -all"), kTempError) << term;
    EXPECT_EQ(words_, "the DNS of b.example does not answer (SERVFAIL)");
  }
  world_.Fail("a.example");
  EXPECT_EQ(Check("192.0.2.1"), kTempError);
}

}  // namespace
}  // namespace ringpost::identity
