#include "gateway/delivery/domain_table.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/base/limits.h"

namespace ringpost::delivery {
namespace {

std::string Name(size_t number) { return "d" + std::to_string(number) + ".example"; }

TEST(DomainTableTest, OfTheIdleOnesThoseUsedLastAreKept) {
  constexpr size_t kMore = 100;
  DomainTable table;
  DomainId daily = table.Intern("daily.example");
  table.SetSite(daily, 3, 1000);
  table.DropUse(daily);
  for (size_t i = 0; i < limits::kIdleDomainsKeptMax + kMore; ++i) {
    table.DropUse(table.Intern(Name(i)));
    if (i % 1000 != 0) continue;
    EXPECT_EQ(table.Intern("daily.example"), daily) << i;
    table.DropUse(daily);
  }
  EXPECT_EQ(table.size(), limits::kIdleDomainsKeptMax);
  EXPECT_EQ(table.Find("daily.example"), daily);
  EXPECT_EQ(table[daily].site, 3u);
  EXPECT_EQ(table.UsesOfSite(3), 1u);
  EXPECT_EQ(table.Find(Name(0)), kNone);
  EXPECT_EQ(table.Find(Name(kMore)), kNone) << "the daily one is kept in its place";
  EXPECT_NE(table.Find(Name(kMore + 1)), kNone);
  EXPECT_NE(table.Find(Name(limits::kIdleDomainsKeptMax + kMore - 1)), kNone);
}

TEST(DomainTableTest, WhatIsUsedIsNotIdle) {
  DomainTable table;
  DomainId used = table.Intern("used.example");
  table.AddUse(used);
  table.DropUse(used);
  DomainId again = table.Intern("again.example");
  table.DropUse(again);
  EXPECT_EQ(table.Intern("again.example"), again);
  for (size_t i = 0; i < limits::kIdleDomainsKeptMax + 10; ++i) {
    table.DropUse(table.Intern(Name(i)));
  }
  EXPECT_EQ(table.Find("used.example"), used);
  EXPECT_EQ(table.Find("again.example"), again);
  EXPECT_EQ(table.size(), limits::kIdleDomainsKeptMax + 2);
}

}  // namespace
}  // namespace ringpost::delivery
