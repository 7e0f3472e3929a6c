// What is believed of policies of MTA-STS over time, what is fetched again and when, and what the
// bounds take.
#include "gateway/http/sts_cache.h"

#include <gtest/gtest.h>

#include "gateway/http/sts_records.h"

namespace ringpost::http {
namespace {

using dns::StsMode;
using session::StsFailure;

const WallTime kStart = WallFromMillis(1'764'000'000'000);
constexpr Seconds kDay{86'400};
constexpr uint32_t kWeek = 7 * 86'400;

dns::StsPolicy Policy(StsMode mode = StsMode::kEnforce, uint32_t max_age = kWeek) {
  return {mode, {"mx.example"}, max_age};
}

TEST(StsCache, APolicyCountsUntilItsEnd) {
  StsCache cache;
  EXPECT_EQ(cache.Find("a.example", kStart).policy, nullptr);
  EXPECT_TRUE(cache.Find("a.example", kStart).may_fetch);
  cache.Put("a.example", "1", Policy(), kStart);
  auto known = cache.Find("a.example", kStart + Seconds(kWeek) - Millis(1));
  ASSERT_NE(known.policy, nullptr);
  EXPECT_EQ(known.policy->id, "1");
  EXPECT_EQ(cache.Find("a.example", kStart + Seconds(kWeek)).policy, nullptr);
  EXPECT_EQ(cache.TakeDue(kStart + Seconds(kWeek), 9).expired.size(), 1u);
  EXPECT_EQ(cache.domains() + cache.bytes(), 0u);
  EXPECT_EQ(cache.NextDue(), WallTime::max());
}

TEST(StsCache, AFailureTakesNothingAndIsNotRepeatedSoon) {
  StsCache cache;
  cache.Put("a.example", "1", Policy(), kStart);
  WallTime now = kStart + kDay;
  for (int64_t wait : {300, 600, 1200, 2400, 3600, 3600}) {
    cache.Fail("a.example", StsFailure::kFetch, "why", now);
    auto known = cache.Find("a.example", now);
    EXPECT_NE(known.policy, nullptr);
    EXPECT_EQ(known.failure.words, "why");
    now += Seconds(wait) - Millis(1);
    EXPECT_FALSE(cache.Find("a.example", now).may_fetch) << wait;
    now += Millis(1);
    EXPECT_TRUE(cache.Find("a.example", now).may_fetch) << wait;
  }
  cache.Put("a.example", "2", Policy(), now);
  EXPECT_EQ(cache.Find("a.example", now).failure.kind, StsFailure::kNone);
  // Of one without a policy it is five minutes each time, and then it is forgotten.
  for (int i = 0; i < 3; ++i) {
    cache.Fail("b.example", StsFailure::kInvalid, "why", now);
    EXPECT_FALSE(cache.Find("b.example", now + Seconds(299)).may_fetch);
    now += Seconds(300);
    EXPECT_TRUE(cache.Find("b.example", now).may_fetch);
  }
  cache.TakeDue(now, 9);
  EXPECT_TRUE(cache.Show("b.example", now).empty());
  // A clock that is set back makes nobody wait for long.
  cache.Fail("b.example", StsFailure::kInvalid, "why", now);
  EXPECT_TRUE(cache.Find("b.example", now - kDay).may_fetch);
}

TEST(StsCache, WhatIsInUseIsFetchedAgain) {
  StsCache cache;
  cache.Put("week.example", "1", Policy(), kStart);
  cache.Put("hour.example", "1", Policy(StsMode::kTesting, 3600), kStart);
  cache.Put("none.example", "1", Policy(StsMode::kNone), kStart);
  using Names = std::vector<std::string>;
  EXPECT_EQ(cache.TakeDue(kStart + Seconds(1799), 9).refresh, Names());
  EXPECT_EQ(cache.TakeDue(kStart + Seconds(1800), 0).refresh, Names()) << "there is no room";
  EXPECT_EQ(cache.TakeDue(kStart + Seconds(1800), 9).refresh, Names{"hour.example"});
  EXPECT_EQ(cache.TakeDue(kStart + Seconds(1800), 9).refresh, Names()) << "it is under way";
  EXPECT_EQ(cache.TakeDue(kStart + kDay, 9).refresh, Names{"week.example"});
  cache.Fail("week.example", StsFailure::kFetch, "why", kStart + kDay);
  EXPECT_EQ(cache.TakeDue(kStart + kDay + Seconds(300), 9).refresh, Names{"week.example"});
}

TEST(StsCache, WhatIsNotInUseIsLeftAloneUntilItIs) {
  StsCache cache;
  constexpr Seconds kMonths = 90 * kDay;
  cache.Put("a.example", "1", Policy(StsMode::kEnforce, 31'557'600), kStart);
  for (WallTime now = kStart; now < kStart + kMonths; now += kDay) {
    auto due = cache.TakeDue(now, 9);
    if (!due.refresh.empty()) {
      EXPECT_LT(now - kStart, Seconds(limits::kStsInUseSeconds));
      cache.Fail("a.example", StsFailure::kFetch, "why", now);
    }
  }
  EXPECT_NE(cache.Find("a.example", kStart + kMonths).policy, nullptr);
  EXPECT_EQ(cache.TakeDue(kStart + kMonths, 9).refresh.size(), 1u);
}

TEST(StsCache, TheEndOfAPolicyThatFailsIsToldAndNotFetchedAtOnce) {
  StsCache cache;
  cache.Put("a.example", "1", Policy(StsMode::kEnforce, 600), kStart);
  cache.Fail("a.example", StsFailure::kWebPki, "why", kStart + Seconds(599));
  WallTime end = kStart + Seconds(600);
  auto due = cache.TakeDue(end, 9);
  ASSERT_EQ(due.expired.size(), 1u);
  EXPECT_TRUE(due.expired[0].in_use);
  EXPECT_EQ(due.expired[0].failure.words, "why");
  EXPECT_EQ(cache.domains(), 0u);
  auto known = cache.Find("a.example", end);
  EXPECT_EQ(known.policy, nullptr);
  EXPECT_FALSE(known.may_fetch);
  cache.Put("a.example", "1", Policy(), end);
  EXPECT_EQ(cache.domains(), 1u);
}

TEST(StsCache, TheBoundsTakeWhatWasNotUsedForLongest) {
  StsCache cache({.domains = 3, .bytes = 1000, .failures = 2});
  using Names = std::vector<std::string>;
  for (const char* name : {"a", "b", "c"})
    EXPECT_EQ(cache.Put(name, "1", Policy(), kStart), Names());
  cache.Find("a", kStart);
  EXPECT_EQ(cache.Put("d", "1", Policy(), kStart), Names{"b"});
  dns::StsPolicy big = Policy();
  big.mx = {std::string(990, 'x')};
  EXPECT_EQ(cache.Put("e", "1", big, kStart), (Names{"c", "a", "d"}));
  EXPECT_LE(cache.bytes(), 1000u);
  for (const char* name : {"x", "y", "z"}) cache.Fail(name, StsFailure::kFetch, "why", kStart);
  EXPECT_TRUE(cache.Show("x", kStart).empty());
  EXPECT_EQ(cache.List("", 9, kStart).size(), 3u);
  EXPECT_EQ(cache.List("e", 1, kStart)[0].domain, "y");
  EXPECT_EQ(cache.domains(), 1u) << "failures take no policy's place";
}

TEST(StsCache, RecordsAreReadAsTheyWereWritten) {
  StsCache cache, after;
  cache.Put("a.example", "id1", Policy(StsMode::kTesting), kStart);
  cache.Put("old.example", "1", Policy(StsMode::kEnforce, 60), kStart);
  std::vector<KeptStsPolicy> kept;
  for (const char* name : {"a.example", "old.example"}) {
    std::string record = EncodeStsPolicy(cache.Kept(name));
    auto read = DecodeStsPolicy(name, record);
    ASSERT_TRUE(read.ok()) << read.status();
    kept.push_back(*read);
    for (size_t size = 0; size < record.size(); ++size) {
      auto cut = DecodeStsPolicy(name, std::string_view(record).substr(0, size));
      EXPECT_EQ(cut.status().code(), StatusCode::kDataLoss) << size;
    }
    record[0] = 2;
    EXPECT_FALSE(DecodeStsPolicy(name, record).ok());
  }
  EXPECT_EQ(after.Load(kept, kStart + Seconds(60)), std::vector<std::string>{"old.example"});
  auto known = after.Find("a.example", kStart + Seconds(60));
  ASSERT_NE(known.policy, nullptr);
  EXPECT_EQ(known.policy->id, "id1");
  EXPECT_EQ(known.policy->policy, Policy(StsMode::kTesting));
  EXPECT_EQ(known.policy->expires, kStart + Seconds(kWeek));
  EXPECT_EQ(StsRecordKey("a.example"), "sts/policy/a.example");
}

}  // namespace
}  // namespace ringpost::http
