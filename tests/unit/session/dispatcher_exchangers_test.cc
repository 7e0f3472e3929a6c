// Delivery by MX: what becomes of mail by what the DNS says, on the simulated ring, with a DNS that
// does as told.
#include <gtest/gtest.h>

#include "gateway/identity/outcome_counts.h"
#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/scripted_dns.h"

namespace ringpost::session {
namespace {

using dns::Exchangers;
using Verdict = Exchangers::Outcome;

class DispatcherExchangersTest : public ::testing::Test {
 protected:
  DispatcherExchangersTest() {
    rig.region.mail_lookup = &dns;
    dns.hosts = {{"mx1.example", "192.0.2.1"}, {"mx2.example", "192.0.2.2"}};
    dns.Has("one.example", {{10, "mx1.example"}, {20, "mx2.example"}});
  }
  void ByMx(delivery::HopTls tls = delivery::HopTls::kOpportunistic) {
    delivery::Route route;
    route.domain = "*";
    route.by_mx = true;
    route.mx_tls = tls;
    rig.RouteTo(route);
  }
  void Send(const std::string& domain) {
    Sent sent;
    sent.to = {"a@" + domain};
    rig.Send(sent);
  }
  bool Settled() {
    return rig.RunUntil([&] { return rig.Settled(); });
  }
  // Fields of the log's last line of an event.
  std::string Last(std::string_view event, std::string_view field) {
    auto lines = rig.log.Of(event);
    return lines.empty() ? "" : RecordingLog::Field(lines.back(), field);
  }

  ScriptedDns dns;  // outlives the dispatcher
  DispatcherRig rig{1};
  ScriptedHop first{&rig.world, "192.0.2.1:25"}, second{&rig.world, "192.0.2.2:25"};
};

TEST_F(DispatcherExchangersTest, MailGoesToTheBestThatAnswers) {
  ByMx();
  Send("one.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.messages.size(), 1u);
  first.SetUp(false);
  Send("one.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(second.messages.size(), 1u);
  EXPECT_EQ(dns.asked["one.example"], 1);
}

TEST_F(DispatcherExchangersTest, DomainsWithTheSameExchangersShareConnections) {
  dns.Has("two.example", {{10, "mx1.example"}, {20, "mx2.example"}});
  dns.Has("three.example", {{10, "mx1.example"}});
  rig.config.connections_per_site = 1;
  ByMx();
  for (int i = 0; i < 5; ++i) {
    Send("one.example");
    Send("two.example");
  }
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.connections, 1);
  EXPECT_EQ(first.messages.size(), 10u);
  Send("three.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.connections, 2) << "another set of exchangers";
  EXPECT_EQ(rig.budgets.size(), 2u);
}

TEST_F(DispatcherExchangersTest, WhereTheRulesOfTlsDifferNothingIsShared) {
  dns.Has("two.example", {{10, "mx1.example"}, {20, "mx2.example"}});
  rig.config.destinations =
      *delivery::DestinationTable::Make({{"two.example", delivery::HopTls::kRequired}});
  ByMx();
  Send("one.example");
  Send("two.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  EXPECT_EQ(first.messages.size(), 1u);
  EXPECT_EQ(Last("deferred", "to"), "a@two.example");
}

TEST_F(DispatcherExchangersTest, WhatIsForGoodIsBouncedAtOnce) {
  ByMx();
  dns.hosts.erase("mx2.example");
  struct Case {
    Verdict verdict;
    const char *dsn, *words;
  };
  for (const Case& one : {Case{Verdict::kNullMx, "5.1.10", "null MX"},
                          {Verdict::kNoDomain, "5.1.2", "there is no domain x.example"},
                          {Verdict::kLoop, "5.4.6", "would come back"},
                          {Verdict::kNoHost, "5.4.4", "no mail exchanger of x.example"}}) {
    dns.Fails("x.example", one.verdict);
    size_t before = rig.log.Of("bounced").size();
    Send("x.example");
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() > before; }));
    EXPECT_EQ(Last("bounced", "dsn"), one.dsn);
    EXPECT_NE(Last("bounced", "reply").find(one.words), std::string::npos);
    rig.RunFor(Seconds(61));  // so long it is believed
  }
  dns.Has("x.example", {{10, "mx2.example"}});  // which has no address
  size_t before = rig.log.Of("bounced").size();
  Send("x.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() > before; }));
  EXPECT_EQ(Last("bounced", "dsn"), "5.4.4");
  EXPECT_EQ(rig.log.Of("deferred").size(), 0u);
  // Its sender hears of it.
  dns.Has("example.com", {{0, "mx1.example"}});
  ASSERT_TRUE(Settled());
}

// A bought list has domains that are not there.
TEST_F(DispatcherExchangersTest, TheBrakeCountsWhatTheDnsRefuses) {
  identity::OutcomeCounts outcomes(64);
  rig.region.outcomes = &outcomes;
  ByMx();
  Sent sent;
  sent.credential = 7;
  sent.to = {"a@gone.example", "b@gone.example", "a@failing.example"};
  dns.Fails("failing.example", Verdict::kServfail);
  rig.Send(sent);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() == 2; }));
  EXPECT_EQ(outcomes.Of(7, rig.world.wall_now()).hard_bounces, 2u);
  QueueCommand command;
  command.op = QueueCommand::Op::kBounce;
  command.filter.recipient_domain = "failing.example";
  rig.Ask(command);
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("bounced").size() == 3; }));
  EXPECT_EQ(outcomes.Of(7, rig.world.wall_now()).hard_bounces, 2u) << "that was an operator";
  rig.region.outcomes = nullptr;
}

