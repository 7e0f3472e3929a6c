#include "gateway/mail/sender_domains.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::mail {
namespace {

using Domain = SenderDomains::Domain;

std::string NameOf(int number) { return "customer-" + std::to_string(number) + ".example.com"; }

TEST(SenderDomains, AreFoundByTheirWholeName) {
  SenderDomains::Builder builder;
  const Domain kDomain{.label = "rp7x", .account = 7, .region = 0x7FFF, .works = true, .keys = 9};
  builder.Put("example.com", kDomain);
  auto domains = std::move(builder).Build();
  EXPECT_EQ(domains->Find("example.com"), kDomain);
  EXPECT_EQ(domains->Find("example.co"), std::nullopt);
  EXPECT_EQ(domains->Find("example.comrp7x"), std::nullopt);
  EXPECT_EQ(domains->Find(""), std::nullopt);
}

TEST(SenderDomains, AChangeLeavesTheOthersAndTheOneItWasMadeFrom) {
  SenderDomains::Builder first;
  for (int i = 0; i < 1000; ++i) {
    first.Put(NameOf(i), {.label = "r", .account = static_cast<uint32_t>(i)});
  }
  auto before = std::move(first).Build();
  SenderDomains::Builder second(*before);
  second.Put(NameOf(3), {.label = "r", .account = 3, .keys = 1});
  second.Put(NameOf(4), {.label = "another", .account = 4});
  auto after = std::move(second).Build();
  EXPECT_EQ(before->Find(NameOf(3))->keys, 0u);
  EXPECT_EQ(after->Find(NameOf(3))->keys, 1u);
  EXPECT_EQ(before->Find(NameOf(4))->label, "r");
  EXPECT_EQ(after->Find(NameOf(4))->label, "another");
  EXPECT_EQ(after->size(), 1000u);
  for (int i = 5; i < 1000; ++i) {
    ASSERT_EQ(after->Find(NameOf(i)), before->Find(NameOf(i)));
    ASSERT_EQ(after->PlaceOf(NameOf(i)), before->PlaceOf(NameOf(i)));
    ASSERT_EQ(after->NameAt(*after->PlaceOf(NameOf(i))), NameOf(i));
  }
}

TEST(SenderDomains, ThePlaceOfOneThatWentIsAnothers) {
  SenderDomains::Builder builder;
  builder.Put("a.example", {.label = "r"});
  builder.Put("b.example", {.label = "r"});
  builder.Remove("a.example");
  builder.Remove("a.example");
  auto without = std::move(builder).Build();
  EXPECT_EQ(without->Find("a.example"), std::nullopt);
  EXPECT_EQ(without->size(), 1u);
  SenderDomains::Builder next(*without);
  next.Put("c.example", {.label = "s"});
  auto with = std::move(next).Build();
  EXPECT_EQ(with->places(), 2u);
  EXPECT_EQ(with->Find("c.example")->label, "s");
  EXPECT_EQ(with->Find("b.example")->label, "r");
}

TEST(SenderDomains, AHundredThousandTakeLittle) {
  constexpr int kDomains = 100'000;
  SenderDomains::Builder builder;
  for (int i = 0; i < kDomains; ++i) builder.Put(NameOf(i), {.label = "k3jd9f"});
  EXPECT_LE(std::move(builder).Build()->bytes(), size_t{60} * kDomains);
}

}  // namespace
}  // namespace ringpost::mail
