#include "gateway/identity/sender_domain_text.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

SenderDomain Domain() {
  SenderDomain domain;
  domain.name = "customer.example";
  domain.dns_since = domain.next_check = kNow;
  domain.return_path_label = "k3x5qwoatj";
  domain.return_path_token = "ab2cd3ef4gh5i";
  domain.ed25519_wanted = true;
  using Kind = tls::DkimKey::Kind;
  domain.slots = {{Kind::kRsa, KeySlot::kA, "w2u7cnqkxe", "bb2cd3ef4gh5i", KeyState::kActive, kNow},
                  {Kind::kRsa, KeySlot::kB, "x2u7cnqkxe", "cb2cd3ef4gh5i", KeyState::kRetired, kNow,
                   kNow + Seconds(1)},
                  {Kind::kEd25519, KeySlot::kA, "y2u7cnqkxe", "db2cd3ef4gh5i"}};
  return domain;
}

TEST(SenderDomainTextTest, Domain) {
  SenderDomain domain = Domain();
  EXPECT_EQ(StateText(domain), "pending since 2025-11-24T16:00:00.000Z");
  EXPECT_NE(DomainText(domain).find("not looked at yet"), std::string::npos);
  domain.dns = DnsState::kBroken;
  domain.last_check = kNow;
  domain.words = {"one thing"};
  EXPECT_EQ(
      DomainText(domain),
      "customer.example: broken since 2025-11-24T16:00:00.000Z\n"
      "looked at 2025-11-24T16:00:00.000Z, next at 2025-11-24T16:00:00.000Z\n"
      "one thing\n"
      "RSA A (w2u7cnqkxe._domainkey.customer.example) signs, since 2025-11-24T16:00:00.000Z\n"
      "RSA B (x2u7cnqkxe._domainkey.customer.example) signs no more, and stays published, since "
      "2025-11-24T16:00:00.000Z, until 2025-11-24T16:00:01.000Z\n"
      "Ed25519 A (y2u7cnqkxe._domainkey.customer.example) has no key yet\n");
}

TEST(SenderDomainTextTest, Publish) {
  std::string text = PublishText(Domain(), "gw.example");
  EXPECT_NE(text.find("k3x5qwoatj.customer.example. CNAME ab2cd3ef4gh5i.rp.gw.example.\n"),
            std::string::npos);
  EXPECT_NE(text.find("take turns\nw2u7cnqkxe._domainkey.customer.example. CNAME "
                      "bb2cd3ef4gh5i.dkim.gw.example.\n"),
            std::string::npos);
  EXPECT_NE(text.find("(optional)\ny2u7cnqkxe._domainkey."), std::string::npos);
}

}  // namespace
}  // namespace ringpost::identity
