#include "gateway/delivery/routing.h"

#include <gtest/gtest.h>

#include "gateway/delivery/config.h"

namespace ringpost::delivery {
namespace {

Route RouteTo(std::string domain, std::vector<std::string> hops) {
  Route route;
  route.domain = std::move(domain);
  for (const std::string& hop : hops) route.next_hops.push_back(*NextHop::Parse(hop));
  return route;
}

TEST(NextHopTest, ReadsAddressesAndNames) {
  EXPECT_EQ(NextHop::Parse("192.0.2.1:2626")->ToString(), "192.0.2.1:2626");
  EXPECT_EQ(NextHop::Parse("192.0.2.1")->port, 25);
  EXPECT_EQ(NextHop::Parse("[2001:db8::1]:587")->ToString(), "[2001:db8::1]:587");
  EXPECT_EQ(NextHop::Parse("2001:db8::1")->ToString(), "[2001:db8::1]:25");
  auto named = NextHop::Parse("Relay.Example.COM:2525");
  EXPECT_EQ(named->ToString(), "relay.example.com:2525");
  EXPECT_FALSE(named->address);
  for (const char* bad : {"", ":25", "a:0", "a:65536", "a:x", "[::1", "[relay]:25", "a b:25",
                          "192.0.2.1:25:25", "relay..example"}) {
    EXPECT_FALSE(NextHop::Parse(bad)) << bad;
  }
}

TEST(RouteTableTest, TheMostSpecificRouteWins) {
  auto table = RouteTable::Make(
      {RouteTo("*", {"192.0.2.1"}), RouteTo("*.example.com", {"192.0.2.2"}),
       RouteTo("*.b.example.com", {"192.0.2.3"}), RouteTo("Example.com.", {"192.0.2.4"})});
  ASSERT_TRUE(table.ok());
  auto hop = [&](std::string_view domain) { return table->Find(domain)->next_hops[0].host; };
  EXPECT_EQ(hop("example.com"), "192.0.2.4");
  EXPECT_EQ(hop("a.example.com"), "192.0.2.2");
  EXPECT_EQ(hop("b.example.com"), "192.0.2.2");
  EXPECT_EQ(hop("a.b.example.com"), "192.0.2.3");
  EXPECT_EQ(hop("z.y.b.example.com"), "192.0.2.3");
  EXPECT_EQ(hop("notexample.com"), "192.0.2.1");
  EXPECT_EQ(hop("[192.0.2.9]"), "192.0.2.1");
}

TEST(RouteTableTest, WithoutAStarSomeDomainsHaveNoRoute) {
  auto table = RouteTable::Make({RouteTo("*.example.com", {"192.0.2.2"})});
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->Find("example.com"), nullptr);
  EXPECT_EQ(table->Find("example.org"), nullptr);
  EXPECT_NE(table->Find("a.example.com"), nullptr);
}

TEST(RouteTableTest, AFinalDotAndCaseMakeNoOtherRoute) {
  for (const auto& [one, other] : std::vector<std::pair<const char*, const char*>>{
           {"example.com", "Example.com."}, {"*.example.com", "*.EXAMPLE.com."}, {"*", "*."}}) {
    EXPECT_EQ(RouteTo(one, {}).DomainKey(), RouteTo(other, {}).DomainKey());
    EXPECT_FALSE(
        RouteTable::Make({RouteTo(one, {"192.0.2.1"}), RouteTo(other, {"192.0.2.1"})}).ok())
        << other;
  }
}

TEST(RouteTableTest, BadTablesAreRefusedWithTheRoutesName) {
  EXPECT_FALSE(RouteTable::Make({RouteTo("*", {})}).ok());
  EXPECT_FALSE(RouteTable::Make({RouteTo("a..b", {"192.0.2.1"})}).ok());
  auto twice =
      RouteTable::Make({RouteTo("a.example", {"192.0.2.1"}), RouteTo("A.example.", {"192.0.2.1"})});
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(MessageOf(twice.status()).find("A.example."), std::string_view::npos);
}

TEST(RouteTest, TheSiteIsNamedByItsHopsInOrderOfPreference) {
  Route route = RouteTo("*", {"192.0.2.2", "192.0.2.1"});
  route.next_hops[0].preference = 20;
  route.next_hops[1].preference = 10;
  auto table = RouteTable::Make({route});
  EXPECT_EQ(table->Find("x")->SiteName(), "192.0.2.1:25;192.0.2.2:25");
}

}  // namespace
}  // namespace ringpost::delivery
