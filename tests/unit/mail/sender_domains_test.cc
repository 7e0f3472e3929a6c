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

TEST(SenderDomains, AnotherOfTheSameNameReplacesAllOfIt) {
  SenderDomains::Builder first;
  first.Put("b.example", {.label = "rr"});
  auto domains = std::move(first).Build();
  for (const Domain& domain :
       {Domain{.label = "r1", .account = 7, .region = 2, .works = true, .keys = 9},
        Domain{.label = "r1", .account = 8, .region = 1, .works = false, .keys = 0},
        Domain{.label = "r2", .account = 8, .region = 3, .works = true, .keys = 1},
        Domain{.label = "", .account = 0, .region = 0, .works = false, .keys = 2}}) {
    SenderDomains::Builder next(*domains);
    next.Put("a.example", domain);
    domains = std::move(next).Build();
    EXPECT_EQ(domains->Find("a.example"), domain);
    EXPECT_EQ(domains->size(), 2u);
    EXPECT_EQ(domains->places(), 2u);
    EXPECT_EQ(domains->Find("b.example"), Domain{.label = "rr"});
  }
}

TEST(SenderDomains, WhatChangesOftenTakesNoMore) {
  SenderDomains::Builder builder;
  builder.Put("a.example", {.label = "r"});
  auto before = std::move(builder).Build();
  SenderDomains::Builder changes(*before);
  for (uint32_t keys = 0; keys < 1000; ++keys) {
    changes.Put("a.example", {.label = "r", .keys = keys});
  }
  EXPECT_LE(std::move(changes).Build()->bytes(), before->bytes() + 64);
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

TEST(SenderDomains, OneThatWentStaysAwayAndItsPlaceIsNobodys) {
  SenderDomains::Builder builder;
  for (int i = 0; i < 4; ++i) builder.Put(NameOf(i), {.label = "r"});
  builder.Remove(NameOf(1));
  builder.Remove(NameOf(2));
  auto without = std::move(builder).Build();
  size_t nobodys = 0;
  for (size_t place = 0; place < without->places(); ++place) {
    nobodys += without->NameAt(place).empty();
  }
  EXPECT_EQ(nobodys, 2u);
  SenderDomains::Builder next(*without);
  for (int i = 5; i < 8; ++i) next.Put(NameOf(i), {.label = std::to_string(i)});
  auto with = std::move(next).Build();
  EXPECT_EQ(with->size(), 5u);
  EXPECT_EQ(with->places(), 5u);
  for (int i : {1, 2}) EXPECT_EQ(with->Find(NameOf(i)), std::nullopt);
  for (int i : {5, 6, 7}) {
    ASSERT_TRUE(with->Find(NameOf(i)));
    EXPECT_EQ(with->Find(NameOf(i))->label, std::to_string(i));
    EXPECT_EQ(with->NameAt(*with->PlaceOf(NameOf(i))), NameOf(i));
  }
}

TEST(SenderDomains, AHundredThousandTakeLittle) {
  constexpr int kDomains = 100'000;
  SenderDomains::Builder builder;
  for (int i = 0; i < kDomains; ++i) builder.Put(NameOf(i), {.label = "k3jd9f"});
  EXPECT_LE(std::move(builder).Build()->bytes(), size_t{60} * kDomains);
}

}  // namespace
}  // namespace ringpost::mail
