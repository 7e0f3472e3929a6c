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

TEST(NextHopTest, ReadsSchemesAndUsers) {
  EXPECT_EQ(NextHop::Parse("smtps://relay.example")->port, 465);
  EXPECT_TRUE(NextHop::Parse("smtps://relay.example")->implicit_tls);
  auto plain = NextHop::Parse("smtp://relay.example:587");
  EXPECT_EQ(plain->ToString(), "relay.example:587");
  EXPECT_FALSE(plain->implicit_tls);
  EXPECT_EQ(plain->user, "");
  auto hop = NextHop::Parse("smtps://user%40example.com@Relay.example");
  EXPECT_EQ(hop->user, "user@example.com");
  EXPECT_EQ(hop->ToString(), "relay.example:465");
  EXPECT_EQ(NextHop::Parse("smtp://a%3ab%5B+c@[2001:db8::1]:587")->user, "a:b[+c");
  EXPECT_EQ(NextHop::Parse("user@192.0.2.1")->user, "user");
  for (const char* bad :
       {"smtps://@relay.example", "smtps://user:secret@relay.example", "smtps://user@",
        "smtps://user@example.com@relay.example", "smtps://a%4@relay.example",
        "smtps://a%zz@relay.example", "smtps://a%00@relay.example", "smtps://a%0d%0A@relay.example",
        "smtps://a b@relay.example", "smtps://smtp://relay.example", "smtps://a/b@relay.example"}) {
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

TEST(RouteTest, UsersAndTheirSecretsTellSitesApart) {
  auto name = [](const char* hop, const char* file = "") {
    Route route = RouteTo("*", {hop});
    route.next_hops[0].secret_file = file;
    return route.SiteName();
  };
  EXPECT_NE(name("a@192.0.2.1"), name("192.0.2.1"));
  EXPECT_NE(name("a@192.0.2.1"), name("b@192.0.2.1"));
  EXPECT_NE(name("a@192.0.2.1", "/x"), name("a@192.0.2.1", "/y"));
  EXPECT_EQ(name("a%3b@192.0.2.1", "/x,y"), "a%3B@192.0.2.1:25/secret=%2Fx%2Cy");
}

TEST(RouteTest, AFloorRaisesAndNeverLowers) {
  Route route = RouteTo("*", {"192.0.2.1", "192.0.2.2"});
  route.next_hops[1].tls = HopTls::kRequired;
  EXPECT_EQ(route.WithTlsFloor(HopTls::kOpportunistic).SiteName(), route.SiteName());
  EXPECT_EQ(route.WithTlsFloor(HopTls::kRequired).SiteName(),
            "192.0.2.1:25/required,192.0.2.2:25/required");
  EXPECT_EQ(route.WithTlsFloor(HopTls::kVerified).SiteName(),
            "192.0.2.1:25/verified,192.0.2.2:25/verified");
}

TEST(DestinationTableTest, TheMostSpecificSays) {
  auto table = DestinationTable::Make({{"*", HopTls::kRequired},
                                       {"*.example.com", HopTls::kVerified},
                                       {"Old.Example.com.", HopTls::kOpportunistic}});
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->TlsFloor("example.org"), HopTls::kRequired);
  EXPECT_EQ(table->TlsFloor("example.com"), HopTls::kRequired);
  EXPECT_EQ(table->TlsFloor("a.example.com"), HopTls::kVerified);
  EXPECT_EQ(table->TlsFloor("old.example.com"), HopTls::kOpportunistic);
  EXPECT_EQ(table->TlsFloor("[192.0.2.9]"), HopTls::kRequired);
  EXPECT_EQ(DestinationTable().TlsFloor("a.example"), HopTls::kOpportunistic);
  EXPECT_FALSE(DestinationTable::Make({{"a..b", HopTls::kRequired}}).ok());
  auto twice = DestinationTable::Make({{"a.b", HopTls::kRequired}, {"A.b.", HopTls::kRequired}});
  ASSERT_FALSE(twice.ok());
  EXPECT_NE(MessageOf(twice.status()).find("A.b."), std::string_view::npos);
}

}  // namespace
}  // namespace ringpost::delivery
