#include "gateway/identity/sending_advice.h"

#include <gtest/gtest.h>

#include "tests/unit/identity/world.h"

namespace ringpost::identity {
namespace {

using Words = std::vector<std::string>;

// A domain whose mail has nothing to fear.
class SendingAdviceTest : public testing::Test {
 protected:
  SendingAdviceTest() {
    subject_.domain = "customer.example";
    subject_.return_path = "k3x9.customer.example";
    subject_.return_path_target = "abc.rp.gw.example";
    subject_.helo = "gw.example.com";
    subject_.sources = {*IpAddress::Parse("198.18.0.25")};
    world_.Has("_dmarc.customer.example TXT v=DMARC1; p=none");
    world_.Has("k3x9.customer.example CNAME abc.rp.gw.example");
    world_.Has("abc.rp.gw.example TXT v=spf1 include:spf.gw.example -all");
    world_.Has("spf.gw.example TXT v=spf1 ip4:198.18.0.0/24 -all");
    world_.Has("gw.example.com A 198.18.0.25");
    world_.Has("25.0.18.198.in-addr.arpa PTR gw.example.com");
  }
  Words Advice() {
    return world_.Settle(
        [this](dns::KnownAnswers* known) { return SendingAdvice(subject_, known); });
  }

  AdviceSubject subject_;
  World world_;
};

TEST_F(SendingAdviceTest, WhereAllIsRightItIsSilent) {
  EXPECT_EQ(Advice(), Words{});
  EXPECT_EQ(world_.rounds(), 2) << "only the include follows from an answer";
  subject_.sources.push_back(*IpAddress::Parse("2001:db8::25"));
  world_.Drop("spf.gw.example", "TXT");
  world_.Has("spf.gw.example TXT v=spf1 ip4:198.18.0.0/24 ip6:2001:db8::/64 -all");
  world_.Has("gw.example.com AAAA 2001:db8::25");
  world_.Has(
      "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "
      "gw.example.com");
  EXPECT_EQ(Advice(), Words{});
}

TEST_F(SendingAdviceTest, Dmarc) {
  world_.Drop("_dmarc.customer.example", "TXT");
  EXPECT_EQ(Advice().at(0).substr(0, 26), "there is no DMARC policy: ");
  world_.Has("_dmarc.example TXT v=DMARC1; p=reject; aspf=s");
  EXPECT_NE(Advice().at(0).find("has aspf=s: mail of customer.example is aligned by DKIM alone"),
            std::string::npos);
}

TEST_F(SendingAdviceTest, SpfThatDoesNotCoverTheSource) {
  subject_.sources = {*IpAddress::Parse("198.18.1.25"), *IpAddress::Parse("198.18.0.25")};
  world_.Has("gw.example.com A 198.18.1.25");
  world_.Has("25.1.18.198.in-addr.arpa PTR gw.example.com");
  EXPECT_EQ(Advice(),
            (Words{"the SPF record of the return path k3x9.customer.example does not let "
                   "198.18.1.25 send, which mail leaves from: [[region]] spf in ringpost.toml has "
                   "to cover it"}));
  world_.Drop("spf.gw.example", "TXT");
  EXPECT_EQ(Advice(), (Words{"SPF fails at the return path k3x9.customer.example: it leads to "
                             "spf.gw.example, which has no SPF record"}));
  world_.Fail("spf.gw.example");
  EXPECT_EQ(
      Advice(),
      (Words{"whether SPF passes at the return path k3x9.customer.example cannot be said: the "
             "DNS of spf.gw.example does not answer (SERVFAIL)"}));
}

TEST_F(SendingAdviceTest, SpfThatIsNotThere) {
  world_.Drop("abc.rp.gw.example", "TXT");
  const Words words = {
      "the return path k3x9.customer.example has no SPF record: the operator's zone has to have it "
      "(ringpost dns zone)"};
  EXPECT_EQ(Advice(), words);
  subject_.sources.clear();
  EXPECT_EQ(Advice(), words) << "whatever it is sent from";
  // The check says that the alias is missing; SPF at any other place is not ours.
  world_.Drop("k3x9.customer.example", "CNAME");
  EXPECT_EQ(Advice(), Words{});
}

TEST_F(SendingAdviceTest, NamesOfTheSource) {
  world_.Drop("gw.example.com", "A");
  world_.Drop("25.0.18.198.in-addr.arpa", "PTR");
  EXPECT_EQ(
      Advice(),
      (Words{"the gateway sends from 198.18.0.25 and calls itself gw.example.com (EHLO), "
             "which has no A record: one has to be 198.18.0.25",
             "198.18.0.25, which mail leaves from, has no PTR record, and mailbox providers "
             "refuse such mail: who gave you the address has to point it to gw.example.com"}));
  world_.Has("gw.example.com A 198.18.0.26");
  world_.Has("25.0.18.198.in-addr.arpa PTR host-25.isp.example");
  EXPECT_EQ(
      Advice(),
      (Words{"the gateway sends from 198.18.0.25 and calls itself gw.example.com (EHLO), which has "
             "198.18.0.26 for its A record: one has to be 198.18.0.25",
             "198.18.0.25, which mail leaves from, is called host-25.isp.example (PTR), and the "
             "gateway calls itself gw.example.com (EHLO): who gave you the address has to point it "
             "to that name"}));
  // One of several is enough, in any case.
  world_.Has("gw.example.com A 198.18.0.25");
  world_.Has("25.0.18.198.in-addr.arpa PTR GW.example.com");
  EXPECT_EQ(Advice(), Words{});
}

TEST_F(SendingAdviceTest, NothingIsSaidOfAnAddressThatOthersDoNotSee) {
  world_.Drop("gw.example.com", "A");
  for (const char* address : {"10.1.2.3", "127.0.0.1", "192.168.0.1", "100.64.0.1", "172.31.0.1",
                              "169.254.1.1", "0.0.0.0", "::1", "::", "fe80::1", "fd00::1"}) {
    subject_.sources = {*IpAddress::Parse(address)};
    EXPECT_EQ(Advice(), Words{}) << address;
  }
  subject_.sources = {*IpAddress::Parse("172.32.0.1")};
  EXPECT_EQ(Advice().size(), 3u);
}

TEST_F(SendingAdviceTest, ADnsThatIsAwayIsNoAbsence) {
  for (const char* name : {"_dmarc.customer.example", "k3x9.customer.example", "gw.example.com",
                           "25.0.18.198.in-addr.arpa"}) {
    world_.Fail(name);
  }
  Words words = Advice();
  EXPECT_EQ(words.size(), 3u);
  for (const std::string& sentence : words) {
    EXPECT_NE(sentence.find(" cannot be said: the DNS of "), std::string::npos) << sentence;
  }
}

TEST_F(SendingAdviceTest, WhatIsNotKnownYetIsNotSaid) {
  dns::KnownAnswers known;
  EXPECT_EQ(SendingAdvice(subject_, &known), Words{});
  EXPECT_EQ(known.TakeWanted().size(), 5u);  // two of DMARC's tree walk
}

}  // namespace
}  // namespace ringpost::identity