TEST_F(DispatcherExchangersTest, AFailureIsTemporaryAndSaidForWhatItIs) {
  ByMx();
  for (auto [verdict, words] : {std::pair{Verdict::kServfail, "SERVFAIL"},
                                {Verdict::kTimeout, "in time"},
                                {Verdict::kBogus, "bogus"},
                                {Verdict::kMalformed, "cannot be read"}}) {
    std::string domain = "x" + std::to_string(static_cast<int>(verdict)) + ".example";
    dns.Fails(domain, verdict);
    size_t before = rig.log.Of("deferred").size();
    Send(domain);
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() > before; }));
    EXPECT_EQ(Last("deferred", "dsn"), "4.4.3");
    EXPECT_NE(Last("deferred", "reply").find(words), std::string::npos)
        << rig.log.Of("deferred").back();
    EXPECT_EQ(Last("no_exchanger", "to_domain"), domain);
    dns.Has(domain, {{10, "mx1.example"}});
  }
  EXPECT_EQ(rig.log.Of("bounced").size(), 0u);
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.messages.size(), 4u);
}

TEST_F(DispatcherExchangersTest, TheDnsIsAskedForALabels) {
  ByMx();
  dns.Has("xn--bcher-kva.example", {{10, "mx1.example"}});
  Send("b\u00fccher.example");
  ASSERT_TRUE(rig.RunUntil(
      [&] { return rig.log.Of("delivered").size() + rig.log.Of("bounced").size() > 0; }));
  EXPECT_EQ(dns.asked["xn--bcher-kva.example"], 1);
  EXPECT_EQ(dns.asked.size(), 1u);
}

