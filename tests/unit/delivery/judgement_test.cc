// Retries, replies, next hops' health and connection leases.
#include <gtest/gtest.h>

#include <thread>

#include "gateway/base/random.h"
#include "gateway/delivery/classify.h"
#include "gateway/delivery/hop_health.h"
#include "gateway/delivery/retry.h"
#include "gateway/delivery/site_budget.h"

namespace ringpost::delivery {
namespace {

TEST(RetryPolicyTest, FollowsTheStepsAndStaysAtTheLast) {
  RetryPolicy policy;
  int64_t steps[] = {60, 300, 900, 1800, 3600, 14'400, 14'400, 14'400};
  for (uint32_t attempt = 1; attempt <= 8; ++attempt) {
    Millis least = Seconds(steps[attempt - 1]);
    EXPECT_EQ(policy.WaitAfter(attempt, 0), least);
    EXPECT_EQ(policy.WaitAfter(attempt, UINT64_MAX), least + least / 10);
  }
  EXPECT_EQ(policy.WaitAfter(UINT32_MAX, 0), Seconds(14'400));
  policy.jitter_percent = 0;
  EXPECT_EQ(policy.WaitAfter(1, UINT64_MAX), Seconds(60));
}

smtp::Reply Said(uint16_t code) {
  smtp::Reply reply;
  reply.code = code;
  return reply;
}

TEST(ClassifyTest, ByTheFirstDigit) {
  EXPECT_EQ(Classify(Said(250), false, false).verdict, Verdict::kDelivered);
  EXPECT_EQ(Classify(Said(251), false, false).verdict, Verdict::kDelivered);
  EXPECT_EQ(Classify(Said(450), false, false).verdict, Verdict::kDeferred);
  EXPECT_FALSE(Classify(Said(450), false, false).host_trouble);
  EXPECT_TRUE(Classify(Said(421), false, false).host_trouble);
  EXPECT_EQ(Classify(Said(550), false, false).verdict, Verdict::kBounced);
  // A 3xx is no final word on anything.
  EXPECT_EQ(Classify(Said(354), false, false).verdict, Verdict::kDeferred);
}

TEST(ClassifyTest, SilenceIsTheHostsAndMayBeInDoubt) {
  Classified lost = Classify(Said(0), true, true);
  EXPECT_EQ(lost.verdict, Verdict::kDeferred);
  EXPECT_TRUE(lost.host_trouble);
  EXPECT_TRUE(lost.in_doubt);
  EXPECT_FALSE(Classify(Said(0), false, false).in_doubt);
}

TEST(ClassifyTest, TooManyRecipientsWereNotTried) {
  EXPECT_EQ(Classify(Said(452), true, false).verdict, Verdict::kNotTried);
  EXPECT_EQ(Classify(Said(452), false, false).verdict, Verdict::kDeferred);
}

std::vector<NextHop> Hops(std::vector<std::pair<const char*, uint16_t>> list) {
  std::vector<NextHop> hops;
  for (auto [text, preference] : list) {
    hops.push_back(*NextHop::Parse(text));
    hops.back().preference = preference;
  }
  return hops;
}

TEST(HopHealthTest, FailsOverByPreferenceAndComesBack) {
  HopHealth health(Hops({{"192.0.2.1:25", 10}, {"192.0.2.2:25", 20}}));
  MonoTime now{Seconds(1000)};
  ASSERT_EQ(health.target(health.Choose(now)).endpoint.ToString(), "192.0.2.1:25");
  health.ConnectFailed(health.Choose(now), now);
  ASSERT_EQ(health.target(health.Choose(now)).endpoint.ToString(), "192.0.2.2:25");
  health.ConnectFailed(health.Choose(now), now);
  EXPECT_EQ(health.Choose(now), HopHealth::kNoTarget);
  now += Seconds(limits::kHopBackoffSeconds);
  EXPECT_EQ(health.target(health.Choose(now)).endpoint.ToString(), "192.0.2.1:25");
}

TEST(HopHealthTest, TwoHopsThatLeadToOneEndpointHaveHealthsOfTheirOwn) {
  HopHealth health(Hops({{"192.0.2.1:25", 10}, {"192.0.2.1:25", 20}}));
  MonoTime now(Millis(1000));
  Endpoint endpoint = *Endpoint::Parse("192.0.2.1:25");
  size_t first = health.FindTarget(0, endpoint), second = health.FindTarget(1, endpoint);
  EXPECT_EQ(health.Choose(now), first);
  health.ConnectFailed(first, now);
  EXPECT_EQ(health.Choose(now), second);
  health.CredentialsRefused(second, now);
  EXPECT_EQ(health.Choose(now), HopHealth::kNoTarget);
}

TEST(HopHealthTest, BackOffGrowsToItsBoundAndIsForgottenOnSuccess) {
  HopHealth health(Hops({{"192.0.2.1:25", 0}}));
  MonoTime now{Seconds(1000)};
  Millis last{0};
  for (int i = 0; i < 40; ++i) {
    health.ConnectFailed(0, now);
    Millis wait = health.target(0).down_until - now;
    EXPECT_GE(wait, last);
    EXPECT_LE(wait, Seconds(limits::kHopBackoffSecondsMax));
    last = wait;
  }
  health.Worked(0);
  EXPECT_EQ(health.Choose(now), 0u);
}

TEST(HopHealthTest, RefusedCredentialsRestLongerUntilThereAreOthers) {
  HopHealth health(Hops({{"user@192.0.2.1:25", 0}, {"192.0.2.2:25", 10}}));
  auto known = [](const char* secret) {
    auto credentials = std::make_shared<smtp::Credentials>();
    credentials->user = "user";
    credentials->secret = secret;
    return credentials;
  };
  health.SetCredentials(0, known("wrong"));
  MonoTime now{Seconds(1000)};
  ASSERT_EQ(health.Choose(now), 0u);
  health.CredentialsRefused(0, now);
  EXPECT_EQ(health.target(0).down_until - now, Seconds(limits::kAuthRefusedBackoffSeconds));
  EXPECT_EQ(health.Choose(now), 1u) << "another next hop may know us";
  health.CredentialsRefused(0, now);
  EXPECT_EQ(health.target(0).down_until - now, Seconds(limits::kAuthRefusedBackoffSeconds));
  for (int i = 0; i < 20; ++i) {
    now = health.target(0).down_until;
    health.CredentialsRefused(0, now);
  }
  EXPECT_EQ(health.target(0).down_until - now, Seconds(limits::kAuthRefusedBackoffSecondsMax));
  health.SetCredentials(0, known("wrong"));
  EXPECT_EQ(health.Choose(now), 1u) << "the same ones again";
  health.SetCredentials(0, known("right"));
  EXPECT_EQ(health.Choose(now), 0u);
  EXPECT_TRUE(health.needs_probe(0));
  health.CredentialsAccepted(0);
  EXPECT_FALSE(health.needs_probe(0));
  EXPECT_FALSE(health.needs_probe(1));
  health.ConnectFailed(0, now);
  health.SetCredentials(1, nullptr);
  EXPECT_EQ(health.Choose(now), 1u) << "of another hop nothing is forgotten";
}

TEST(HopHealthTest, EqualPreferencesTakeTurns) {
  HopHealth health(Hops({{"192.0.2.1:25", 0}, {"192.0.2.2:25", 0}}));
  size_t first = health.Choose(MonoTime());
  EXPECT_NE(first, health.Choose(MonoTime()));
}

TEST(HopHealthTest, ConnectionsThatBreakInARowCountAsAFailure) {
  HopHealth health(Hops({{"192.0.2.1:25", 0}}));
  MonoTime now{Seconds(1)};
  for (uint32_t i = 1; i < limits::kHopBrokenMax; ++i) health.Broke(0, now);
  EXPECT_EQ(health.Choose(now), 0u);
  health.Broke(0, now);
  EXPECT_EQ(health.Choose(now), HopHealth::kNoTarget);
}

TEST(HopHealthTest, ANameHasTheAddressesItWasGiven) {
  HopHealth health(Hops({{"relay.example:2525", 0}}));
  EXPECT_EQ(health.Choose(MonoTime()), HopHealth::kNoTarget);
  health.SetAddresses(0, {*IpAddress::Parse("192.0.2.1"), *IpAddress::Parse("192.0.2.2")});
  MonoTime now{Seconds(5)};
  health.ConnectFailed(health.Choose(now), now);
  size_t second = health.Choose(now);
  ASSERT_NE(second, HopHealth::kNoTarget);
  EXPECT_EQ(health.target(second).endpoint.port, 2525);
  // A failed lookup keeps what is known; a new answer keeps what is known of the same address.
  health.SetAddresses(0, {});
  EXPECT_NE(health.Choose(now), HopHealth::kNoTarget);
  health.ConnectFailed(second, now);
  health.SetAddresses(0, {*IpAddress::Parse("192.0.2.2")});
  EXPECT_EQ(health.Choose(now), HopHealth::kNoTarget);
}

// Whichever lookup is the quicker one: the better hop is tried first.
TEST(HopHealthTest, NoneIsTriedBeforeABetterOneIsKnown) {
  NextHop better = *NextHop::Parse("mx1.example"), worse = *NextHop::Parse("mx2.example");
  better.preference = 10;
  worse.preference = 20;
  HopHealth health({better, worse});
  health.hops()[0].resolving = health.hops()[1].resolving = true;
  health.SetAddresses(1, {*IpAddress::Parse("192.0.2.2")});
  health.hops()[1].resolving = false;
  EXPECT_EQ(health.Choose(MonoTime()), HopHealth::kNoTarget);
  EXPECT_TRUE(health.waits_for_addresses());
  health.hops()[0].suspended = true;
  EXPECT_NE(health.Choose(MonoTime()), HopHealth::kNoTarget) << "it is not waited for";
  health.hops()[0].suspended = false;
  health.SetAddresses(0, {});  // it has none
  health.hops()[0].resolving = false;
  size_t chosen = health.Choose(MonoTime());
  ASSERT_NE(chosen, HopHealth::kNoTarget);
  EXPECT_EQ(health.target(chosen).hop, 1u);
  // Anew: nobody waits for it again.
  health.hops()[0].resolve_after = MonoTime(Seconds(10));
  health.hops()[0].resolving = true;
  EXPECT_EQ(health.target(health.Choose(MonoTime())).hop, 1u);
  health.SetAddresses(0, {*IpAddress::Parse("192.0.2.1")});
  EXPECT_EQ(health.target(health.Choose(MonoTime())).hop, 0u);
  // And where it is certain that there is none any more, none is left.
  health.SetAddresses(0, {});
  EXPECT_EQ(health.target(health.Choose(MonoTime())).hop, 0u);
  health.hops()[0].no_address = true;
  health.SetAddresses(0, {});
  EXPECT_EQ(health.target(health.Choose(MonoTime())).hop, 1u);
}

TEST(HopHealthTest, SuspendedHopsAreNotUsed) {
  HopHealth health(Hops({{"192.0.2.1:25", 0}, {"192.0.2.2:25", 5}}));
  health.hops()[0].suspended = true;
  EXPECT_EQ(health.target(health.Choose(MonoTime())).endpoint.ToString(), "192.0.2.2:25");
  EXPECT_FALSE(health.all_suspended());
  health.hops()[1].suspended = true;
  EXPECT_TRUE(health.all_suspended());
  EXPECT_EQ(health.Choose(MonoTime()), HopHealth::kNoTarget);
}

TEST(SiteBudgetTest, AHolderYieldsToOneThatHasLess) {
  SiteBudgets budgets;
  SiteBudget* budget = budgets.Find("192.0.2.1:25", 3, 2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(budget->Lease(0));
  EXPECT_FALSE(budget->ShouldYield(0));
  EXPECT_FALSE(budget->Lease(1));
  EXPECT_TRUE(budget->ShouldYield(0));
  budget->Release(0);
  ASSERT_TRUE(budget->Lease(1));
  EXPECT_FALSE(budget->ShouldYield(0));
  // Two and one of three: nobody gives way for ever.
  EXPECT_FALSE(budget->Lease(1));
  EXPECT_FALSE(budget->ShouldYield(0));
  budget->StopWaiting(1);
  EXPECT_EQ(budgets.Find("192.0.2.1:25", 5, 2), budget);
  EXPECT_TRUE(budget->Lease(0));
}

TEST(SiteBudgetTest, NeverMoreThanTheLimitFromAnyThread) {
  SiteBudget budget(5, 4);
  std::atomic<int> held{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (uint32_t shard = 0; shard < 4; ++shard) {
    threads.emplace_back([&, shard] {
      for (int i = 0; i < 20'000; ++i) {
        if (!budget.Lease(shard)) continue;
        if (held.fetch_add(1) >= 5) exceeded = true;
        held.fetch_sub(1);
        budget.Release(shard);
        budget.ShouldYield(shard);
      }
      budget.StopWaiting(shard);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget.in_use(), 0u);
}

}  // namespace
}  // namespace ringpost::delivery
