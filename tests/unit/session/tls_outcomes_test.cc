#include "gateway/session/tls_outcomes.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "gateway/mail/tls_report_limits.h"

namespace ringpost::session {
namespace {

namespace limits = mail::limits;

size_t TakeAll(TlsOutcomes* outcomes) {
  return outcomes->Take([](const TlsOutcome&) {});
}

TEST(TlsOutcomesTest, AreTakenOnceInTheirOrder) {
  TlsOutcomes outcomes;
  auto policy = std::make_shared<const mail::TlsPolicy>();
  outcomes.Record({"a.example", policy, {}, WallFromMillis(1)});
  outcomes.Record({"b.example", nullptr, {.result = mail::TlsResult::kDaneRequired}, {}});
  std::vector<TlsOutcome> taken;
  EXPECT_EQ(outcomes.Take([&](const TlsOutcome& outcome) { taken.push_back(outcome); }), 2u);
  EXPECT_EQ(taken[0].domain, "a.example");
  EXPECT_EQ(taken[0].policy, policy);
  EXPECT_EQ(taken[0].at, WallFromMillis(1));
  EXPECT_EQ(taken[1].event.result, mail::TlsResult::kDaneRequired);
  EXPECT_EQ(TakeAll(&outcomes), 0u);
}

TEST(TlsOutcomesTest, BeyondTheBoundTheyAreLostAndCounted) {
  TlsOutcomes outcomes;
  for (uint32_t i = 0; i < limits::kTlsOutcomesWaitingMax + 5; ++i) {
    outcomes.Record({"a.example", nullptr, {}, {}});
  }
  EXPECT_EQ(outcomes.lost(), 5u);
  EXPECT_EQ(TakeAll(&outcomes), limits::kTlsOutcomesWaitingMax);
  outcomes.Record({"a.example", nullptr, {}, {}});
  EXPECT_EQ(outcomes.lost(), 5u) << "there is room again";
  EXPECT_EQ(TakeAll(&outcomes), 1u);
}

TEST(TlsOutcomesTest, LongTextIsCutAndALongDomainIsNone) {
  TlsOutcomes outcomes;
  mail::TlsEvent event;
  event.mx_host = event.helo = event.reason = std::string(10'000, 'x');
  outcomes.Record({"a.example", nullptr, event, {}});
  outcomes.Record({std::string(254, 'x'), nullptr, {}, {}});
  outcomes.Record({"", nullptr, {}, {}});
  EXPECT_EQ(outcomes.lost(), 2u);
  EXPECT_EQ(outcomes.Take([](const TlsOutcome& outcome) {
    EXPECT_EQ(outcome.event.mx_host.size(), limits::kTlsNameBytesMax);
    EXPECT_EQ(outcome.event.helo.size(), limits::kTlsNameBytesMax);
    EXPECT_EQ(outcome.event.reason.size(), limits::kTlsReasonBytesMax);
  }),
            1u);
}

TEST(TlsOutcomesTest, ManyShardsAtOnce) {
  TlsOutcomes outcomes;
  constexpr int kShards = 4, kEach = 3000;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < kShards; ++shard) {
    shards.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) outcomes.Record({"a.example", nullptr, {}, {}});
    });
  }
  size_t taken = 0;
  for (int i = 0; i < 100; ++i) taken += TakeAll(&outcomes);
  for (std::thread& shard : shards) shard.join();
  taken += TakeAll(&outcomes);
  EXPECT_EQ(taken + outcomes.lost(), static_cast<size_t>(kShards) * kEach);
  EXPECT_EQ(outcomes.lost(), 0u);
}

}  // namespace
}  // namespace ringpost::session