TEST_F(DispatcherExchangersTest, AHostThatCannotBeLookedUpIsTemporary) {
  dns.hosts.clear();
  dns.hosts_fail = true;
  ByMx();
  Send("one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  EXPECT_NE(Last("deferred", "reply").find("SERVFAIL"), std::string::npos);
  dns.hosts["mx2.example"] = "192.0.2.2";
  ASSERT_TRUE(Settled());
  EXPECT_EQ(second.messages.size(), 1u);
}

// --- What is known, and for how long

TEST_F(DispatcherExchangersTest, WhatIsNoLongerGoodIsAskedAgain) {
  ByMx();
  Send("one.example");
  ASSERT_TRUE(Settled());
  rig.RunFor(Seconds(50));
  Send("one.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(dns.asked["one.example"], 1);
  dns.Has("one.example", {{10, "mx2.example"}});
  rig.RunFor(Seconds(20));
  Send("one.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(dns.asked["one.example"], 2);
  EXPECT_EQ(first.messages.size(), 2u);
  EXPECT_EQ(second.messages.size(), 1u);
}

TEST_F(DispatcherExchangersTest, ADnsThatIsAwayLeavesWhatWasKnown) {
  ByMx();
  Send("one.example");
  ASSERT_TRUE(Settled());
  for (Verdict verdict : {Verdict::kServfail, Verdict::kTimeout, Verdict::kServfail}) {
    dns.Fails("one.example", verdict);
    rig.RunFor(Seconds(70));
    Send("one.example");
    ASSERT_TRUE(Settled());
  }
  EXPECT_EQ(first.messages.size(), 4u);
  EXPECT_EQ(rig.log.Of("deferred").size(), 0u);
  dns.Fails("one.example", Verdict::kBogus);
  rig.RunFor(Seconds(70));
  Send("one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  EXPECT_EQ(first.messages.size(), 4u) << "somebody may have meddled";
}

TEST_F(DispatcherExchangersTest, ADnsThatIsSilentHoldsNothingUpThatWasKnown) {
  ByMx();
  Send("one.example");
  ASSERT_TRUE(Settled());
  dns.closed = true;
  rig.RunFor(Seconds(70));
  Send("one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return first.messages.size() == 2; }));
  EXPECT_EQ(dns.open.size(), 1u) << "it is asked for beside";
  dns.AnswerAll();
  ASSERT_TRUE(Settled());
}

TEST_F(DispatcherExchangersTest, AddressesThatAreGoneAreLeft) {
  dns.Has("one.example", {{10, "mx1.example"}});
  rig.config.idle_connection = Seconds(1);
  ByMx();
  Send("one.example");
  ASSERT_TRUE(Settled());
  dns.hosts.erase("mx1.example");
  rig.RunFor(Seconds(100));
  // The first one sets the lookup off, which may come too late for it.
  for (int i = 0; i < 2; ++i) {
    Send("one.example");
    rig.RunFor(Seconds(5));
  }
  ASSERT_FALSE(rig.log.Of("bounced").empty());
  EXPECT_EQ(RecordingLog::Field(rig.log.Of("bounced")[0], "dsn"), "5.4.4");
  EXPECT_LE(first.messages.size(), 2u);
}

// However it is spelt: the exchangers are the same, and so is what is asked of them.
TEST_F(DispatcherExchangersTest, TheRulesOfTlsHoldForEverySpelling) {
  dns.Has("xn--bcher-kva.example", {{10, "mx1.example"}});
  rig.config.destinations =
      *delivery::DestinationTable::Make({{"xn--bcher-kva.example", delivery::HopTls::kRequired}});
  ByMx();
  Send("B\u00fccher.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  EXPECT_TRUE(first.messages.empty());
}

// --- Many, and in between

TEST_F(DispatcherExchangersTest, ALookupIsMadeOnceAndManyWaitTheirTurn) {
  dns.closed = true;
  ByMx();
  constexpr int kDomains = 2500;
  for (int i = 0; i < kDomains; ++i) {
    std::string domain = "d" + std::to_string(i) + ".example";
    dns.Has(domain, {{10, "mx1.example"}});
    Send(domain);
    Send(domain);
  }
  rig.RunFor(Seconds(1));
  EXPECT_EQ(dns.open.size(), limits::kExchangerLookupsMax / rig.region.shards);
  dns.closed = false;
  dns.AnswerAll();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.messages.size(), 2u * kDomains);
  EXPECT_EQ(dns.asked.size(), size_t{kDomains});
  EXPECT_EQ(dns.most_open, limits::kExchangerLookupsMax / rig.region.shards);
}

TEST_F(DispatcherExchangersTest, SitesThatNobodyGoesToAreForgotten) {
  ByMx();
  dns.hosts.clear();
  dns.hosts_fail = true;  // a site each, and no connection
  constexpr size_t kDomains = 12'000, kAtOnce = 200;
  size_t most = 0;
  for (size_t i = 0; i < kDomains; ++i) {
    std::string domain = "d" + std::to_string(i) + ".example";
    dns.Has(domain, {{10, "mx." + domain}});
    Send(domain);
    if (i % kAtOnce != kAtOnce - 1) continue;
    ASSERT_TRUE(rig.RunUntil([&] { return rig.log.lines.size() >= kAtOnce; }));
    rig.RunFor(Seconds(1));
    QueueCommand command;
    command.op = QueueCommand::Op::kDelete;
    ASSERT_EQ(rig.Ask(command).affected, kAtOnce);
    rig.log.lines.clear();
    most = std::max(most, rig.budgets.size());
  }
  // Those of domains that are kept, and as many again before they are swept.
  EXPECT_GT(most, limits::kIdleDomainsKeptMax);
  EXPECT_LE(most, 2 * (limits::kIdleDomainsKeptMax + kAtOnce));
  dns.hosts["mx.d3.example"] = "192.0.2.1";
  Send("d3.example");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.messages.size(), 1u) << "one that was forgotten is made again";
}

// More at once than there is room for on the way to the disk: what waited for room goes on.
TEST_F(DispatcherExchangersTest, WhatWaitedForRoomGoesOn) {
  dns.closed = true;
  ByMx();
  constexpr size_t kMessages = 2 * limits::kOutcomesInFlightMax + 1000;
  for (size_t i = 0; i < kMessages; ++i) Send(i % 2 == 0 ? "gone.example" : "failing.example");
  dns.Fails("gone.example", Verdict::kTimeout);
  dns.Fails("failing.example", Verdict::kServfail);
  dns.closed = false;
  dns.AnswerAll();
  WallTime begin = rig.world.wall_now();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.lines.size() >= kMessages; }));
  EXPECT_EQ(rig.log.Of("deferred").size() + rig.log.Of("no_exchanger").size(),
            rig.log.lines.size());
  EXPECT_LT(rig.world.wall_now() - begin, Seconds(30)) << "not only when they are due again";
}

TEST_F(DispatcherExchangersTest, ASuspensionHoldsForASiteThatIsNew) {
  ByMx();
  QueueCommand command;
  command.op = QueueCommand::Op::kSuspend;
  command.suspension.next_hop = "mx1.example:25";
  command.suspension.until = rig.world.wall_now() + Seconds(3600);
  rig.Ask(command);
  Send("one.example");
  ASSERT_TRUE(Settled());
  EXPECT_TRUE(first.messages.empty());
  EXPECT_EQ(second.messages.size(), 1u);
}

TEST_F(DispatcherExchangersTest, ADispatcherMayGoWhileALookupIsOpen) {
  dns.closed = true;
  ByMx();
  Send("one.example");
  rig.RunFor(Seconds(1));
  ASSERT_EQ(dns.open.size(), 1u);
  rig.Restart();
  EXPECT_LE(dns.open.size(), 1u) << "the next one's alone";
  dns.closed = false;
  dns.AnswerAll();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(first.messages.size(), 1u);
}

TEST_F(DispatcherExchangersTest, NewRoutesHoldForWhatWasAskedBefore) {
  dns.closed = true;
  ByMx();
  Send("one.example");
  rig.RunFor(Seconds(1));
  rig.Route({{"*", {"192.0.2.2:25"}}});
  rig.RunFor(Seconds(1));
  EXPECT_TRUE(second.messages.empty());
  dns.AnswerAll();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(second.messages.size(), 1u);
  EXPECT_TRUE(first.messages.empty());
}

TEST_F(DispatcherExchangersTest, WhatOperatorsAskAsksNobody) {
  dns.closed = true;
  ByMx();
  Send("one.example");
  rig.RunFor(Seconds(1));
  int asked = dns.asked["one.example"];
  QueueCommand command;
  command.op = QueueCommand::Op::kList;
  command.limit = 10;
  QueueCommand answer = rig.Ask(command);
  ASSERT_EQ(answer.entries.size(), 1u);
  EXPECT_EQ(answer.entries[0].state, "queued") << "not suspended";
  EXPECT_EQ(answer.entries[0].next_hop, "");
  command.op = QueueCommand::Op::kSummary;
  EXPECT_EQ(rig.Ask(command).rows.size(), 1u);
  command.op = QueueCommand::Op::kRetry;
  command.filter.recipient_domain = "one.example";
  rig.Ask(command);
  EXPECT_EQ(dns.asked["one.example"], asked);
}

TEST_F(DispatcherExchangersTest, WithoutADnsNothingGoesByMx) {
  rig.region.mail_lookup = nullptr;
  ByMx();
  Send("one.example");
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  Send("[192.0.2.1]");
}

}  // namespace
}  // namespace ringpost::session
